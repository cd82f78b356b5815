"""One socket's conversation: requests in, each answered once; its subscriptions."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from apps.accounts.identity.principals import principal_find, principal_of_ticket
from apps.accounts.identity.sessions import Principal
from apps.accounts.identity.watch import watch
from apps.gateways.socket.cancel_on_disconnect import cancel_all_with_retry
from apps.gateways.socket.fields import (
    DEPTH_DEFAULT,
    ENVELOPE,
    FIELDS,
    faults_of_json,
    faults_together,
    request_id_find,
    request_id_glimpse,
)
from apps.gateways.socket.hub import Hub
from apps.gateways.socket.limits import SocketLimits
from apps.marketdata.reference import InstrumentReference, references, symbol_find
from apps.marketdata.streams.channel import Channel
from apps.marketdata.streams.pace import Flushed
from apps.orders.entry import operations
from apps.orders.entry.answers import Answer
from apps.orders.entry.fast_order import PlainOrder, plain_order
from apps.orders.entry.fields import client_order_id_find, params_read
from cift.errors.application import ApplicationError, FieldError
from cift.errors.problems import error_of
from cift.fields import fields_read
from cift.logs.context import LogContext, Named, log_context
from cift.servers.outbox import Outbox
from cift.strictjson import JsonInvalidError, json_parse
from cift.times import clock_ns, time_format

SUBSCRIPTIONS_MAX = 200
UNDER_WAY_MAX = 256

CLOSE_FAULT = 1011
CLOSE_REVOKED = 4009
CLOSE_IDLE = 4010

CLOSE_CODES = {"unauthenticated": 4001, "forbidden": 4003, "rate_limited": 4029}
"""The errors of logging in that end a socket."""

logger = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()


class ChannelName(NamedTuple):
    """A public channel of an instrument, of all, or of the venue itself; a book's depth, the interval of candles."""

    channel: str
    symbol: str | None
    depth: int | None
    interval: str | None

    def body(self) -> dict[str, Any]:
        """Name it in an answer."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class Logins(Protocol):
    """Whoever knows when a login ends."""

    def enter(self, family: int, ended: Callable[[], None]) -> None:
        """Call `ended` once the family has ended."""

    def leave(self, family: int, ended: Callable[[], None]) -> None:
        """Watch no more for somebody."""


class Session:
    """What one socket is and wants."""

    def __init__(
        self,
        hub: Hub,
        outbox: Outbox,
        limits: SocketLimits,
        *,
        logins: Logins | None = None,
        orders_cancel: Callable[[int], Coroutine[Any, Any, None]] = cancel_all_with_retry,
        subscriptions_max: int = SUBSCRIPTIONS_MAX,
    ) -> None:
        """Begin as nobody, without subscriptions.

        `logins` tells when a login has ended, the event loop's watch if not given; `orders_cancel` cancels an account's
        orders when a socket that asked for it is gone.
        """
        self._logins = logins or watch()
        self._orders_cancel_of = orders_cancel
        self._subscriptions_max = subscriptions_max
        self.outbox = outbox
        self._hub = hub
        self._limits = limits
        self._principal: Principal | None = None
        self._account: int | None = None
        self._channels: dict[ChannelName, tuple[Flushed, Channel]] = {}
        self._listens = False
        self._takes_orders = True
        self._cancels = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(UNDER_WAY_MAX)
        self._handlers: Mapping[str, Callable[[int | str, dict[str, Any]], Awaitable[None]]] = {
            "authenticate": self._authenticate,
            "cancel_on_disconnect": self._cancel_on_disconnect,
            "ping": self._ping,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }

    async def log_in(self, token: str | None, ticket: str | None = None) -> None:
        """Become who an access token or a ticket lets in; the socket then lives with that login.

        Raises:
            ApplicationError: `unauthenticated`, `rate_limited`: the socket is to be closed; `forbidden`.

        """
        self.become(await principal_find(token or "") if ticket is None else await principal_of_ticket(ticket))

    def become(self, found: Principal) -> None:
        """Become somebody who was let in.

        Raises:
            ApplicationError: as `log_in`.

        """
        before = self._principal
        if before is not None:
            if before.user != found.user:
                raise ApplicationError("forbidden", "This socket is another user's.")
            self._logins.leave(before.family, self._revoked)
        else:
            if found.account is not None and not self._hub.connection_enter(found.account):
                raise ApplicationError("rate_limited", "The account has its most connections.")
            self._account = found.account
            self._limits.logged_in()
        self._principal = found
        self._logins.enter(found.family, self._revoked)

    def _revoked(self) -> None:
        self.outbox.finish(CLOSE_REVOKED, "session_revoked")

    def refused(self, error: ApplicationError, *, otherwise: int | None = None) -> None:
        """Close the socket if an error of `log_in` is one that ends it; `otherwise`: the code for all other errors."""
        code = CLOSE_CODES.get(error.code, otherwise)
        if code is not None:
            self.outbox.finish(code, error.code)

    async def receive(self, message: str) -> None:
        """Take one message, and answer it; an order's answer may come behind the next message."""
        request_id: int | str | None = None
        try:
            plain = None if self._account is None else plain_order(message, account=self._account, at=clock_ns())
            if plain is not None:
                request_id = plain.id
                await self._order_plain(plain, message)
                return
            try:
                # Before it is read, whatever it is: reading is what a large one costs.
                self._limits.message(message)
            except ApplicationError:
                request_id = request_id_glimpse(message)
                raise
            try:
                given = self._parse(message)
            except JsonInvalidError as error:
                request_id = request_id_find(error.sound)
                raise ApplicationError("invalid", str(error), errors=faults_of_json(error)) from error
            request_id = request_id_find(given)
            read = params_read({name: given.get(name) for name in ENVELOPE}, ENVELOPE)
            request_id, op = read["id"], read["op"]
            fields = self._fields(given, op)
            with self._logged(request_id):
                if op in operations.OPERATIONS:
                    await self._order(request_id, operations.OPERATIONS[op], fields["params"])
                else:
                    await self._handlers[op](request_id, fields)
            self._limits.heeded()
        except ApplicationError as error:
            self._refuse(request_id, error)
            if self._limits.too_many(error):
                self.refused(error)
        except Exception:
            # Whatever it was, the socket ends as one that says so.
            with self._logged(request_id):
                logger.exception("a socket's message failed")
            self.outbox.finish(CLOSE_FAULT, "internal")

    def check(self, now: float) -> None:
        """End a socket that has had neither a login nor a subscription for long; `now`: the loop's time, s."""
        if self._limits.is_idle(now, used=self._principal is not None or bool(self._channels)):
            self.outbox.finish(CLOSE_IDLE, "idle")

    def tick(self) -> None:
        """Send the server's own ping: the time, and where the account's sequence stands."""
        self.outbox.put(_encode({"type": "ping", **self._state()}))

    def last_orders(self) -> None:
        """Take no more orders, the process ends; those that go with the socket are canceled."""
        self._takes_orders = False
        self._orders_cancel()

    async def close(self) -> None:
        """Leave all feeds; orders under way are still done."""
        if self._principal is not None:
            self._logins.leave(self._principal.family, self._revoked)
        for feed, channel in self._channels.values():
            self._hub.pace.settle(feed)
            channel.leave(self.outbox)
        self._orders_cancel()
        if self._account is not None:
            self._account_leave(self._account)
            self._hub.connection_leave(self._account)

    def _orders_cancel(self) -> None:
        if self._cancels and self._account is not None:
            self._cancels = False
            self._hub.errand(self._orders_cancel_of(self._account))

    def _account_leave(self, account: int) -> None:
        feed = self._hub.accounts.get(account)
        if feed is not None:
            feed.readers.pop(self.outbox, None)
        self._listens = False

    @staticmethod
    def _parse(message: str) -> dict[str, Any]:
        given = json_parse(message)
        if not isinstance(given, dict):
            raise ApplicationError("invalid", "A message is an object.")
        return given

    @staticmethod
    def _fields(given: dict[str, Any], op: str) -> dict[str, Any]:
        table = FIELDS.get(op)
        if table is None:
            fault = FieldError(field="op", code="not_a_choice", detail=f"One of {', '.join(FIELDS)}.")
            raise ApplicationError("invalid", errors=[fault])
        errors: list[FieldError] = []
        read = fields_read({name: value for name, value in given.items() if name not in ENVELOPE}, table, errors)
        errors = errors or faults_together(op, read)
        if errors:
            raise ApplicationError("invalid", errors=errors)
        return read

    def _answer(self, request_id: int | str, result: Any, **more: Any) -> None:
        self.outbox.put(_encode({"id": request_id, "ok": True, **more, "result": result}), alone=True)

    def _refuse(self, request_id: int | str | None, error: ApplicationError) -> None:
        self.outbox.put(self._refusal(request_id, error), alone=True)

    def _refusal(self, request_id: int | str | None, error: ApplicationError) -> bytes:
        with self._logged(request_id):
            return _encode({"id": request_id, "ok": False, "status": int(error.status), "error": error_of(error)})

    def _logged(self, request_id: Named, *, order_id: Named = None) -> LogContext:
        return LogContext(request_id=request_id, account=self._account, order_id=order_id)

    def _own_account(self) -> int:
        if self._principal is None:
            raise ApplicationError("unauthenticated")
        if self._account is None:
            raise ApplicationError("forbidden", "This user has no trading account.")
        return self._account

    def _state(self) -> dict[str, Any]:
        head = self._hub.account_head(self._account) if self._listens and self._account is not None else None
        return {"at": time_format(clock_ns()), "account_sequence": head}

    async def _authenticate(self, request_id: int | str, fields: dict[str, Any]) -> None:
        try:
            await self.log_in(fields["token"], fields["ticket"])
        except ApplicationError as error:
            self._refuse(request_id, error)
            self.refused(error)
            return
        self._answer(request_id, {"account": None if self._account is None else str(self._account)})

    async def _ping(self, request_id: int | str, _fields: dict[str, Any]) -> None:
        self._answer(request_id, self._state())

    async def _cancel_on_disconnect(self, request_id: int | str, fields: dict[str, Any]) -> None:
        self._own_account()
        self._cancels = fields["enabled"]
        self._answer(request_id, {"enabled": self._cancels})

    async def _subscribe(self, request_id: int | str, fields: dict[str, Any]) -> None:
        # Whoever asks for more snapshots than they read is sent them as they read.
        await self.outbox.wait_room()
        if fields["channel"] == "account":
            await self._subscribe_account(request_id, fields["from_sequence"])
            return
        named = self._named(fields)
        reference = None if named.symbol is None else await symbol_find(named.symbol)
        if named not in self._channels and len(self._channels) + self._listens >= self._subscriptions_max:
            raise ApplicationError("rate_limited", f"A socket has at most {self._subscriptions_max} subscriptions.")
        more = {} if reference is None else {"simulated": await references.is_simulated(reference)}
        feed, channel = await self._feed(named, reference)
        # From here on nothing is awaited: what the channel sends next follows what is sent here.
        self._hub.pace.settle(feed)
        joined = channel.join(self.outbox, fields["from_sequence"])
        self._channels[named] = (feed, channel)
        self._answer(request_id, {**named.body(), "resumed": joined.resumed, **more})
        self.outbox.put_all(joined.texts)

    async def _feed(self, named: ChannelName, reference: InstrumentReference | None) -> tuple[Flushed, Channel]:
        if named.channel == "tickers":
            tickers = await self._hub.all_tickers()
            return tickers, await tickers.channel()
        if reference is None:
            venue = await self._hub.venue()
            return venue, venue.status
        feed = await self._hub.instrument(reference)
        return feed, await feed.channel(named.channel, depth=named.depth or 0, interval=named.interval or "")

    async def _subscribe_account(self, request_id: int | str, from_sequence: int | None) -> None:
        account = self._own_account()
        if not self._listens and len(self._channels) >= self._subscriptions_max:
            raise ApplicationError("rate_limited", f"A socket has at most {self._subscriptions_max} subscriptions.")
        self._account_leave(account)
        feed = await self._hub.account(account)
        joined = await feed.join(self.outbox, from_sequence)
        # From here on nothing is awaited, as above.
        self._listens = True
        self._answer(request_id, {"channel": "account", "account_sequence": feed.head, "resumed": joined.resumed})
        self.outbox.put_owed(joined.texts)

    async def _unsubscribe(self, request_id: int | str, fields: dict[str, Any]) -> None:
        if fields["channel"] == "account":
            self._account_leave(self._own_account())
            self._answer(request_id, {"channel": "account"})
            return
        named = self._named(fields)
        if named.symbol is not None:
            await symbol_find(named.symbol)
        left = self._channels.pop(named, None)
        if left is not None:
            feed, channel = left
            self._hub.pace.settle(feed)
            channel.leave(self.outbox)
        self._answer(request_id, named.body())

    @staticmethod
    def _named(fields: dict[str, Any]) -> ChannelName:
        channel, depth = fields["channel"], fields["depth"]
        if channel == "book" and depth is None:
            depth = DEPTH_DEFAULT
        return ChannelName(channel=channel, symbol=fields["symbol"], depth=depth, interval=fields["interval"])

    async def _order_plain(self, plain: PlainOrder, message: str) -> None:
        """Do a plain order: no task of its own, no future."""
        self._limits.message(message)
        self._take_orders(plain.order.id)
        operations.rate_limit_check(user=0 if self._principal is None else self._principal.user)
        await self._room.acquire()
        try:
            operations.order_submit_with_callback(
                plain.order, lambda submitted: self._plain_submitted(plain, submitted)
            )
        except BaseException:
            self._room.release()
            raise
        self._limits.heeded()

    def _plain_submitted(self, plain: PlainOrder, submitted: operations.Submitted) -> None:
        if isinstance(submitted, Answer | ApplicationError):
            self._order_told(plain.id, submitted)
        else:
            self._order_await(plain.id, submitted, order_id=plain.order.id)

    def _take_orders(self, client_order_id: str | None) -> None:
        if not self._takes_orders:
            named = {} if client_order_id is None else {"client_order_id": client_order_id}
            raise ApplicationError("venue_unavailable", "The venue restarts.", extra=named)

    async def _order(self, request_id: int | str, operation: operations.Operation, params: Any) -> None:
        account = self._own_account()
        self._take_orders(client_order_id_find(params))
        operations.rate_limit_consume(params, user=0 if self._principal is None else self._principal.user)
        await self._room.acquire()
        try:
            sent = await operation(params, account=account, at=clock_ns())
        except BaseException:
            self._room.release()
            raise
        logged = log_context()
        self._order_await(request_id, sent.answer(), order_id=None if logged is None else logged.order_id)

    def _order_await(self, request_id: int | str, answer: Awaitable[Answer], *, order_id: Named) -> None:
        task = asyncio.get_running_loop().create_task(self._order_answer(request_id, answer, order_id))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _order_answer(self, request_id: int | str, answer: Awaitable[Answer], order_id: int | str | None) -> None:
        told: Answer | ApplicationError
        with self._logged(request_id, order_id=order_id):
            try:
                told = await answer
            except ApplicationError as error:
                told = error
            except Exception:
                # Whatever it was, the request gets its one answer.
                logger.exception("an order operation failed")
                told = ApplicationError("internal")
        self._order_told(request_id, told)

    def _order_told(self, request_id: int | str, told: Answer | ApplicationError) -> None:
        """Answer an order's request; answers of one turn of the loop leave together."""
        self._room.release()
        if isinstance(told, ApplicationError):
            self.outbox.answer(self._refusal(request_id, told))
        else:
            body = {"id": request_id, "ok": True, "status": int(told.status), "result": told.body}
            self.outbox.answer(_encode(body))


_encode = _encoder.encode
