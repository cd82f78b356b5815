"""Order entry over HTTP: as a program, and the way a browser's session goes."""

import asyncio
import re
from collections.abc import Iterator

import httpx
import uvloop

from tests.performance.clients import Http, request_of
from tests.performance.load import Send, closed_loop, open_loop
from tests.performance.results import Bench, Result, latencies, rate, topic
from tests.performance.trading import Trading, order_of, trader_of, trading_open

ADDRESS = "/api/v1/orders/"
CREATED = 201
PER_SECOND = 100
OPEN_LOOP_COUNT = 3_000
IN_FLIGHT = 16
CLOSED_LOOP_COUNT = 8_000
SESSION_COUNT = 1_000
WARM = 200

GOALS = {
    "daphne": ({"p50": 3.0, "p99": 12.0}, 700.0),
    "uvicorn": ({"p50": 2.0, "p99": 8.0}, 2_000.0),
}
SESSION_GOAL = 10.0


@topic("orders_rest", order=110)
def orders_rest(bench: Bench) -> Iterator[Result]:
    """Yield how long an order takes as a program on each server, how many go through, and as a session."""
    for web_server, (goals, per_second) in GOALS.items():
        with trading_open(bench, web_server) as trading:
            yield from _measured(bench, trading, web_server, goals, per_second)


def _measured(
    bench: Bench, trading: Trading, web_server: str, goals: dict[str, float], goal: float
) -> Iterator[Result]:
    before = trading.count()
    count, many = bench.scaled(OPEN_LOOP_COUNT), bench.scaled(CLOSED_LOOP_COUNT)
    waited = uvloop.run(_open(trading, count))
    yield from latencies(
        f"order_rest_{web_server}", f"order by REST as a program, 100/s open loop, {web_server}", waited, goals=goals
    )
    seconds = [uvloop.run(_closed(trading, many, first=WARM + count + run * many)) for run in range(bench.runs)]
    trading.drained()
    sent = WARM + count + bench.runs * many
    if trading.count() - before != sent:
        message = f"{sent} orders were acknowledged, the tables have {trading.count() - before}"
        raise RuntimeError(message)
    yield rate(
        f"order_rest_rate_{web_server}",
        f"order by REST, 16 in flight, {web_server}",
        of=(many, "durable orders"),
        seconds=seconds,
        goal=goal,
    )
    waited = uvloop.run(_session(trading, bench.scaled(SESSION_COUNT), _session_headers(trading), first=sent))
    yield from latencies(
        f"order_session_{web_server}",
        f"order by session and CSRF token through REST framework, {web_server}",
        waited,
        goals={"p50": SESSION_GOAL},
    )


class _Programs:
    """Connections that wait for work; a request takes a free one."""

    def __init__(self, clients: list[Http], requests: list[bytes]) -> None:
        self._free: asyncio.LifoQueue[Http] = asyncio.LifoQueue()
        for client in clients:
            self._free.put_nowait(client)
        self._requests = requests

    async def send(self, number: int) -> None:
        client = await self._free.get()
        status, body = await client.ask(self._requests[number])
        self._free.put_nowait(client)
        if status != CREATED:
            raise RuntimeError(body.decode())


async def _programs(trading: Trading, count: int, *, first: int, connections: int) -> Send:
    bearers = [{"Authorization": f"Bearer {token}"} for token in trading.tokens]
    requests = [
        request_of("POST", ADDRESS, order_of(number), headers=bearers[trader_of(number)])
        for number in range(first, first + count)
    ]
    clients = [await Http.connect(trading.venue.port) for _ in range(connections)]
    return _Programs(clients, requests).send


async def _open(trading: Trading, count: int) -> list[float]:
    warm = await _programs(trading, WARM, first=0, connections=1)
    await closed_loop(warm, in_flight=1, count=WARM)
    # Connections enough for a second in which nothing is answered.
    send = await _programs(trading, count, first=WARM, connections=PER_SECOND)
    return await open_loop(send, per_second=PER_SECOND, count=count)


async def _closed(trading: Trading, count: int, *, first: int) -> float:
    send = await _programs(trading, count, first=first, connections=IN_FLIGHT)
    seconds, _ = await closed_loop(send, in_flight=IN_FLIGHT, count=count)
    return seconds


def _session_headers(trading: Trading) -> dict[str, str]:
    """Log in as a browser does; return what it sends with each request from then on."""
    email, password = next(iter(trading.venue.logins().items()))
    with httpx.Client(base_url=f"http://127.0.0.1:{trading.venue.port}", timeout=30) as browser:
        page = browser.get("/api/login/login/").text
        match = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        form = {"username": email, "password": password, "csrfmiddlewaretoken": match.group(1) if match else ""}
        browser.post("/api/login/login/", data=form, headers={"Referer": str(browser.base_url)})
        cookies = dict(browser.cookies)
    return {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRFToken": cookies["csrftoken"],
        "Accept": "application/json, text/html;q=0.5",
    }


async def _session(trading: Trading, count: int, headers: dict[str, str], *, first: int) -> list[float]:
    orders = [{**order_of(number), "side": "sell", "price": "195"} for number in range(first, first + count)]
    requests = [request_of("POST", ADDRESS, order, headers=headers) for order in orders]
    send = _Programs([await Http.connect(trading.venue.port)], requests).send
    _, waited = await closed_loop(send, in_flight=1, count=count)
    return waited
