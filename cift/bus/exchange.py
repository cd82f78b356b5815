"""The heart of a local bus: who responds, who listens; used from one event loop."""

import asyncio
import inspect
import logging
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

from cift.bus.base import (
    BusError,
    BusInUse,
    BusOverloaded,
    RequestHandler,
    RequestTimeout,
    Subscription,
    VenueUnavailable,
)
from cift.bus.reader import Reader, run_in

REQUESTS_MAX = 4_096
"""Requests under way at once; past it a request is refused."""

_SAID_BY_RESPONDERS = (VenueUnavailable, RequestTimeout)

logger = logging.getLogger(__name__)


class Responder(Subscription):
    """A handler answering one subject in the loop it was given in."""

    def __init__(self, exchange: "Exchange", subject: str, handler: RequestHandler) -> None:
        """Take the handler; the exchange registers it."""
        self._exchange = exchange
        self._subject = subject
        self._handler = handler
        self._prompt = not inspect.iscoroutinefunction(handler)
        self._loop = asyncio.get_running_loop()

    async def answer(self, payload: bytes) -> bytes:
        """Run the handler."""
        return await run_in(self._loop, lambda: _coroutine(self._handler, payload))

    @property
    def prompt(self) -> bool:
        """Return whether the handler gives a future at once, in the running loop."""
        return self._prompt and asyncio.get_running_loop() is self._loop

    def begin(self, payload: bytes) -> "asyncio.Future[bytes]":
        """Run a prompt handler."""
        answer = self._handler(payload)
        return answer if isinstance(answer, asyncio.Future) else asyncio.ensure_future(answer)

    async def close(self) -> None:
        """Take no more requests; those under way are answered still."""
        if self._exchange.responders.get(self._subject) is self:
            del self._exchange.responders[self._subject]


async def _coroutine(handler: RequestHandler, payload: bytes) -> bytes:
    return await handler(payload)


class Exchange:
    """Joins requests to responders and messages to readers."""

    def __init__(self) -> None:
        """Start with nobody."""
        self.responders: dict[str, Responder] = {}
        self._readers: defaultdict[str, set[Reader]] = defaultdict(set)
        self._under_way: set[asyncio.Task[bytes]] = set()
        self._asked: set[asyncio.Future[bytes]] = set()

    def respond(self, subject: str, handler: RequestHandler) -> Responder:
        """Register a subject's responder.

        Raises:
            BusInUse: it has one.

        """
        if subject in self.responders:
            raise BusInUse(f"{subject} has a responder")
        responder = self.responders[subject] = Responder(self, subject, handler)
        return responder

    def add(self, subject: str, reader: Reader) -> None:
        """Let a reader have a subject's messages."""
        self._readers[subject].add(reader)

    def discard(self, subject: str, reader: Reader) -> None:
        """Let a reader have no more of them."""
        readers = self._readers.get(subject)
        if readers is not None:
            readers.discard(reader)
            if not readers:
                del self._readers[subject]

    def readers(self) -> list[Reader]:
        """List all readers."""
        return [reader for readers in self._readers.values() for reader in readers]

    def publish(self, subject: str, payload: bytes) -> None:
        """Put a message into the mailboxes of all who listen."""
        for pattern in (subject, f"{subject.rpartition('.')[0]}.*"):
            for reader in self._readers.get(pattern, ()):
                reader.deliver(subject, payload)

    async def request(self, subject: str, payload: bytes, *, timeout_s: float | None) -> bytes:
        """Ask a responder; one that outlasts the time goes on, and its answer is dropped."""
        responder = self.responders.get(subject)
        if responder is None:
            raise VenueUnavailable(f"nobody responds to {subject}")
        if len(self._under_way) >= REQUESTS_MAX:
            raise BusOverloaded(f"{REQUESTS_MAX} requests are under way")
        task = self._start(responder.answer(payload))
        done, _ = await asyncio.wait((task,), timeout=timeout_s)
        if not done:
            raise _late(subject, timeout_s)
        if task.cancelled():
            raise RequestTimeout(f"the responder of {subject} went away")
        failure = task.exception()
        if isinstance(failure, _SAID_BY_RESPONDERS):
            raise failure
        if failure is not None:
            raise RequestTimeout(f"the responder of {subject} failed") from failure
        return task.result()

    def ask(self, subject: str, payload: bytes, *, timeout_s: float) -> "asyncio.Future[bytes]":
        """Ask a responder; one that gives a future is waited for by that future alone: no task, no turn of the loop."""
        loop = asyncio.get_running_loop()
        responder = self.responders.get(subject)
        if responder is None or not responder.prompt:
            return loop.create_task(self.request(subject, payload, timeout_s=timeout_s))
        if len(self._asked) >= REQUESTS_MAX:
            return _failed(BusOverloaded(f"{REQUESTS_MAX} requests are under way"))
        answer = responder.begin(payload)
        timer = loop.call_later(timeout_s, _give_up, answer, subject, timeout_s)
        self._asked.add(answer)

        def end(answered: "asyncio.Future[bytes]") -> None:
            self._asked.discard(answered)
            timer.cancel()

        answer.add_done_callback(end)
        return answer

    def _start(self, answer: Coroutine[Any, Any, bytes]) -> asyncio.Task[bytes]:
        task = asyncio.get_running_loop().create_task(answer)
        self._under_way.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[bytes]) -> None:
        self._under_way.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None and not isinstance(failure, _SAID_BY_RESPONDERS):
            logger.error("a responder failed", exc_info=failure)

    async def close(self) -> None:
        """End all readers and responders; who still waits for an answer is told there is none."""
        self.responders.clear()
        for asked in tuple(self._asked):
            if not asked.done():
                asked.set_exception(RequestTimeout("the responder went away"))
        for reader in self.readers():
            await reader.close()
        for task in tuple(self._under_way):
            task.cancel()
        if self._under_way:
            await asyncio.wait(tuple(self._under_way))


def _late(subject: str, timeout_s: float | None) -> RequestTimeout:
    return RequestTimeout(f"no answer from {subject} in {timeout_s} s")


def _give_up(answer: "asyncio.Future[bytes]", subject: str, timeout_s: float) -> None:
    if not answer.done():
        answer.set_exception(_late(subject, timeout_s))


def _failed(error: BusError) -> "asyncio.Future[bytes]":
    failed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    failed.set_exception(error)
    return failed
