"""A venue as `make run` starts it, with its simulated market: how soon it trades, what it takes, how it answers."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import httpx
import uvloop

from apps.orders.monitoring.processes import ProcessFound, processes_of
from tests.performance.clients import Message, Socket, frame_of
from tests.performance.load import open_loop
from tests.performance.results import Bench, Result, latencies, topic
from tests.support.venue import Venue

SYMBOLS = ("AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD")
WATCHED_S = 60
PER_SECOND = 20
WARM_S = 15
LEAST_WATCHED_S = 20
START_S_MAX = 60.0
READY_GOAL_S = FILL_GOAL_S = 6.0
MEMORY_GOAL_MIB = 450.0
SIMULATION_GOAL = 25.0
LATENCY_GOALS = {"p50": 3.0, "p99": 12.0}
AWAY = 0.95
"""Of the last price: where an order rests that nobody comes to meanwhile."""

_MIB = 2**20
_NAMES = {
    "apps.simulation.live": "simulation",
    "embedded_web": "web process with the order service",
    "run_projector": "projector and verifier",
    "venue": "supervisor",
}


@topic("living", order=115)
def living(bench: Bench) -> Iterator[Result]:
    """Yield how soon a venue is ready and trades, on a new data folder and again; then its memory, time and answers."""
    environment = {"SIMULATION": "1", "SIMULATION_SEED": "1", "SIMULATION_RATE": "100"}
    for name, title, folders in (
        ("new", "start on a new data folder", [bench.folder / f"new-{run}" for run in range(bench.runs)]),
        ("again", "start on the data folder of a market", [bench.folder / "new-0"] * bench.runs),
    ):
        starts = []
        for folder in folders:
            venue = Venue(folder, environment=environment)
            try:
                starts.append(_started(venue))
            finally:
                venue.end()
        for part, goal, values in zip(
            ("ready", "its first fill"), (READY_GOAL_S, FILL_GOAL_S), zip(*starts, strict=True), strict=True
        ):
            short = part.split()[-1]
            yield Result(f"living_{name}_{short}", f"{title}: {part}", median(values), "s", goal, "lower", runs=values)
    venue = Venue(bench.folder / "new-0", environment=environment)
    try:
        began = time.perf_counter()
        _started(venue)
        yield from _running(venue, max(bench.scaled(WATCHED_S), LEAST_WATCHED_S), started=began)
    finally:
        venue.end()


def _started(venue: Venue) -> tuple[float, float]:
    """Start it; return the seconds until it is ready and until its agents' first fill."""
    began = time.perf_counter()
    venue.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{venue.port}", timeout=START_S_MAX) as client:
        give_up_at = time.monotonic() + START_S_MAX
        while not _is_ready(client):
            if time.monotonic() > give_up_at:
                raise TimeoutError("the venue does not become ready")
            time.sleep(0.02)
    ready = time.perf_counter() - began
    uvloop.run(_first_fill(venue.port))
    return ready, time.perf_counter() - began


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _first_fill(port: int) -> None:
    """Wait for a trade of any instrument; asking over and over would slow down what is measured."""
    traded = asyncio.Event()

    def told(message: Message) -> None:
        if message.channel == "trades" and message.type == "trade":
            traded.set()

    socket = await Socket.connect(port, told=told)
    for number, symbol in enumerate(SYMBOLS):
        request = {"id": number, "op": "subscribe", "channel": "trades", "symbol": symbol}
        if not (await socket.ask(number, frame_of(request))).ok:
            raise RuntimeError("trades cannot be subscribed to")
    async with asyncio.timeout(START_S_MAX):
        await traded.wait()


def _running(venue: Venue, seconds: int, *, started: float) -> Iterator[Result]:
    """Yield what the processes take while only the agents trade, then how soon a trader is answered beside them.

    `started`: when the venue was, so that memory is told with its age: what grows in an hour is `make soak`'s to say.
    """
    time.sleep(WARM_S)
    web = venue.child("embedded_web")
    before, began = {each.pid: each for each in processes_of(web)}, time.perf_counter()
    time.sleep(seconds)
    after, took = processes_of(web), time.perf_counter() - began
    if {each.pid for each in after} != set(before):
        raise RuntimeError("a process ended meanwhile")
    yield memory(after, time.perf_counter() - started)
    for each in after:
        share = 100 * (each.processor_s - before[each.pid].processor_s) / took
        what = _NAMES[each.name]
        yield Result(
            f"living_processor_{what.split()[0]}",
            f"one core's share of the {what}, default rate",
            share,
            "%",
            SIMULATION_GOAL if what == "simulation" else None,
            "lower",
        )
    waited = uvloop.run(_traded_beside(venue, seconds * PER_SECOND))
    title = f"order by socket beside the simulation, {PER_SECOND}/s open loop"
    yield from latencies("living_socket", title, waited, goals=LATENCY_GOALS)
    yield memory(
        processes_of(web),
        time.perf_counter() - started,
        name="living_memory_after",
        title="the same behind the trader's orders",
    )


def memory(
    processes: list[ProcessFound],
    age_s: float,
    *,
    name: str = "living_memory",
    title: str = "memory of all processes together (PSS)",
) -> Result:
    """Sum up what the processes have, so long after the venue's start."""
    each: dict[str, float] = {_NAMES[process.name]: (process.memory or 0) / _MIB for process in processes}
    detail = {**each, "seconds_after_start": round(age_s, 1)}
    title = f"{title}, {age_s:.0f} s after its start"
    return Result(name, title, sum(each.values()), "MiB", MEMORY_GOAL_MIB, "lower", detail=detail)


async def _traded_beside(venue: Venue, count: int) -> list[float]:
    """Let a trader rest an order, cancel it, take a share and give one back, by turns."""
    email, password = next(iter(venue.logins().items()))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{venue.port}/api/v1/", timeout=30) as client:
        token = (await client.post("auth/token/", json={"email": email, "password": password})).json()["access"]
        socket = await Socket.connect(venue.port, token=token)
        ticker = (await client.get(f"instruments/{SYMBOLS[0]}/ticker/")).raise_for_status().json()
    last = float(ticker["last_price"])
    low, high = f"{AWAY * last:.2f}", f"{last / AWAY:.2f}"

    async def send(number: int) -> None:
        kind = number % 4
        if kind == 0:
            request = _submit(f"l-{number}", "buy", low, time_in_force="gtc", post_only=True)
        elif kind == 1:
            request = {"op": "order.cancel", "params": {"client_order_id": f"l-{number - 1}"}}
        else:
            side, price = ("buy", high) if kind == 2 else ("sell", low)
            request = _submit(f"l-{number}", side, price, time_in_force="ioc")
        answer = await socket.ask(number, frame_of({"id": number, **request}))
        if not answer.ok:
            message = f"request {number} was answered {answer}"
            raise RuntimeError(message)

    return await open_loop(send, per_second=PER_SECOND, count=count)


def _submit(order: str, side: str, price: str, **more: Any) -> dict[str, Any]:
    params = {"symbol": SYMBOLS[0], "side": side, "type": "limit", "quantity": "1", "price": price}
    return {"op": "order.submit", "params": {**params, "client_order_id": order, **more}}
