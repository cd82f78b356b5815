"""What a log line says besides its text: which request it belongs to, whose account, which order.

Whoever begins to answer something says so with `LogContext`; what is logged meanwhile, in the same task, in tasks begun
there and in database threads, carries it. It is looked at only where a line is written. When the answer is there, the
context is emptied, so that what was begun on the way and lives longer (a feed, a reader of the bus) carries nothing.
"""

import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import msgspec

REFUSALS_LOGGED_PER_S = 20
"""So many refusals are logged a second and process: a client that sends nothing but bad orders fills no disk."""

Named = int | str | None

_PLAIN = re.compile(r"[A-Za-z0-9._:\-]{1,128}", re.ASCII)


class LogContext:
    """Names what is being answered, for every line logged until it is left."""

    __slots__ = ("_token", "account", "order_id", "request_id", "user")

    def __init__(self, *, request_id: Named = None, account: Named = None, order_id: Named = None) -> None:
        """Say what is known; more can be noted later (`log_note`)."""
        self.request_id = request_id
        self.account = account
        self.order_id = order_id
        self.user: Named = None

    def __enter__(self) -> Self:
        """Begin."""
        self._token: Token[LogContext | None] = _context.set(self)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End, also for tasks that were begun meanwhile."""
        _context.reset(self._token)
        self.request_id = self.account = self.order_id = self.user = None

    def fields(self) -> dict[str, int | str]:
        """Return what is known, by name."""
        named = (("request_id", self.request_id), ("user", self.user), ("account", self.account))
        return {name: value for name, value in (*named, ("order_id", self.order_id)) if value not in (None, "")}


_context: ContextVar[LogContext | None] = ContextVar("log_context", default=None)


def log_context() -> LogContext | None:
    """Return the current one."""
    return _context.get()


def log_context_carry(carried: LogContext | None) -> None:
    """Take another thread's context over, until the next one is."""
    _context.set(carried)


def log_note(*, user: Named = None, account: Named = None, order_id: Named = None) -> None:
    """Add to the current context what has become known."""
    context = _context.get()
    if context is None:
        return
    if user is not None:
        context.user = user
    if account is not None:
        context.account = account
    if order_id is not None:
        context.order_id = order_id


class LineFormatter(logging.Formatter):
    """Lines for people: time, level, logger, text, and in brackets what the line belongs to."""

    def __init__(self) -> None:
        """Set their shape."""
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """Put the context behind the text, in front of a traceback."""
        named = _fields_of(record)
        told = " ".join(f"{name}={_spelt(value)}" for name, value in named.items())
        return f"{super().formatMessage(record)} [{told}]" if told else super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """Lines for programs: one JSON object each."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return msgspec.json.encode(line).decode()


def _fields_of(_record: logging.LogRecord) -> dict[str, int | str]:
    context = _context.get()
    return {} if context is None else context.fields()


def _spelt(value: int | str) -> str:
    """Spell a value so that no client's id ends the line or looks like another field."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else ascii(text)


class RefusalLog:
    """Logs what clients are refused: the code, never what they sent; at most so many lines a second."""

    def __init__(self, *, per_s_max: int = REFUSALS_LOGGED_PER_S, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `now`: seconds of a clock that never goes back."""
        self._per_s_max, self._now = per_s_max, now
        self._second = self._count = self._left_out = 0

    def line(self, *, code: str, status: int, order_id: Named) -> None:
        """Log one, if this second has room for it."""
        if not _refusals.isEnabledFor(logging.INFO):
            return
        second = int(self._now())
        if second != self._second:
            if self._left_out:
                _refusals.info("%s more refusals are not shown", self._left_out)
            self._second, self._count, self._left_out = second, 0, 0
        self._count += 1
        if self._count > self._per_s_max:
            self._left_out += 1
            return
        log_note(order_id=order_id)
        _refusals.info("refused: %s (%s)", code, status)


_refusals = logging.getLogger("cift.refusals")

refusal_log = RefusalLog()
