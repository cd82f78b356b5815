"""Work that is done once for all who ask for it while it goes on, and for a while after."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class _Kept(NamedTuple, Generic[T]):
    """What a call returned, and until when (the loop's time, s) it is good for others."""

    result: T
    until: float


class SharedCall(Generic[T]):
    """An asynchronous call of which one runs at a time in an event loop; all who wait for it get what it returns.

    Who gives up waiting does not end it.
    """

    def __init__(self, call: Callable[[], Coroutine[Any, Any, T]], *, keep_s: float = 0.0) -> None:
        """Take what is to be called, and for how long what it returns is good for who asks after it."""
        self._call = call
        self._keep_s = keep_s
        self._running: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[T]] = WeakKeyDictionary()
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept[T]] = WeakKeyDictionary()

    async def __call__(self) -> T:
        """Return what the call that runs returns, or has just returned, or the one begun now; it raises what that does.

        What was raised is not kept.
        """
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        if kept is not None and loop.time() < kept.until:
            return kept.result
        running = self._running.get(loop)
        if running is None or running.done():
            running = self._running[loop] = loop.create_task(self._run(loop))
            # Where nobody waits any more for one that fails, that is no fault to be logged.
            running.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(running)

    async def _run(self, loop: asyncio.AbstractEventLoop) -> T:
        result = await self._call()
        if self._keep_s:
            self._kept[loop] = _Kept(result, loop.time() + self._keep_s)
        return result
