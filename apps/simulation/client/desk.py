"""One account's way to the venue: a socket with its orders and its private feed, kept open through restarts.

A connection that is lost leaves orders whose fate is not known. Before anything else is sent, each is looked up by
its client order id once its deadline has passed (then "never seen" is final), what still rests is canceled, and the
balances are read; the agents then begin again with no orders in the book.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from apps.simulation.agents.messages import Action, Submit
from apps.simulation.agents.population import Population
from apps.simulation.client.plan import Login, Plan
from apps.simulation.client.rest import RestAnswer, RestCalls, tls_context
from apps.simulation.client.wire import (
    BookTop,
    ErrorBody,
    Item,
    Message,
    OrderBody,
    decode_balances,
    decode_batch,
    frame_read,
    member_of,
    order_seen,
    request_text,
)
from cift.decimals import decimal_parse
from cift.times import clock_ns, elapsed_ns, time_format

BATCH_MAX = 100
UNDER_WAY_MAX = 16
"""Requests on the way; an account with more of them sends nothing until one is answered."""

DEADLINE_NS = 2_000_000_000
ANSWER_S_MAX = 15.0
"""A request unanswered for so long: the connection counts as lost."""

RESOLVE_MARGIN_S = 0.5
UNKNOWN_MAX = 400
PAUSE_S_MIN, PAUSE_S_MAX = 0.25, 5.0
ACCESS_MARGIN_NS = 60_000_000_000
DEPTH = 10

_NS = 1_000_000_000
_UNAUTHORIZED = 401
_OK = 200

logger = logging.getLogger(__name__)


class LoginOverError(Exception):
    """The account's login has ended; a new start gets another."""


class _Sent(NamedTuple):
    """A request on its way: its actions, or the future somebody waits on."""

    actions: list[Action]
    answered: "asyncio.Future[Message] | None"
    sent_at: float


class Counts(msgspec.Struct):
    """What went over all sockets since the start."""

    commands: int = 0
    refused: int = 0
    reconnects: int = 0
    unknown_executed: int = 0
    unknown_never: int = 0


class Desk:
    """One account's connection."""

    def __init__(
        self,
        name: str,
        *,
        plan: Plan,
        population: Population,
        counts: Counts,
        feeds: bool,
        woken: Callable[[], None],
        rest: RestCalls,
        deadline_ns: int = DEADLINE_NS,
        resolve_margin_s: float = RESOLVE_MARGIN_S,
    ) -> None:
        """Take the account; `feeds`: it also takes the public books, for all agents.

        What is sent is done within `deadline_ns` or not at all; `resolve_margin_s` behind that a look-up is final.
        """
        self._deadline_ns, self._resolve_margin_s = deadline_ns, resolve_margin_s
        self.name = name
        self.awake = False
        self.balances: dict[str, int] = {}
        self._plan = plan
        self._population = population
        self._counts = counts
        self._woken = woken
        self._login: Login = plan.logins[name]
        self._terms = {each.symbol: each for each in plan.terms}
        self._tops = {each.symbol: BookTop(each) for each in plan.terms} if feeds else {}
        self._rest = rest
        self._socket: ClientConnection | None = None
        self._sent: dict[int, _Sent] = {}
        self._number = 0
        self._unknown: dict[str, int] = {}

    @property
    def is_busy(self) -> bool:
        """Return whether it may not send now."""
        return not self.awake or len(self._sent) >= UNDER_WAY_MAX

    async def keep(self, stop: asyncio.Event) -> None:
        """Stay connected until stopped; then take the orders out of the books.

        Raises:
            LoginOverError: the login is over.

        """
        pause_s = PAUSE_S_MIN
        while not stop.is_set():
            try:
                await self._converse(stop)
                pause_s = PAUSE_S_MIN
            except (OSError, WebSocketException, TimeoutError, msgspec.MsgspecError, ConnectionError) as error:
                logger.info("%s: the connection is lost: %s", self.name, str(error) or type(error).__name__)
            finally:
                self._lost()
            if not stop.is_set():
                self._counts.reconnects += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause_s * random.uniform(0.7, 1.3))  # noqa: S311 - spreads load
                pause_s = min(2 * pause_s, PAUSE_S_MAX)

    async def _converse(self, stop: asyncio.Event) -> None:
        """Connect, make sure of where things stand, and listen until the end."""
        await self._token_fresh()
        context = tls_context(self._plan.certificate)
        scheme = "ws" if context is None else "wss"
        async with connect(
            f"{scheme}://{self._plan.host}:{self._plan.port}/ws/v1/",
            additional_headers={"Authorization": f"Bearer {self._login.access}"},
            compression=None,
            max_size=None,
            ssl=context,
            open_timeout=ANSWER_S_MAX,
            close_timeout=1,
        ) as socket:
            self._socket = socket
            listening = asyncio.create_task(self._listen(socket))
            working = asyncio.create_task(self._work(stop))
            try:
                await asyncio.wait((listening, working), return_when=asyncio.FIRST_COMPLETED)
            finally:
                listening.cancel()
                working.cancel()
                results = await asyncio.gather(listening, working, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    raise result

    async def _work(self, stop: asyncio.Event) -> None:
        """Open, then watch over the connection; at the end take the orders out."""
        await self._open()
        self.awake = True
        self._woken()
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
            now = asyncio.get_running_loop().time()
            if any(now - sent.sent_at > ANSWER_S_MAX for sent in self._sent.values()):
                message = "a request was not answered"
                raise TimeoutError(message)
        self.awake = False
        await self._ask("order.cancel_all", params={"all": True})

    async def _open(self) -> None:
        await self._ask("cancel_on_disconnect", enabled=True)
        await self._ask("subscribe", channel="account")
        for symbol in self._tops:
            await self._ask("subscribe", channel="book", symbol=symbol, depth=DEPTH)
        await self._resolve()
        await self._ask("order.cancel_all", params={"all": True})
        answer = await self._get("balances/?limit=100")
        for balance in decode_balances(answer.body).results:
            self._balance(balance.asset, balance.total)
        self._population.forget(self.name, at=elapsed_ns())

    async def _token_fresh(self) -> None:
        """Exchange the tokens when the access token runs out soon.

        Raises:
            LoginOverError: they cannot be exchanged any more.

        """
        if clock_ns() + ACCESS_MARGIN_NS < self._login.access_until:
            return
        at = clock_ns()
        answer = await self._rest.post("auth/token/refresh/", {"refresh": self._login.refresh})
        if answer.status == _UNAUTHORIZED:
            raise LoginOverError(f"the login of {self.name} is over")
        if answer.status != _OK:
            message = f"tokens are not exchanged: status {answer.status}"
            raise OSError(message)
        body = msgspec.json.decode(answer.body)
        lifetime = self._plan.access_s * _NS
        self._login = Login(access=body["access"], refresh=body["refresh"], access_until=at + lifetime)

    async def _resolve(self) -> None:
        """Look up the orders whose fate is not known, when their deadlines have passed."""
        if not self._unknown:
            return
        left_s = (max(self._unknown.values()) - clock_ns()) / _NS + self._resolve_margin_s
        await asyncio.sleep(max(left_s, 0.0))
        executed = 0
        for key in list(self._unknown):
            answer = await self._get(f"orders/by-client-order-id/{key}/", missing=True)
            executed += answer.status == _OK
            del self._unknown[key]
            self._counts.unknown_executed += answer.status == _OK
            self._counts.unknown_never += answer.status != _OK
        logger.info("%s: orders of unknown fate are looked up; %s had been taken", self.name, executed)

    async def _get(self, path: str, *, missing: bool = False) -> RestAnswer:
        answer = await self._rest.get(path, token=self._login.access)
        if answer.status != _OK and not (missing and answer.status == 404):  # noqa: PLR2004 - HTTP's own
            message = f"{path} is answered with status {answer.status}"
            raise OSError(message)
        return answer

    def _lost(self) -> None:
        """Remember what was on its way, and forget the rest."""
        self.awake = False
        self._socket = None
        sent, self._sent = self._sent, {}
        for each in sent.values():
            if each.answered is not None and not each.answered.done():
                each.answered.cancel()
            self._wonder(each.actions)

    def _wonder(self, actions: list[Action]) -> None:
        """Remember new orders of unknown fate, and when a look-up of them is final."""
        latest = clock_ns() + self._deadline_ns
        for action in actions:
            if isinstance(action, Submit) and len(self._unknown) < UNKNOWN_MAX:
                self._unknown[action.key] = latest

    async def _ask(self, op: str, **fields: object) -> Message:
        """Send a request and wait for its answer.

        Raises:
            OSError: it was refused, or there is no connection.

        """
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        await self._send(op, [], answered, **fields)
        async with asyncio.timeout(ANSWER_S_MAX):
            answer = await answered
        if not answer.ok:
            code = answer.error.code if answer.error else "unknown"
            message = f"{op} is refused: {code}"
            raise OSError(message)
        return answer

    async def trade(self, actions: list[Action]) -> None:
        """Send actions, many in one request; if the connection is gone they count as of unknown fate."""
        for start in range(0, len(actions), BATCH_MAX):
            part = actions[start : start + BATCH_MAX]
            deadline = time_format(clock_ns() + self._deadline_ns)
            members = [member_of(action, self._terms, deadline=deadline) for action in part]
            self._counts.commands += len(part)
            with suppress(OSError, WebSocketException):
                await self._send("order.batch", part, None, params={"orders": members, "deadline": deadline})

    async def _send(
        self, op: str, actions: list[Action], answered: "asyncio.Future[Message] | None", **fields: object
    ) -> None:
        self._number += 1
        self._sent[self._number] = _Sent(actions, answered, asyncio.get_running_loop().time())
        if self._socket is None:
            message = "there is no connection"
            raise OSError(message)
        await self._socket.send(request_text(self._number, op, **fields))

    async def _listen(self, socket: ClientConnection) -> None:
        while True:
            frame = await socket.recv(decode=False)
            at = elapsed_ns()
            for message in frame_read(frame):
                if message.id is not None:
                    self._answer(message, at)
                elif message.channel == "book":
                    await self._book(message, at)
                elif message.channel == "account":
                    self._private(message, at)

    def _answer(self, message: Message, at: int) -> None:
        sent = self._sent.pop(int(message.id or 0), None)
        if sent is None:
            return
        if sent.answered is not None:
            if not sent.answered.done():
                sent.answered.set_result(message)
            return
        is_unknown = False
        for action, item in zip(sent.actions, self._items(sent.actions, message), strict=False):
            if item.order is not None:
                self._seen(item.order, at)
            code = "" if item.error is None else item.error.code
            self._counts.refused += bool(code)
            if code != "outcome_unknown":
                self._population.on_done(action, code, at=at)
            else:
                is_unknown = True
                self._wonder([action])
        if is_unknown:
            # As good as a lost connection: find out before going on.
            message_text = "the outcome of a command is unknown"
            raise ConnectionError(message_text)
        self._woken()

    @staticmethod
    def _items(actions: list[Action], message: Message) -> list[Item]:
        """Assign each action its answer; of a batch refused as a whole, only the cause gets the reason."""
        if message.ok:
            return decode_batch(message.result).results
        error = message.error or ErrorBody(code="unknown")
        if error.index is None:
            return [Item(order=None, error=error)] * len(actions)
        others = ErrorBody(code="batch_refused")
        return [Item(order=None, error=error if place == error.index else others) for place in range(len(actions))]

    async def _book(self, message: Message, at: int) -> None:
        top = self._tops.get(message.symbol)
        if top is None:
            return
        if not top.take(message):
            # Something was missed; a new subscription begins with the whole book.
            message_fields = {"channel": "book", "symbol": message.symbol, "depth": DEPTH}
            await self._send("subscribe", [], None, **message_fields)
            return
        self._population.on_touch(message.symbol, top.touch, at=at)

    def _private(self, message: Message, at: int) -> None:
        if message.order is not None:
            self._seen(message.order, at)
            self._woken()
        elif message.balance is not None:
            self._balance(message.balance.asset, message.balance.total)

    def _seen(self, body: OrderBody, at: int) -> None:
        seen = order_seen(self.name, body, self._terms)
        if seen is not None:
            self._population.on_order(seen, at=at)

    def _balance(self, asset: str, total: str) -> None:
        scale = self._plan.scales.get(asset)
        if scale is not None:
            self.balances[asset] = decimal_parse(total, scale=scale)
            self._population.on_balance(self.name, asset, self.balances[asset], at=elapsed_ns())
