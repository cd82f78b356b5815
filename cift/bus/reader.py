"""A mailbox and the task that empties it into a handler."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from prometheus_client import Counter

from cift.bus.base import GapHandler, MessageHandler, Subscription
from cift.bus.mailbox import Gap, Mailbox

ResultT = TypeVar("ResultT")

failed = Counter("cift_bus_messages_failed", "Messages of the bus a subscriber could not take")

logger = logging.getLogger(__name__)


async def run_in(loop: asyncio.AbstractEventLoop, make: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """Await a coroutine in a loop that may be another thread's."""
    if asyncio.get_running_loop() is loop:
        return await make()
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), loop))


class Reader(Subscription):
    """Hands one subscription's messages to its handler, in the loop it was made in.

    A message its handler raises on is logged, counted and followed by a gap, before it is handed the next.
    """

    def __init__(
        self,
        handler: MessageHandler,
        on_gap: GapHandler | None,
        *,
        on_close: Callable[["Reader"], None],
        mailbox: Mailbox | None = None,
    ) -> None:
        """Start handing on; `on_close` takes the reader off wherever it is registered."""
        self._handler = handler
        self._on_gap = on_gap
        self._on_close = on_close
        self._mailbox = mailbox or Mailbox()
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run())
        self._closed = False

    def deliver(self, subject: str, payload: bytes) -> None:
        """Put a message into the mailbox; from any thread."""
        self._in_loop(self._mailbox.put, subject, payload)

    def deliver_gap(self) -> None:
        """Say that messages were lost; from any thread."""
        self._in_loop(self._mailbox.put_gap)

    def _in_loop(self, put: Callable[..., None], *arguments: Any) -> None:
        if asyncio._get_running_loop() is self._loop:  # noqa: SLF001 - the public one raises where there is none
            put(*arguments)
        else:
            # A loop that has ended has no reader to miss the message.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(put, *arguments)

    async def _run(self) -> None:
        while not self._closed:
            item = await self._mailbox.get()
            if isinstance(item, Gap):
                await self._gap()
                continue
            try:
                await self._handler(*item)
            except Exception:
                logger.exception("a subscriber failed on a message of %s", item[0])
                failed.inc()
                await self._gap()

    async def _gap(self) -> None:
        """Announce the gap; one that cannot be made up is logged, and the next message goes on."""
        if self._on_gap is None or self._closed:
            return
        try:
            await self._on_gap()
        except Exception:
            logger.exception("a subscriber failed to make up what it missed")

    async def close(self) -> None:
        """Stop handing on; called by the handler itself, it returns and this message was the last."""
        await run_in(self._loop, self._close)

    async def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._on_close(self)
        if asyncio.current_task() is not self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
