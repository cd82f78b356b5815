"""The production topology, all of it on this machine: how long an order takes, and how many go through.

Beside it, in the same run, what the embedded venue does with the same batches. Clients speak TLS, as the stack does.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx
import psutil
import uvloop

from tests.performance.clients import Http, Message, Socket, frame_of, request_of
from tests.performance.load import Send, closed_loop, open_loop
from tests.performance.results import Bench, Result, latencies, rate, topic
from tests.performance.stores import DISK
from tests.performance.trading import Trading, order_of, trader_of, trading_open
from tests.support.stack import RunningStack

CREATED = 201
DONE = 200
ADDRESS = "/api/v1/orders/"
WARM = 200
REST_PER_SECOND, REST_COUNT = 200, 2_000
PAIRS = 1_000
SOCKET_PER_SECOND, SOCKET_COUNT = 1_000, 10_000
SOCKETS, IN_FLIGHT, MANY = 4, 64, 10_000
BATCH, BATCHES, BATCHES_IN_FLIGHT = 100, 400, 16
DRAIN_S_MAX = 120.0
TURN = 2_000
"""After so many orders who sells and who buys begins anew (trader_of)."""

MEMORY_GOAL_MIB = 3_000.0
READY_GOAL_S = 60.0

_MIB = 2**20
# Production's limits are for strangers: what is measured is what the venue can do.
_LIMITS = ",".join(
    f"{name}=9999999/1"
    for name in ("orders-account", "orders-address", "messages-address", "frames-socket", "frames-address")
)


class Entered(Protocol):
    """A venue that takes orders from two traders."""

    async def socket(self, trader: int, *, told: Callable[[Message], None] | None = None) -> Socket:
        """Connect one of the two."""

    def drained(self) -> None:
        """Wait until the tables have what the journal has."""


@dataclass(frozen=True, slots=True)
class Stacked:
    """The running stack and its two traders' tokens."""

    stack: RunningStack
    tokens: tuple[str, str]

    async def socket(self, trader: int, *, told: Callable[[Message], None] | None = None) -> Socket:
        return await Socket.connect(self.stack.port, token=self.tokens[trader], told=told, tls=self.stack.tls)

    async def http(self) -> Http:
        return await Http.connect(self.stack.port, tls=self.stack.tls)

    def web_process(self, client: Socket) -> int:
        """Find which web process a socket was accepted by."""
        port = client.transport.get_extra_info("sockname")[1]
        for pid in self.stack.pids("run_web"):
            if any(each.raddr and each.raddr[1] == port for each in psutil.Process(pid).net_connections("tcp")):
                return pid
        raise RuntimeError("no web process has the connection")

    def count(self) -> int:
        """Count the orders in the tables."""
        return int(self.stack.rows("cift", "SELECT count(*) FROM orders_order")[0][0])

    def drained(self) -> None:
        """Wait until the tables have what the journal has.

        Raises:
            TimeoutError: they do not come that far.

        """
        ((wanted,),) = self.stack.rows("cift_journal", "SELECT max(number) FROM orders_journalbatch")
        give_up_at = time.monotonic() + DRAIN_S_MAX
        while self.stack.rows("cift", "SELECT last_number FROM orders_projection")[0][0] < wanted:
            if time.monotonic() > give_up_at:
                raise TimeoutError("the projection does not follow")
            time.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The embedded venue and its two traders' tokens."""

    trading: Trading

    async def socket(self, trader: int, *, told: Callable[[Message], None] | None = None) -> Socket:
        return await Socket.connect(self.trading.venue.port, token=self.trading.tokens[trader], told=told)

    def drained(self) -> None:
        """Wait until the tables have what the journal has."""
        self.trading.drained()


class Numbers:
    """The orders' numbers: each is one order's alone."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> int:
        """Return the first of so many; each thousand and pair begins anew, so that nobody sells what he has not."""
        first = self._next
        self._next += -(-count // TURN) * TURN
        return first


@topic("stack", order=140)
def stack(bench: Bench) -> Iterator[Result]:
    """Yield the production topology's figures, and the embedded venue's for the same batches."""
    with stacked_open() as (stacked, ready_s):
        yield Result("stack_ready", "make stack, new data folder: ready", ready_s, "s", READY_GOAL_S, "lower")
        numbers = Numbers()
        for part in (_by_rest, _one_by_one, _open_loop, _in_flight):
            yield from part(bench, stacked, numbers)
        yield _batched(bench, stacked, "stack", 40_000.0)
        yield _memory(stacked.stack)
    with trading_open(bench, "daphne", CIFT_RATE_LIMITS=_LIMITS) as trading:
        yield _batched(bench, Embedded(trading), "embedded", 60_000.0)


@contextmanager
def stacked_open() -> Iterator[tuple[Stacked, float]]:
    """Start a stack on a disk and log two traders in; yield it and the seconds until it was ready."""
    # Where PostgreSQL's own user may look, which is not the folder of measurements.
    with tempfile.TemporaryDirectory(prefix="cift-bench-", dir=DISK if DISK.is_dir() else None) as folder:
        running = RunningStack(Path(folder), environment={"CIFT_RATE_LIMITS": _LIMITS})
        began = time.monotonic()
        running.start()
        try:
            running.wait_for("CIFT Markets is open")
            ready_s = time.monotonic() - began
            with httpx.Client(base_url=f"https://127.0.0.1:{running.port}/api/v1/", verify=running.tls) as client:
                logins = [{"email": email, "password": word} for email, word in running.logins().items()]
                answers = [client.post("auth/token/", json=login, timeout=30) for login in logins[:2]]
            first, second = (answer.raise_for_status().json()["access"] for answer in answers)
            yield Stacked(running, (first, second)), ready_s
        finally:
            running.end()


def _by_rest(bench: Bench, stacked: Stacked, numbers: Numbers) -> Iterator[Result]:
    count = bench.scaled(REST_COUNT)
    waited = uvloop.run(_rest(stacked, count, first=numbers.take(WARM + count)))
    title = f"order by REST as a program, {REST_PER_SECOND}/s open loop, stack"
    yield from latencies("stack_order_rest", title, waited, goals={"p50": 3.5, "p99": 15.0})


async def _rest(stacked: Stacked, count: int, *, first: int) -> list[float]:
    bearers = [{"Authorization": f"Bearer {token}"} for token in stacked.tokens]
    orders = range(first, first + WARM + count)
    requests = [request_of("POST", ADDRESS, order_of(n), headers=bearers[trader_of(n)]) for n in orders]
    free: asyncio.LifoQueue[Http] = asyncio.LifoQueue()
    # Connections enough for half a second in which nothing is answered.
    for _ in range(REST_PER_SECOND // 2):
        free.put_nowait(await stacked.http())

    async def send(number: int) -> None:
        client = await free.get()
        status, body = await client.ask(requests[number])
        free.put_nowait(client)
        if status != CREATED:
            raise RuntimeError(body.decode())

    await closed_loop(send, in_flight=1, count=WARM)
    return await open_loop(lambda n: send(WARM + n), per_second=REST_PER_SECOND, count=count)


def _one_by_one(bench: Bench, stacked: Stacked, numbers: Numbers) -> Iterator[Result]:
    pairs = bench.scaled(PAIRS)
    acknowledged, filled = uvloop.run(_pairs(stacked, pairs, first=numbers.take(2 * (WARM + pairs))))
    title = "order by socket, 1 in flight, stack"
    yield from latencies("stack_order_socket", title, acknowledged, goals={"p50": 2.0, "p99": 6.0})
    title = "from an order's acknowledgement to its fill on the counterparty's socket, other web process, stack"
    yield from latencies("stack_fill", title, filled, goals={"p50": 1.5, "p99": 6.0})


async def _pairs(stacked: Stacked, pairs: int, *, first: int) -> tuple[list[float], list[float]]:
    """Let one trader's order rest and the other's take it, at two web processes.

    Return ms to acknowledgement, and ms from the taker's acknowledgement to the maker's fill: less than 0 where the
    fill was there first.
    """
    told: asyncio.Queue[float] = asyncio.Queue()

    def fills(message: Message) -> None:
        if message.channel == "account" and message.type == "fill":
            told.put_nowait(time.perf_counter())

    maker = await stacked.socket(0, told=fills)
    taker = await stacked.socket(1)
    others = []
    while stacked.web_process(taker) == stacked.web_process(maker):
        others.append(taker)
        taker = await stacked.socket(1)
    for other in others:
        other.transport.close()
    subscribe = frame_of({"id": -1, "op": "subscribe", "channel": "account"})
    await answered(maker, -1, subscribe, status=None)
    acknowledged, filled = [], []
    for number in range(first, first + 2 * (WARM + pairs), 2):
        rest, take = (frame(number + step) for step in (0, 1))
        began = time.perf_counter()
        await answered(maker, number, rest)
        resting = time.perf_counter()
        await answered(taker, number + 1, take)
        taken = time.perf_counter()
        filled.append((await told.get() - taken) * 1e3)
        acknowledged += [(resting - began) * 1e3, (taken - resting) * 1e3]
    return acknowledged[2 * WARM :], filled[WARM:]


def _open_loop(bench: Bench, stacked: Stacked, numbers: Numbers) -> Iterator[Result]:
    count = bench.scaled(SOCKET_COUNT)
    waited = uvloop.run(_paced(stacked, count, first=numbers.take(WARM + count)))
    title = f"order by socket, {SOCKET_PER_SECOND:,}/s open loop, stack"
    yield from latencies("stack_order_paced", title, waited, goals={"p99": 10.0})


async def _paced(stacked: Stacked, count: int, *, first: int) -> list[float]:
    send = await _sockets(stacked, WARM + count, first=first)
    await closed_loop(send, in_flight=1, count=WARM)
    return await open_loop(lambda n: send(WARM + n), per_second=SOCKET_PER_SECOND, count=count)


def _in_flight(bench: Bench, stacked: Stacked, numbers: Numbers) -> Iterator[Result]:
    count, seconds = bench.scaled(MANY), []
    for _ in range(bench.runs):
        first = numbers.take(count)
        stacked.drained()
        before, began = stacked.count(), time.perf_counter()
        asked_s = uvloop.run(_many(stacked, count, first=first))
        setting_up = time.perf_counter() - began - asked_s
        stacked.drained()
        seconds.append(time.perf_counter() - began - setting_up)
        if stacked.count() - before != count:
            message = f"{count} orders were acknowledged, the tables have {stacked.count() - before}"
            raise RuntimeError(message)
    title = f"orders by sockets, {IN_FLIGHT} in flight, projection drained, stack"
    yield rate("stack_order_rate", title, of=(count, "durable orders"), seconds=seconds, goal=5_000.0)


async def _many(stacked: Stacked, count: int, *, first: int) -> float:
    send = await _sockets(stacked, count, first=first)
    seconds, _ = await closed_loop(send, in_flight=IN_FLIGHT, count=count)
    return seconds


async def _sockets(stacked: Stacked, count: int, *, first: int) -> Send:
    """Connect sockets, each trader two; return what sends the order of a number over one of its trader's."""
    sockets = [await stacked.socket(index % 2) for index in range(SOCKETS)]
    frames = [frame(first + number) for number in range(count)]

    async def send(number: int) -> None:
        client = sockets[trader_of(first + number) + 2 * (number // 4 % 2)]
        await answered(client, first + number, frames[number])

    return send


def _batched(bench: Bench, venue: Entered, name: str, goal: float) -> Result:
    """Return the orders a second in batches of a hundred, until the last is acknowledged."""
    batches, seconds = bench.scaled(BATCHES), []
    for run in range(bench.runs):
        seconds.append(uvloop.run(_batches(venue, batches, run=f"{name}-{run}")))
        venue.drained()
    title = f"batches of {BATCH} by sockets, {BATCHES_IN_FLIGHT} in flight, acknowledged, {name}"
    return rate(f"batches_{name}", title, of=(BATCH * batches, "durable orders"), seconds=seconds, goal=goal)


async def _batches(venue: Entered, count: int, *, run: str) -> float:
    """Send batches, each second one of the other trader taking what the one before it made."""
    sockets = [await venue.socket(index % 2) for index in range(SOCKETS)]
    frames = [_batch_frame(number, run) for number in range(count)]

    async def send(number: int) -> None:
        client = sockets[trader_of(number) + 2 * (number // 4 % 2)]
        await answered(client, number, frames[number], status=DONE)

    await closed_loop(send, in_flight=1, count=2)
    numbers = iter(range(2, count))
    seconds, _ = await closed_loop(lambda _: send(next(numbers)), in_flight=BATCHES_IN_FLIGHT, count=count - 2)
    return seconds * count / (count - 2)


def _batch_frame(number: int, run: str) -> bytes:
    orders = [{**order_of(number), "client_order_id": f"{run}-{number}-{place}"} for place in range(BATCH)]
    return frame_of(
        {"id": number, "op": "order.batch", "params": {"orders": [{"op": "submit", **each} for each in orders]}}
    )


def frame(number: int) -> bytes:
    """Write the request of an order."""
    return frame_of({"id": number, "op": "order.submit", "params": order_of(number)})


async def answered(client: Socket, request_id: int, request: bytes, *, status: int | None = CREATED) -> None:
    """Send a request and wait for its answer.

    Raises:
        RuntimeError: it is another than expected.

    """
    answer = await client.ask(request_id, request)
    if not answer.ok or answer.status != status:
        message = f"request {request_id} was answered {answer}"
        raise RuntimeError(message)


def _memory(running: RunningStack) -> Result:
    """Return what all processes of the stack have of their own, shared pages divided among those that share them."""
    root = psutil.Process(running.process.pid)
    pss = sum(process.memory_full_info().pss for process in (root, *root.children(recursive=True)))
    title = "memory of all processes of the stack, after these orders"
    return Result("stack_memory", title, pss / _MIB, "MiB", MEMORY_GOAL_MIB, "lower")
