"""When feeds are sent: at once while there is little to do, put together while there is much.

The first change after a pause is sent in the same turn of the event loop. After a round that took a time t nothing is
sent for 4 t, so feeds take at most a fifth of the loop, and orders come in between; what changes meanwhile is put
together. A round goes to a few readers at a time.
"""

import asyncio
import logging
from typing import Protocol

from apps.marketdata.streams.channel import Round

PAUSE_PER_WORK = 4.0
PAUSE_S_MIN = 0.005
PAUSE_S_MAX = 0.1
READERS_PER_TURN = 16
"""How many readers are written to before others get their turn.

An order passes the loop four times on its way, and twice a thread of the writer's must get the interpreter from it: it
waits for what is left of a turn each time. A reader costs some 15 µs, most of them the system's.
"""

logger = logging.getLogger(__name__)


class Flushed(Protocol):
    """What has something to send."""

    def flush(self, sent: Round) -> None:
        """Put it into a round."""


class Pace:
    """The rounds of one event loop."""

    def __init__(self) -> None:
        """Begin with nothing to send."""
        self._changed: dict[Flushed, None] = {}
        self._round: Round | None = None
        self._due: asyncio.TimerHandle | asyncio.Handle | None = None
        self._not_before = 0.0
        self._worked_s = 0.0

    def changed(self, feed: Flushed) -> None:
        """Send a feed's news with the next round."""
        self._changed[feed] = None
        if self._due is None and self._round is None:
            loop = asyncio.get_running_loop()
            wait_s = self._not_before - loop.time()
            self._due = loop.call_later(wait_s, self._begin) if wait_s > 0 else loop.call_soon(self._begin)

    def forget(self, feed: Flushed) -> None:
        """Send nothing of a feed that has closed."""
        self._changed.pop(feed, None)

    def settle(self, feed: Flushed) -> None:
        """Send all that is under way, and what a feed has, now: somebody comes to it, or goes."""
        if self._round is not None:
            self._round.send_all()
        self._changed.pop(feed, None)
        sent = Round()
        feed.flush(sent)
        sent.send_all()

    def _begin(self) -> None:
        self._due = None
        began = asyncio.get_running_loop().time()
        changed, self._changed = self._changed, {}
        self._round = Round()
        for feed in changed:
            try:
                feed.flush(self._round)
            except Exception:
                # One instrument's fault is not the others'.
                logger.exception("a feed failed")
        self._worked_s = asyncio.get_running_loop().time() - began
        self._go_on()

    def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        done = self._round is None or self._round.send(READERS_PER_TURN)
        now = loop.time()
        self._worked_s += now - began
        if not done:
            loop.call_soon(self._go_on)
            return
        self._round = None
        self._not_before = now + min(max(self._worked_s * PAUSE_PER_WORK, PAUSE_S_MIN), PAUSE_S_MAX)
        for feed in list(self._changed):
            self.changed(feed)
