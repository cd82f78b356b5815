"""One view of Django's at a time works: each that does holds the interpreter, which every order's way needs as well.

Threads share Python's interpreter, and one that wants it waits for every busy one before it: pages of eight clients at
once, for eight. So a view has its turn while it works, and leaves it while it waits: for the order service, the tables,
a password's hash. What waits is not held up by what works, and what works is done one by one, which is no slower: an
interpreter does one thing at a time.
"""

import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from asgiref.sync import async_to_sync as _asgiref_async_to_sync

SWITCH_S_MAX = 0.0001
"""How long a thread keeps the interpreter from another that wants it; Python's own is 5 ms, and a switch costs
microseconds. An order's way through a process wants it a dozen times."""

HELD_S_MAX = 1.0
"""A turn that lasts longer is another's as well: whoever has it waits for something, and says so nowhere."""

AGAIN_S_MAX = 0.5
"""How long who has waited for something waits for its turn again; then it goes on without one."""

P = ParamSpec("P")
T = TypeVar("T")


def switch_quickly() -> None:
    """Let threads of this process take turns at the interpreter more often than Python would."""
    sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S_MAX))


class _Waiter:
    """A thread's place in the queue, then its turn."""

    __slots__ = ("gate", "gone")

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        self.gone = False


class Turns:
    """Whose turn it is; used from any thread. Those who wait are let in one of each, however many one sends.

    What a view holds while it waits for its turn again (a lock, a transaction) may be what the one whose turn it is
    waits for. So nobody waits for ever: see `HELD_S_MAX` and `AGAIN_S_MAX`.
    """

    def __init__(self, *, held_s_max: float = HELD_S_MAX, again_s_max: float = AGAIN_S_MAX) -> None:
        """Begin with nobody's."""
        self._held_s_max = held_s_max
        self._again_s_max = again_s_max
        self._lock = threading.Lock()
        self._turn: _Waiter | None = None
        self._since = 0.0
        self._waiting: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._own = threading.local()

    @property
    def waiting(self) -> int:
        """Count who waits for a turn."""
        with self._lock:
            return sum(not waiter.gone for waiters in self._waiting.values() for waiter in waiters)

    @contextmanager
    def taken(self, who: str) -> Iterator[None]:
        """Wait for a turn, and have it meanwhile, where it is not left; `who`: for whom."""
        self._own.who = who
        waiter = self._come()
        while not waiter.gate.acquire(timeout=self._held_s_max):
            if self._overtaken(waiter):
                break
        self._own.turn = waiter
        try:
            yield
        finally:
            self.end()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Let another have this thread's turn meanwhile, if it has one."""
        if self._mine() is None:
            yield
            return
        self.end()
        try:
            yield
        finally:
            waiter = self._come()
            if waiter.gate.acquire(timeout=self._again_s_max) or self._given_up(waiter):
                self._own.turn = waiter

    def end(self) -> None:
        """Leave this thread's turn for good, if it has one."""
        mine, self._own.turn = self._mine(), None
        with self._lock:
            if mine is not None and self._turn is mine:
                self._pass_on()

    def _mine(self) -> _Waiter | None:
        return getattr(self._own, "turn", None)

    def _come(self) -> _Waiter:
        waiter = _Waiter()
        with self._lock:
            self._waiting.setdefault(self._own.who, deque()).append(waiter)
            if self._turn is None:
                self._pass_on()
        return waiter

    def _pass_on(self) -> None:
        """Let in the next of the next who waits; called with the lock."""
        self._turn, self._since = None, time.monotonic()
        while self._waiting and self._turn is None:
            who, waiters = self._waiting.popitem(last=False)
            waiter = waiters.popleft()
            if waiters:
                self._waiting[who] = waiters
            if not waiter.gone:
                self._turn = waiter
                waiter.gate.release()

    def _overtaken(self, waiter: _Waiter) -> bool:
        """Where one has had its turn for long, pass it on; return whether it is this waiter's then."""
        with self._lock:
            if self._turn is not waiter and time.monotonic() - self._since >= self._held_s_max:
                self._pass_on()
            return self._turn is waiter

    def _given_up(self, waiter: _Waiter) -> bool:
        """Wait no more; return whether its turn came all the same."""
        with self._lock:
            waiter.gone = self._turn is not waiter
            return not waiter.gone


turns = Turns()
"""This process's."""


def async_to_sync(call: Callable[P, Awaitable[T]]) -> Callable[P, T]:
    """Make an asynchronous call one that a view waits for, without its turn."""
    waited: Callable[P, T] = _asgiref_async_to_sync(call)

    def run(*arguments: P.args, **named: P.kwargs) -> T:
        with turns.left():
            return waited(*arguments, **named)

    return run
