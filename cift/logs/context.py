"""What a log line says besides its text: which request it belongs to, whose account, which order.

Whoever begins to answer something says so with `LogContext`; what is logged meanwhile, in the same task, in tasks begun
there and in database threads, carries it. It is looked at only where a line is written. When the answer is there, the
context is emptied, so that what was begun on the way and lives longer (a feed, a reader of the bus) carries nothing.
"""

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

Named = int | str | None


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
