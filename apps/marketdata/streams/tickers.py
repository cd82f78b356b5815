"""All instruments' tickers in one channel: best bid and offer, last price, last 24 hours, at most once a second.

Quotes and last prices are those of the instruments' feeds. The 24 hours are read from the store of trades, which may be
slow or away: nobody waits for it but a moment, and until it has answered they are told as they were last read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from django.db import DatabaseError

from apps.marketdata.candles.intervals import begin_of
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.shapes import STATUS_NAMES, DayBody, day_body
from apps.marketdata.streams.channel import Conflated, Round
from apps.marketdata.streams.instrument import InstrumentFeed
from apps.marketdata.streams.messages import TickerEntry, TickersSnapshot, TickersUpdate, encode
from apps.marketdata.streams.quotes import quote_fields
from apps.marketdata.ticks import tick_stores
from apps.marketdata.ticks.base import DayStatistics
from cift.errors.application import ApplicationError
from cift.processes.shared_calls import SharedCall
from cift.processes.threads import database_call
from cift.times import clock_ns

INSTRUMENTS_MAX = 1_000
"""The first so many that were listed are in the channel: their snapshot is some 400 KiB."""

BEAT_S = 1.0
"""The pause between two updates."""

DAYS_WAIT_S_MAX = 0.5
"""How long an update, or a new reader's snapshot, waits for the 24 hours."""

DAYS_PAUSE_PER_WORK = 4.0
"""After a read of the 24 hours that took a time t there is none for 4 t."""

_MINUTE_S = 60
_NS_PER_US = 1_000

Listed = Callable[[int], Awaitable[Sequence[InstrumentReference]]]
"""Reads the first so many instruments that were listed."""

Opened = Callable[[InstrumentReference], Awaitable[InstrumentFeed]]

logger = logging.getLogger(__name__)


class Tickers(Conflated):
    """The channel. Its sequence is this venue's time in µs, so that it rises across processes and restarts."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        super().__init__()
        self._entries: dict[int, TickerEntry] = {}
        self._changed: list[TickerEntry] = []
        self._base = self._sequence = self._sent = 0

    def move(self, entries: Mapping[int, TickerEntry], *, at: int) -> None:
        """Take how all instruments stand at a time (ns since epoch)."""
        changed = [entry for number, entry in entries.items() if self._entries.get(number) != entry]
        if not changed:
            return
        before = {entry.symbol: entry for entry in self._changed}
        self._changed = list({**before, **{entry.symbol: entry for entry in changed}}.values())
        self._entries = dict(entries)
        self._sequence = max(at // _NS_PER_US, self._sequence + 1)
        if not self._base:
            self._base = self._sequence

    def advance(self) -> tuple[int, bytes] | None:
        """Go on to the latest."""
        if self._sent == self._sequence:
            return None
        previous, self._sent = self._sent, self._sequence
        changed, self._changed = self._changed, []
        # Without readers there is nobody to write it for.
        return (previous, self._update(previous, changed)) if self.readers else None

    def since(self, sequence: int) -> bytes | None:
        """Bring a reader to the latest: all instruments, as another process may have told it others than this one."""
        if sequence == self._sent:
            return None
        return self._update(sequence, list(self._entries.values())) if self.can_resume(sequence) else self.snapshot()

    def can_resume(self, sequence: int) -> bool:
        """Return whether the sequence is of the time this process has listened."""
        return self._base <= sequence <= self._sent

    def snapshot(self) -> bytes:
        """Return all instruments."""
        return encode(TickersSnapshot(sequence=self._sent, tickers=list(self._entries.values())))

    def _update(self, previous: int, entries: list[TickerEntry]) -> bytes:
        return encode(TickersUpdate(previous=previous, sequence=self._sent, tickers=entries))


class TickersFeed:
    """The channel, the instruments' feeds it reads, which stay open for it, and its beat."""

    def __init__(
        self, *, listed: Listed, opened: Opened, changed: Callable[["TickersFeed"], None], beat_s: float = BEAT_S
    ) -> None:
        """Begin without readers; `open` connects it. `listed` and `opened` find the instruments and their feeds."""
        self.idle_since: float | None = None
        self._tickers = Tickers()
        self._tickers.on_wake = lambda: changed(self)
        self._listed = listed
        self._opened = opened
        self._changed = changed
        self._beat_s = beat_s
        self._feeds: dict[int, InstrumentFeed] = {}
        self._days: dict[int, tuple[int, DayBody]] = {}
        self._minute = 0
        self._read_not_before = 0.0
        self._days_read_shared = SharedCall(self._days_read)
        self._beating: asyncio.Task[None] | None = None

    @property
    def has_readers(self) -> bool:
        """Return whether anybody listens."""
        return bool(self._tickers.readers)

    async def open(self) -> None:
        """Open the feeds of all instruments.

        Raises:
            ApplicationError: `venue_unavailable`, `database_busy`.

        """
        await self._instruments_open()
        self._beating = asyncio.get_running_loop().create_task(self._beat_always())

    async def close(self) -> None:
        """Let the instruments' feeds go."""
        if self._beating is not None:
            self._beating.cancel()
        for feed in self._feeds.values():
            feed.holders -= 1
        self._feeds.clear()

    async def channel(self) -> Tickers:
        """Return the channel; what stood still while nobody read it is brought up to date."""
        if not self.has_readers:
            await self._beat()
        return self._tickers

    def flush(self, sent: Round) -> None:
        """Send what the last beat found."""
        self._tickers.flush(sent)

    async def _beat_always(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            if not self.has_readers:
                continue
            try:
                await self._beat()
                self._changed(self)
            except Exception:
                # The next beat is another try.
                logger.exception("the tickers of all instruments failed")

    async def _beat(self) -> None:
        """Take how all instruments stand; the 24 hours as they are, where they cannot be read in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DAYS_WAIT_S_MAX):
                await self._days_read_shared()
        self._tickers.move({number: self._entry(feed) for number, feed in self._feeds.items()}, at=clock_ns())

    async def _instruments_open(self) -> None:
        for reference in await self._listed(INSTRUMENTS_MAX):
            if reference.id not in self._feeds:
                feed = await self._opened(reference)
                feed.holders += 1
                self._feeds[reference.id] = feed

    async def _days_read(self) -> None:
        """Read the 24 hours of those that have traded since, of all with each minute, and what was listed since."""
        loop, at = asyncio.get_running_loop(), clock_ns()
        if loop.time() < self._read_not_before:
            return
        began, minute = loop.time(), begin_of(at, interval_s=_MINUTE_S)
        try:
            if minute != self._minute:
                await self._instruments_open()
            stale = [number for number, feed in self._feeds.items() if self._is_stale(number, feed, minute)]
            if stale:
                has, days = await database_call(_days_of, stale, at)
                for number in stale:
                    self._days[number] = (has, day_body(days[number], self._feeds[number].reference))
            self._minute = minute
        except (ApplicationError, DatabaseError) as error:
            logger.warning("the last 24 hours of all instruments cannot be read: %s", error)
        self._read_not_before = loop.time() + (loop.time() - began) * DAYS_PAUSE_PER_WORK

    def _is_stale(self, number: int, feed: InstrumentFeed, minute: int) -> bool:
        known = self._days.get(number)
        return known is None or minute != self._minute or known[0] < feed.quoted.last_trade

    def _entry(self, feed: InstrumentFeed) -> TickerEntry:
        reference, quoted = feed.reference, feed.quoted
        day = self._days.get(reference.id)
        return TickerEntry(
            symbol=reference.symbol,
            status=STATUS_NAMES[quoted.status],
            sequence=quoted.sequence,
            **quote_fields(reference, bid=quoted.bid, ask=quoted.ask, last=quoted.last),
            day=None if day is None else day[1],
        )


def _days_of(instruments: Sequence[int], at: int) -> tuple[int, dict[int, DayStatistics]]:
    """Read the 24 hours before a time, and up to which sequence they have all, which is asked first."""
    store = tick_stores["default"]
    return store.sequence(), store.statistics(instruments, at=at)
