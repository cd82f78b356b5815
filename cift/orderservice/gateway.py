"""How commands and queries reach the order service.

Commands given in one turn of the event loop leave in one frame, in the order they were given.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from weakref import WeakKeyDictionary, ref

import msgspec
from django.conf import settings

from cift.bus import buses
from cift.bus.base import BusError, BusOverloaded, PayloadTooLarge, VenueUnavailable
from cift.errors.application import ApplicationError
from cift.times import clock_ns
from cift.wire.base import COMMANDS_PER_REQUEST_MAX, Reply, frame_pack
from cift.wire.queries import Answer, Query, answer_decode, query_encode
from cift.wire.subjects import commands_subject, query_subject

logger = logging.getLogger(__name__)

Entry = bytes | tuple[str]
"""What comes back for a command: its encoded reply, or a refusal's code."""

ReplyCallback = Callable[[Reply | ApplicationError], None]
"""Called with what became of a command, once, in the loop it was submitted in."""

Waiting = tuple[bytes, ReplyCallback]
"""A command, and who waits for its reply."""

_entries = msgspec.msgpack.Decoder(list[Entry])
_replies = msgspec.msgpack.Decoder(Reply)

_CODES = frozenset({"overloaded", "outcome_unknown", "venue_halted", "venue_unavailable"})


class Gateway:
    """The way to one shard's writer from one event loop."""

    def __init__(self, *, shard: int, timeout_s: float) -> None:
        """Begin with nothing waiting."""
        self._shard = shard
        self._timeout_s = timeout_s
        self._subject = commands_subject(shard)
        self._waiting: list[Waiting] = []
        # A frame is of many: what is logged of it is none of theirs.
        self._context = Context()

    def submit(self, command: bytes) -> "asyncio.Future[Reply]":
        """Send an encoded command with the others of this turn; the future has the reply or an ApplicationError."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.submit_with_callback(command, partial(_settle, future))
        return future

    def submit_with_callback(self, command: bytes, callback: ReplyCallback) -> None:
        """Send an encoded command with the others of this turn; no future, no turn of the loop for each."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._leave, context=self._context)
        self._waiting.append((command, callback))

    async def query(self, query: Query[Answer]) -> Answer:
        """Ask the writer's memory.

        Raises:
            ApplicationError: `overloaded`; `venue_unavailable`: a query changes nothing, so no answer is that too.

        """
        try:
            answer = await buses["default"].request(
                query_subject(self._shard), query_encode(query), timeout_s=self._timeout_s
            )
        except BusOverloaded as error:
            raise ApplicationError("overloaded") from error
        except BusError as error:
            raise ApplicationError("venue_unavailable", "The order service does not answer.") from error
        return answer_decode(query, answer)

    def _leave(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), COMMANDS_PER_REQUEST_MAX):
            self._send(waiting[start : start + COMMANDS_PER_REQUEST_MAX])

    def _send(self, commands: Sequence[Waiting]) -> None:
        try:
            frame = frame_pack(command for command, _ in commands)
            asked = buses["default"].ask(self._subject, frame, timeout_s=self._timeout_s)
        except PayloadTooLarge:
            _tell_all(commands, [("venue_unavailable",)] * len(commands))
        else:
            asked.add_done_callback(partial(_answered, commands))


def _answered(commands: Sequence[Waiting], asked: "asyncio.Future[bytes]") -> None:
    entries: Sequence[Entry] = [("outcome_unknown",)] * len(commands)
    try:
        answered = _entries.decode(asked.result())
        if len(answered) == len(commands):
            entries = answered
    except VenueUnavailable as error:
        code = "overloaded" if isinstance(error, BusOverloaded) else "venue_unavailable"
        entries = [(code,)] * len(commands)
    except (BusError, msgspec.DecodeError, asyncio.CancelledError) as error:
        logger.warning("no answer from the order service: %r", error)
    finally:
        _tell_all(commands, entries)


def _tell_all(commands: Sequence[Waiting], entries: Sequence[Entry]) -> None:
    for (_, callback), entry in zip(commands, entries, strict=True):
        reply = _reply_of(entry) if isinstance(entry, bytes) else _error_of(entry[0])
        try:
            callback(reply)
        except Exception:
            # The others of the frame are told all the same.
            logger.exception("the callback of a reply failed")


def _reply_of(entry: bytes) -> Reply | ApplicationError:
    try:
        reply = _replies.decode(entry)
    except msgspec.DecodeError:
        # Whoever waits is told all the same; what became of the command is in the journal.
        logger.exception("a reply could not be decoded")
        return _error_of("outcome_unknown")
    clock_ns.see(reply.at)
    return reply


def _error_of(code: str) -> ApplicationError:
    return ApplicationError(code if code in _CODES else "outcome_unknown")


def _settle(future: "asyncio.Future[Reply]", reply: Reply | ApplicationError) -> None:
    if future.done():
        return
    if isinstance(reply, ApplicationError):
        future.set_exception(reply)
    else:
        future.set_result(reply)


_gateways: "WeakKeyDictionary[asyncio.AbstractEventLoop, Gateway]" = WeakKeyDictionary()


class _Recent(threading.local):
    """A thread's loop and its gateway: the table of all loops costs a microsecond, and is asked for each order."""

    loop: "Callable[[], asyncio.AbstractEventLoop | None]" = staticmethod(lambda: None)
    found: Gateway


_recent = _Recent()


def gateway() -> Gateway:
    """Return the running event loop's way to the order service."""
    loop = asyncio.get_running_loop()
    if _recent.loop() is not loop:
        _recent.found, _recent.loop = _gateway_of(loop), ref(loop)
    return _recent.found


def _gateway_of(loop: asyncio.AbstractEventLoop) -> Gateway:
    found = _gateways.get(loop)
    if found is None:
        matching = settings.MATCHING
        found = _gateways[loop] = Gateway(shard=matching["SHARD"], timeout_s=matching["REQUEST_TIMEOUT_S"])
    return found
