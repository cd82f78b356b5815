"""Order entry by socket: acknowledgement and fill one at a time, and as many as go through."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.performance.clients import Message, Socket, frame_of
from tests.performance.load import closed_loop
from tests.performance.results import Bench, Result, latencies, rate, topic
from tests.performance.trading import SYMBOL, Trading, order_of, trader_of, trading_open

ROOT = Path(__file__).resolve().parents[3]
CREATED = 201
PAIRS = 2_000
WARM = 200
SOCKETS = 4
IN_FLIGHT = 64
COUNT = 20_000
ECHO_COUNT = 100_000
GOAL_PER_SECOND = 3_500.0
GOAL_OF_ECHO = 20.0
LATENCY_GOALS = {"p50": 2.0, "p99": 8.0}


@topic("orders_socket", order=120)
def orders_socket(bench: Bench) -> Iterator[Result]:
    """Yield how long an order and its fill take, and how many a second go through with the projection behind them."""
    for web_server in ("daphne", "uvicorn"):
        with trading_open(bench, web_server) as trading:
            acknowledged, filled = uvloop.run(_one_by_one(trading, bench.scaled(PAIRS)))
            title = "order by socket, 1 in flight"
            yield from latencies(
                f"order_socket_{web_server}", f"{title}, {web_server}", acknowledged, goals=LATENCY_GOALS
            )
            yield from latencies(
                f"fill_socket_{web_server}",
                f"{title}: the fill on the other trader's socket, {web_server}",
                filled,
                goals=LATENCY_GOALS,
            )
            first = WARM + 2 * bench.scaled(PAIRS)
            runs = [_many(trading, bench.scaled(COUNT), first=first + run * COUNT) for run in range(bench.runs)]
        of = (bench.scaled(COUNT), "durable orders")
        whole = [seconds for seconds, _ in runs]
        whole_rate = rate(
            f"order_socket_rate_{web_server}",
            f"orders by sockets, 64 in flight, projection drained, {web_server}",
            of=of,
            seconds=whole,
            goal=GOAL_PER_SECOND,
        )
        yield whole_rate
        yield rate(
            f"order_socket_acknowledged_{web_server}",
            f"orders by sockets, 64 in flight, until the last acknowledgement, {web_server}",
            of=of,
            seconds=[seconds for _, seconds in runs],
        )
        echoed = _echo_rate(web_server, bench.scaled(ECHO_COUNT))
        yield Result(
            f"order_socket_of_echo_{web_server}",
            f"the same as a share of a plain ASGI echo's rate, {web_server}",
            100 * whole_rate.value / echoed,
            "%",
            GOAL_OF_ECHO,
            detail={"echo_per_second": echoed},
        )


async def _one_by_one(trading: Trading, pairs: int) -> tuple[list[float], list[float]]:
    """Let one trader's order rest and the other's take it; return ms to acknowledgement, and to the maker's fill."""
    told: asyncio.Queue[None] = asyncio.Queue()

    def fills(message: Message) -> None:
        if message.channel == "account" and message.type == "fill":
            told.put_nowait(None)

    port = trading.venue.port
    seller = await Socket.connect(port, token=trading.tokens[0], told=fills)
    buyer = await Socket.connect(port, token=trading.tokens[1])
    await _asked(seller, 0, frame_of({"id": 0, "op": "subscribe", "channel": "account"}))
    acknowledged: list[float] = []
    filled: list[float] = []
    for number in range(-WARM, 2 * pairs, 2):
        rest, take = (_order_frame(number + WARM + step) for step in (0, 1))
        began = time.perf_counter()
        await _asked(seller, number + WARM, rest, status=CREATED)
        resting = time.perf_counter()
        answer = asyncio.ensure_future(_asked(buyer, number + WARM + 1, take, status=CREATED))
        answer.add_done_callback(lambda _: acknowledged.append((time.perf_counter() - resting) * 1e3))  # noqa: B023 - awaited in this turn
        await told.get()
        filled.append((time.perf_counter() - resting) * 1e3)
        await answer
        acknowledged.append((resting - began) * 1e3)
    return acknowledged[WARM:], filled[WARM // 2 :]


def _many(trading: Trading, count: int, *, first: int) -> tuple[float, float]:
    """Keep orders in flight; return the seconds until the tables have them all, and until the last was acknowledged."""
    # What came before is in the tables first, so that it is not counted as what comes now.
    trading.drained()
    before = trading.count()
    began = time.perf_counter()
    seconds = uvloop.run(_in_flight(trading, count, first=first))
    setting_up = time.perf_counter() - began - seconds
    trading.drained()
    whole = time.perf_counter() - began - setting_up
    if trading.count() - before != count:
        message = f"{count} orders were acknowledged, the tables have {trading.count() - before}"
        raise RuntimeError(message)
    return whole, seconds


async def _in_flight(trading: Trading, count: int, *, first: int) -> float:
    tokens = trading.tokens
    sockets = [await Socket.connect(trading.venue.port, token=tokens[index % 2]) for index in range(SOCKETS)]
    frames = [_order_frame(first + number) for number in range(count)]

    async def send(number: int) -> None:
        # Each trader has two of the sockets.
        client = sockets[trader_of(first + number) + 2 * (number // 4 % 2)]
        await _asked(client, first + number, frames[number], status=CREATED)

    seconds, _ = await closed_loop(send, in_flight=IN_FLIGHT, count=count)
    return seconds


async def _asked(client: Socket, request_id: int, frame: bytes, *, status: int | None = None) -> None:
    answer = await client.ask(request_id, frame)
    if not answer.ok or answer.status != status:
        message = f"request {request_id} was answered {answer}"
        raise RuntimeError(message)


def _order_frame(number: int) -> bytes:
    return frame_of({"id": number, "op": "order.submit", "params": order_of(number)})


def _echo_rate(web_server: str, count: int) -> float:
    """Measure messages a second of a plain ASGI echo on the same server, with the same client."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # A server that takes all that wait until there is none would wait for the next for ever.
        listener.settimeout(0)
        listener.listen()
        descriptor, port = listener.fileno(), listener.getsockname()[1]
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.performance.echo", web_server, str(descriptor)],
            cwd=ROOT,
            # What is measured is the server, not what it lets one socket say.
            env={**os.environ, "CIFT_RATE_LIMITS": "frames-socket=9999999/1"},
            pass_fds=(descriptor,),
        )
        try:
            return count / uvloop.run(_echoed(port, count))
        finally:
            child.kill()
            child.wait()


async def _echoed(port: int, count: int) -> float:
    sockets = [await Socket.connect(port) for _ in range(SOCKETS)]
    frame = frame_of({"id": 1, "op": "order.submit", "params": order_of(1), "channel": SYMBOL})

    async def send(number: int) -> None:
        await sockets[number % SOCKETS].echo(frame)

    seconds, _ = await closed_loop(send, in_flight=IN_FLIGHT, count=count)
    return seconds
