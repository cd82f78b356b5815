"""The venue itself, taken once from the bus: whether its kill switch is on."""

import asyncio
import logging
from collections.abc import Callable

from apps.marketdata.streams.changes import Changes
from apps.marketdata.streams.channel import Round
from apps.marketdata.streams.messages import VenueStatusSnapshot, VenueStatusUpdate, encode
from apps.orders.events import venue_block_decode
from apps.orders.selectors import kill_switch_find, shard
from cift.bus import buses
from cift.bus.base import Subscription
from cift.errors.application import ApplicationError
from cift.times import clock_ns, time_format
from cift.wire.subjects import venue_subject

ASK_AGAIN_S = 1.0

logger = logging.getLogger(__name__)


class VenueStatus(Changes):
    """Whether the venue's kill switch is on; every change is sent."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        super().__init__()
        self._on: bool | None = None
        self._at = 0
        self._known = 0

    def reset(self, sequence: int, *, on: bool, at: int) -> None:
        """Begin anew; an answer older than what was heard since is none."""
        if sequence >= self._known:
            self._known, self._on, self._at = sequence, on, at
            self.restart(sequence)

    def move(self, sequence: int, *, on: bool, at: int) -> None:
        """Take how the switch was set; what is known already changes nothing."""
        if self._on is None:
            self.reset(sequence, on=on, at=at)
        if sequence <= self._known:
            return
        self._known = sequence
        if on is not self._on:
            self._on, self._at = on, at
            previous = self.sequence
            self.add(VenueStatusUpdate(previous=previous, sequence=sequence, kill_switch=on, at=time_format(at)))

    def snapshot(self) -> bytes:
        """Return it as it stands."""
        state = VenueStatusSnapshot(sequence=self.sequence, kill_switch=bool(self._on), at=time_format(self._at))
        return encode(state)


class VenueFeed:
    """The venue's own channel; `changed` is called whenever there is something to send."""

    def __init__(self, *, changed: Callable[["VenueFeed"], None]) -> None:
        """Begin without readers; `open` connects it."""
        self.status = VenueStatus()
        self.idle_since: float | None = None
        self._changed = changed
        self._subscription: Subscription | None = None

    @property
    def has_readers(self) -> bool:
        """Return whether anybody listens."""
        return bool(self.status.readers)

    async def open(self) -> None:
        """Listen to the bus, and then ask the writer how the switch stands: between the two nothing is missed.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        self._subscription = await buses["default"].subscribe(
            venue_subject(shard()), self._message, on_gap=self._ask_surely
        )
        await self._ask()

    async def close(self) -> None:
        """Stop listening."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()

    def flush(self, sent: Round) -> None:
        """Send what came since the last time."""
        self.status.flush(sent)

    async def _ask(self) -> None:
        found = await kill_switch_find()
        self.status.reset(found.sequence, on=found.on, at=clock_ns())

    async def _ask_surely(self) -> None:
        """Ask until there is an answer: something was missed, and no later message would show it."""
        told = False
        while True:
            try:
                await self._ask()
            except ApplicationError:
                if not told:
                    logger.warning("the kill switch's state cannot be read: no order service answers")
                told = True
                await asyncio.sleep(ASK_AGAIN_S)
            else:
                self._changed(self)
                return

    async def _message(self, _subject: str, payload: bytes) -> None:
        block = venue_block_decode(payload)
        self.status.move(block.sequence, on=block.kill_switch, at=block.at)
        self._changed(self)
