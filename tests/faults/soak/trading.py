"""Who trades beside the simulation during a soak: by socket, by REST; who reads feeds and lists; who comes and goes."""

import asyncio
import itertools
import json
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from tests.performance.clients import Http, Message, Socket, frame_of, request_of
from tests.support.venue import Venue

SYMBOL = "AAPL-USD"
SYMBOLS = ("AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD")
PREFIX = "soak-"
SOCKET_PER_S = 10.0
REST_PER_S = 5.0
READS_PER_S = 2.0
COMES_EVERY_S = 3.0
LOGIN_EVERY_S = 600.0
FAILURES_KEPT = 50
ANSWER_S_MAX = 10.0

_READS = (
    "orders/?limit=100",
    "fills/?limit=100",
    "balances/",
    "positions/",
    "ledger/?limit=100",
    f"instruments/{SYMBOL}/book/?depth=10",
    f"instruments/{SYMBOL}/trades/",
    f"instruments/{SYMBOL}/ticker/",
)


class Record:
    """What clients have seen: ms by way and minute, what was acknowledged, what went wrong."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.waited: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.acknowledged: list[str] = []
        self.refused: Counter[str] = Counter()
        self.failures: list[str] = []
        self.failures_count = 0
        self.asked = 0

    @property
    def at_s(self) -> float:
        return time.monotonic() - self.began

    def answered(self, way: str, due: float) -> None:
        """Count an answer, by the time it was due to be asked for."""
        self.asked += 1
        self.waited[way][int((due - self.began) // 60)].append((time.monotonic() - due) * 1e3)

    def failed(self, what: str, error: BaseException) -> None:
        self.failures_count += 1
        if len(self.failures) < FAILURES_KEPT:
            self.failures.append(f"{self.at_s:.0f} s, {what}: {error!r}")


Ask = Callable[[str, dict[str, Any]], Awaitable[tuple[int, dict[str, Any]]]]
"""Ask for an order operation; gives the status and the body."""


class Trader:
    """One login that trades without end: rests an order, moves it, takes it back, then takes one piece off the book."""

    def __init__(self, venue: Venue, email: str, record: Record, *, name: str) -> None:
        self.port = venue.port
        self.token = ""
        self.record = record
        self.name = name
        self._login = {"email": email, "password": venue.logins()[email]}
        self._numbers = itertools.count()
        self._order: dict[str, Any] = {}
        self._price = ""
        # Of the run as well: a folder that is used again has the ids of before.
        self._run = time.time_ns()

    async def login(self) -> None:
        """Get a token; it lasts a quarter of an hour."""
        client = await Http.connect(self.port)
        status, body = await client.ask(request_of("POST", "/api/v1/auth/token/", self._login, headers={}))
        client.transport.close()
        if status != 200:
            raise ConnectionError(body.decode())
        self.token = json.loads(body)["access"]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def trade(self, ask: Ask, *, per_s: float) -> None:
        """Do one step after another, each when it is due."""
        self._order = {}
        due = time.monotonic()
        for step in itertools.count():
            due = max(due + 1 / per_s, time.monotonic() - 1)
            await asyncio.sleep(max(due - time.monotonic(), 0))
            op, params = await self._step(step)
            async with asyncio.timeout(ANSWER_S_MAX):
                status, body = await ask(op, params)
            self.record.answered(self.name, due)
            self._took(op, params, status, body)

    async def _step(self, step: int) -> tuple[str, dict[str, Any]]:
        """Return the next operation; what it needs of an order that is not there is left out."""
        if step % 40 == 0:
            await self._look()
        turn = step % 4
        match turn if self._order or turn == 0 else 3:
            case 1:
                return "order.amend", {"id": self._order["id"], "quantity": "3"}
            case 2:
                return "order.cancel", {"id": self._order["id"]}
            case 3:
                side = "buy" if next(self._numbers) % 2 else "sell"
                return "order.submit", self._named(side=side, type="market", quantity="1")
        return "order.submit", self._named(side="buy", type="limit", quantity="2", price=self._price, post_only=True)

    def _named(self, **terms: str | bool) -> dict[str, Any]:
        number = f"{PREFIX}{self._run}-{self.name}-{next(self._numbers)}"
        return {"symbol": SYMBOL, "client_order_id": number, **terms}

    async def _look(self) -> None:
        """Read the last price; orders rest 3 % below it, where nobody comes."""
        client = await Http.connect(self.port)
        _, body = await client.ask(request_of("GET", f"/api/v1/instruments/{SYMBOL}/ticker/", headers=self.bearer))
        client.transport.close()
        last = json.loads(body)["last_price"]
        self._price = f"{float(last or '190') * 0.97:.2f}"

    def _took(self, op: str, params: dict[str, Any], status: int, body: dict[str, Any]) -> None:
        if status >= 400:
            self.record.refused[f"{op}: {body.get('code')}"] += 1
            self._order = {}
            return
        if op == "order.submit":
            self.record.acknowledged.append(params["client_order_id"])
            self._order = body if params["type"] == "limit" else {}
        elif op == "order.cancel":
            self._order = {}


async def by_socket(trader: Trader) -> None:
    """Trade over one socket, with the feeds and the account's messages coming on it."""
    socket = await Socket.connect(trader.port, token=trader.token, told=lambda _: None)
    ids = itertools.count()
    for wanted in ({"channel": "account"}, {"channel": "book", "symbol": SYMBOL, "depth": 10}):
        await _asked(socket, next(ids), {"op": "subscribe", **wanted})

    async def ask(op: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        answer = await _asked(socket, next(ids), {"op": op, "params": params})
        return answer.status or 0, json.loads(bytes(answer.result if answer.ok else answer.error))

    try:
        await trader.trade(ask, per_s=SOCKET_PER_S)
    finally:
        socket.transport.close()


async def by_rest(trader: Trader) -> None:
    """Trade as a program over one connection."""
    client = await Http.connect(trader.port)

    async def ask(op: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match op:
            case "order.amend":
                body: Any = {name: value for name, value in params.items() if name != "id"}
                method, path = "PATCH", f"orders/{params['id']}/"
            case "order.cancel":
                method, path, body = "DELETE", f"orders/{params['id']}/", None
            case _:
                method, path, body = "POST", "orders/", params
        status, told = await client.ask(request_of(method, f"/api/v1/{path}", body, headers=trader.bearer))
        return status, json.loads(told)

    try:
        await trader.trade(ask, per_s=REST_PER_S)
    finally:
        client.transport.close()


async def reads(trader: Trader) -> None:
    """Read one list after another."""
    client = await Http.connect(trader.port)
    try:
        for path in itertools.cycle(_READS):
            async with asyncio.timeout(ANSWER_S_MAX):
                status, body = await client.ask(request_of("GET", f"/api/v1/{path}", headers=trader.bearer))
            if status != 200:
                trader.record.refused[f"GET {path}: {json.loads(body).get('code')}"] += 1
            await asyncio.sleep(1 / READS_PER_S)
    finally:
        client.transport.close()


async def listens(trader: Trader) -> None:
    """Take every feed of every instrument on one socket."""
    socket = await _subscribed(trader)
    try:
        for number in itertools.count(1_000):
            await asyncio.sleep(10)
            await _asked(socket, number, {"op": "ping"})
    finally:
        socket.transport.close()


async def comes_and_goes(trader: Trader) -> None:
    """Open a socket, subscribe, listen for a moment, leave; and again."""
    while True:
        socket = await _subscribed(trader)
        await asyncio.sleep(COMES_EVERY_S / 2)
        socket.transport.close()
        await asyncio.sleep(COMES_EVERY_S / 2)


async def _subscribed(trader: Trader) -> Socket:
    socket = await Socket.connect(trader.port, token=trader.token, told=lambda _: None)
    wanted = [{"channel": channel, "symbol": symbol} for symbol in SYMBOLS for channel in ("book", "trades", "ticker")]
    for number, feed in enumerate([{"channel": "account"}, *wanted]):
        await _asked(socket, number, {"op": "subscribe", **feed})
    return socket


async def _asked(socket: Socket, number: int, request: dict[str, Any]) -> Message:
    async with asyncio.timeout(ANSWER_S_MAX):
        return await socket.ask(number, frame_of({"id": number, **request}))


async def clients_run(venue: Venue, record: Record) -> None:
    """Run all clients until canceled; one whose connection ends is a failure, and connects again."""
    first, second = venue.logins()
    one = Trader(venue, first, record, name="socket")
    other = Trader(venue, second, record, name="rest")
    for trader in (one, other):
        await trader.login()
    work = ((by_socket, one), (by_rest, other), (reads, one), (reads, other), (listens, other), (comes_and_goes, one))
    async with asyncio.TaskGroup() as group:
        for trader in (one, other):
            group.create_task(_logged_in(trader))
        for what, trader in work:
            group.create_task(_kept(what, trader))


async def _logged_in(trader: Trader) -> None:
    while True:
        await asyncio.sleep(LOGIN_EVERY_S)
        try:
            await trader.login()
        except OSError as error:
            trader.record.failed(f"{trader.name}, login", error)


async def _kept(what: Callable[[Trader], Awaitable[None]], trader: Trader) -> None:
    while True:
        try:
            await what(trader)
        except (OSError, RuntimeError, TimeoutError, ValueError, KeyError) as error:
            trader.record.failed(f"{trader.name}, {what.__name__}", error)
            await asyncio.sleep(1)
