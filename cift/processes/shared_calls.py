"""Work that is done once for all who ask for it while it goes on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class SharedCall(Generic[T]):
    """An asynchronous call of which one runs at a time in an event loop; all who wait for it get what it returns."""

    def __init__(self, call: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Take what is to be called."""
        self._call = call
        self._running: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[T]] = WeakKeyDictionary()

    async def __call__(self) -> T:
        """Return what the call that runs returns, or the one begun now; what it raises is raised here."""
        loop = asyncio.get_running_loop()
        running = self._running.get(loop)
        if running is None or running.done():
            running = self._running[loop] = loop.create_task(self._call())
            # Where nobody waits any more for one that fails, that is no fault to be logged.
            running.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(running)
