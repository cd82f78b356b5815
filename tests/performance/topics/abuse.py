"""An account's orders beside each of the venue's calls and abuses, from another address under production's limits."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvloop

from cift.settings.ratelimits import PRODUCTION
from tests.performance.abusers import Task
from tests.performance.clients import Http, request_of
from tests.performance.load import closed_loop, open_loop
from tests.performance.results import Bench, Result, latencies, percentiles, topic
from tests.performance.trading import Trading, trading_open

ROOT = Path(__file__).resolve().parents[3]
ORDERS = "/api/v1/orders/"
PER_SECOND = 100
COUNT = 200
ALONE_COUNT = 300
WARM = 100
RESTING = 10_000
BATCH = 100
FILLS = 500
TIMES_GOAL = 3.0
FAILED_MS = 30_000.0
"""Counted for an order that got no answer: as long as a client would have waited."""

CREATED, OK = 201, 200
ANSWERED = (CREATED, 503, 504)
"""What an order may be answered while the venue is worn out; no other may happen."""

_LIMITS = ",".join(f"{name}={requests}/{seconds}" for name, (requests, seconds) in PRODUCTION.items())

MASS_CANCEL = f"a mass cancel of {RESTING:,} orders"

Abuse = tuple[str, Task]


@topic("abuse", order=140)
def abuse(bench: Bench) -> Iterator[Result]:
    """Yield, for each server and abuse, an order's p99 beside it as a multiple of that without."""
    for web_server in ("daphne", "uvicorn"):
        wanted = [name for name in (MASS_CANCEL, *ABUSES) if bench.wants(f"{name}, {web_server}")]
        if not wanted:
            continue
        with trading_open(bench, web_server, CIFT_RATE_LIMITS=_LIMITS) as trading:
            victim = _Victim(trading)
            uvloop.run(victim.orders(WARM))
            alone = uvloop.run(victim.orders(bench.scaled(ALONE_COUNT)))
            yield from latencies(
                f"abuse_none_{web_server}", f"order, {PER_SECOND}/s open loop, {web_server}", alone, goals={"p99": 12.0}
            )
            _rest(trading)
            without = percentiles(alone)["p99"]
            beside = percentiles(uvloop.run(_beside_mass_cancel(trading, victim)))
            if MASS_CANCEL in wanted:
                yield _result(MASS_CANCEL, web_server, without, beside, {})
            for name in wanted:
                if name == MASS_CANCEL:
                    continue
                kind, task = ABUSES[name](trading)
                # Turn by turn, so that what else the machine does meets both.
                without = percentiles(uvloop.run(victim.orders(COUNT)))["p99"]
                with _abusing(trading.venue.port, kind, task) as met:
                    beside = percentiles(uvloop.run(victim.orders(COUNT)))
                trading.venue.wait_ready()
                yield _result(name, web_server, without, beside, met)


def _result(name: str, web_server: str, without: float, beside: dict[str, float], met: dict[str, int]) -> Result:
    detail = {"without_p99_ms": without, "met": met}
    title = f"order beside {name}, {web_server}: p99 as a multiple of that without"
    named = re.sub(r"[^a-z0-9]+", "_", name.lower())
    times = beside["p99"] / without
    return Result(
        f"abuse_{named}_{web_server}", title, times, "×", TIMES_GOAL, "lower", percentiles=beside, detail=detail
    )


class _Victim:
    """Sends orders that rest, on a clock of its own."""

    def __init__(self, trading: Trading) -> None:
        self._port, self._token, self._sent = trading.venue.port, trading.tokens[0], 0

    async def orders(self, count: int) -> list[float]:
        """Return ms from due to done of each."""
        free: asyncio.LifoQueue[Http] = asyncio.LifoQueue()
        clients = [await Http.connect(self._port) for _ in range(PER_SECOND)]
        for client in clients:
            free.put_nowait(client)
        first, self._sent = self._sent, self._sent + count
        requests = [_order(self._token, f"v-{first + number}", "sell", "195") for number in range(count)]

        async def send(number: int) -> None:
            client = await free.get()
            try:
                status, body = await client.ask(requests[number])
            except ConnectionError:
                failed.append(number)
                return
            finally:
                free.put_nowait(client)
            if status not in ANSWERED:
                raise RuntimeError(body.decode())
            if status != CREATED:
                failed.append(number)

        failed: list[int] = []
        try:
            waited = await open_loop(send, per_second=PER_SECOND, count=count)
        finally:
            for client in clients:
                client.transport.close()
        for number in failed:
            waited[number] = FAILED_MS
        return waited


def _order_body(name: str, side: str, price: str, quantity: str = "1") -> dict[str, Any]:
    return {
        "symbol": "AAPL-USD", "side": side, "type": "limit", "quantity": quantity, "price": price,
        "client_order_id": name,
    }  # fmt: skip


def _order(token: str, name: str, side: str, price: str) -> bytes:
    return request_of("POST", ORDERS, _order_body(name, side, price), headers={"Authorization": f"Bearer {token}"})


def _get(path: str, headers: dict[str, str] | None = None) -> Abuse:
    return "http", Task(requests=[request_of("GET", path, headers=headers or {})])


def _post(path: str, body: Any, headers: dict[str, str] | None = None) -> Abuse:
    return "http", Task(requests=[request_of("POST", path, body, headers=headers or {})])


def _bearer(trading: Trading) -> dict[str, str]:
    return {"Authorization": f"Bearer {trading.tokens[1]}"}


def _subscriptions(_trading: Trading) -> Abuse:
    book = {"channel": "book", "symbol": "AAPL-USD"}
    return "socket", Task(messages=[{"op": "subscribe", **book}, {"op": "unsubscribe", **book}])


def _admin_login(trading: Trading) -> bytes:
    """Write a login to the back office with a wrong password, with all else that its page wants."""
    with httpx.Client(base_url=f"http://127.0.0.1:{trading.venue.port}", timeout=30) as browser:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/admin/login/").text)
        token = found.group(1) if found else ""
        form = {"username": "a@example.com", "password": "wrong", "csrfmiddlewaretoken": token}
        request = browser.build_request("POST", "/admin/login/", data=form, headers={"Host": "127.0.0.1"})
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(["POST /admin/login/ HTTP/1.1", *headers, "", ""]).encode() + request.read()


def _batches(trading: Trading, orders: list[dict[str, Any]], *, trader: int) -> None:
    """Enter orders in batches, waiting for room where there is none."""
    address = f"http://127.0.0.1:{trading.venue.port}{ORDERS}batch/"
    headers = {"Authorization": f"Bearer {trading.tokens[trader]}"}
    for first in range(0, len(orders), BATCH):
        members = [{"op": "submit", **order} for order in orders[first : first + BATCH]]
        while True:
            answer = httpx.post(address, json={"orders": members}, headers=headers, timeout=30)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(int(answer.headers["Retry-After"]))
        told = answer.json()
        refused = [each for each in told.get("results", [told]) if each["status"] != CREATED]
        if refused:
            raise RuntimeError(refused[0])


def _long_order(trading: Trading) -> str:
    """Make an order of the second trader's with many fills; return its id."""
    address = f"http://127.0.0.1:{trading.venue.port}{ORDERS}"
    body = _order_body("long", "sell", "190", str(2 * FILLS))
    answer = httpx.post(address, json=body, headers={"Authorization": f"Bearer {trading.tokens[1]}"}, timeout=30)
    _batches(trading, [_order_body(f"l-{number}", "buy", "190") for number in range(FILLS)], trader=0)
    trading.drained()
    order_id: str = answer.raise_for_status().json()["id"]
    return order_id


def _rest(trading: Trading) -> None:
    order = {**_order_body("", "sell", "3100", "0.01"), "symbol": "ETH-USD"}
    _batches(trading, [{**order, "client_order_id": f"m-{number}"} for number in range(RESTING)], trader=1)
    trading.drained()


async def _beside_mass_cancel(trading: Trading, victim: _Victim) -> list[float]:
    """Let the other trader cancel everything while the orders are sent."""
    client = await Http.connect(trading.venue.port)
    request = request_of("DELETE", f"{ORDERS}?all=true", headers={"Authorization": f"Bearer {trading.tokens[1]}"})

    async def cancel(_number: int) -> None:
        status, body = await client.ask(request)
        if status != OK:
            raise RuntimeError(body.decode())

    orders = asyncio.create_task(victim.orders(COUNT))
    await closed_loop(cancel, in_flight=1, count=1)
    return await orders


ABUSES: dict[str, Callable[[Trading], Abuse]] = {
    "the schema": lambda _: _get("/api/schema/"),
    "the socket's schema": lambda _: _get("/api/schema/socket/"),
    "/metrics": lambda _: _get("/metrics"),
    "/ready": lambda _: _get("/ready"),
    "the back office's login page": lambda _: _get("/admin/login/"),
    "wrong passwords at the back office": lambda trading: ("http", Task(requests=[_admin_login(trading)])),
    "wrong passwords at auth/token/": lambda _: _post(
        "/api/v1/auth/token/", {"email": "a@example.com", "password": "wrong"}
    ),
    "the events of a long order": lambda trading: _get(
        f"{ORDERS}{_long_order(trading)}/events/?limit=500", _bearer(trading)
    ),
    "pages of 500 orders": lambda trading: _get(f"{ORDERS}?limit=500", _bearer(trading)),
    "pages of 500 orders in HTML": lambda trading: _get(
        f"{ORDERS}?limit=500", {**_bearer(trading), "Accept": "text/html"}
    ),
    "market data": lambda _: _get("/api/v1/instruments/AAPL-USD/trades/?limit=500"),
    "snapshots of a deep book": lambda _: _get("/api/v1/instruments/AAPL-USD/book/?depth=5000"),
    "invented consistency tokens": lambda _: _get("/api/v1/instruments/AAPL-USD/trades/?at_least=invented"),
    "addresses that are none": lambda _: _get("/nothing/"),
    "refused orders": lambda trading: _post(ORDERS, _order_body("r-1", "buy", "0.001"), _bearer(trading)),
    "bodies with 15,000 faults": lambda _: _post(
        "/api/v1/auth/token/", {f"k{number}": 1.5 for number in range(15_000)}
    ),
    "bodies that are too large": lambda _: _post("/api/v1/auth/token/", "x" * 300_000),
    "anonymous sockets opened and left": lambda _: ("connections", Task()),
    "subscribing and unsubscribing": _subscriptions,
    "pings of one byte": lambda _: ("pings", Task()),
    "dripped headers": lambda _: ("drip", Task()),
}
"""What is done beside the orders, by its name in the table."""


@contextmanager
def _abusing(port: int, kind: str, task: Task) -> Iterator[dict[str, int]]:
    """Run an abuser beside; what it met is in what is given, afterwards."""
    met: dict[str, int] = {}
    words = [sys.executable, "-m", "tests.performance.abusers", str(port), kind]
    child = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("an abuser has no pipes")
    child.stdin.write(msgspec.json.encode(task) + b"\n")
    child.stdin.flush()
    if child.stdout.readline() != b"begun\n":
        child.kill()
        raise RuntimeError("an abuser does not begin")
    try:
        yield met
    finally:
        child.stdin.close()
        said = child.stdout.read()
        code = child.wait(timeout=60)
    if code:
        raise RuntimeError(f"an abuser ended with {code}")
    met.update(json.loads(said))
