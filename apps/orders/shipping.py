"""Trades into the store of trades and candles, behind its place, a bounded stretch at a time.

They are read from the stream `MARKET_DATA` where there is one, else from the journal, which also has what the stream no
longer hands out: a store that was wiped is filled from it.

Invariants:
    The store's own place says what it has, so a store that was wiped is filled again, and a process that was killed
    has lost nothing.
    A stretch is written before its place. What is written twice is there once.
"""

from collections.abc import Callable, Sequence

import msgspec

from apps.marketdata.reference import reference_read
from apps.marketdata.ticks.questdb_tables import Place
from apps.marketdata.ticks.questdb_writing import TickRow, TickWriter
from apps.orders.matching.errors import MatchingError
from apps.orders.matching.journal import Journal, JournalRow, read_ahead, rows_bounded
from apps.orders.matching.projector import packer_seeded
from apps.orders.matching.tables import WRITES, Rows, fill_values, taker_fills
from apps.orders.publishing.trades import Stretch, TradesReader

STRETCH_BYTES_MAX = 4 * 1024 * 1024
"""A stretch has no more of the journal's events, but for a batch that has more by itself."""

STRETCH_BATCHES_MAX = 1_000

_FILLS = list(WRITES).index("fills")
_TRADE = fill_values("instrument_id", "trade_id", "price", "quantity", "notional", "side", "executed_at")

_decode = msgspec.msgpack.Decoder(list[Rows]).decode


class ShippingBehindError(MatchingError):
    """The store has not made the candles of what it was sent in time; it is sent again."""


class ShippingRangeError(MatchingError):
    """The journal has no such range of batches."""


class TickShipper:
    """Ships a shard's trades, through the calling thread's connections."""

    def __init__(self, shard: int, writer: TickWriter, *, reader: TradesReader | None = None) -> None:
        """Take where to; the store's tables are there. `reader`: of the stream, None: there is none."""
        self._shard = shard
        self._writer = writer
        self._reader = reader
        self._journal = Journal(shard)
        self._packer = packer_seeded()

    def step(self) -> int:
        """Ship the next stretch; return how many batches or messages it had, 0 where the store has all.

        Raises:
            QuestDBUnavailableError, QuestDBRefusedError: as the writer does.
            ShippingBehindError: the candles are not there yet.
            JournalUnavailableError: the journal cannot be read.
            BusError: the stream cannot be read.

        """
        place = self._writer.place(self._shard)
        if self._reader is None:
            return self._journal_step(place)
        stretch = self._reader.next()
        if stretch is None:
            return self._journal_step(place) if self._reader.is_beyond(place.number) else 0
        if stretch.follows > place.number:
            return self._journal_step(place)
        return self._stream_step(self._reader, stretch, place)

    def _stream_step(self, reader: TradesReader, stretch: Stretch, place: Place) -> int:
        """Ship what the stream has, and only then let it go there."""
        trades = [
            TickRow(
                message.instrument,
                sequence,
                price,
                quantity,
                reference_read(message.instrument).notional(price=price, quantity=quantity),
                side,
                message.at,
            )
            for message in stretch.trades
            if message.number > place.number
            for sequence, price, quantity, side in message.trades
        ]
        if trades:
            self._writer.trades_write(trades)
        if stretch.number > place.number:
            self._reach(place, Place(stretch.number, stretch.sequence, stretch.at))
        reader.done(stretch)
        return len(stretch.deliveries)

    def _journal_step(self, place: Place) -> int:
        head = self._journal.chunk(place.number, rows=STRETCH_BATCHES_MAX)
        rows = rows_bounded(head, bytes_max=STRETCH_BYTES_MAX)
        if not rows:
            return 0
        self._write(rows)
        last = rows[-1]
        self._reach(place, Place(last.number, last.last_sequence, last.at))
        return len(rows)

    def _reach(self, place: Place, reached: Place) -> None:
        if not self._writer.place_write(self._shard, reached):
            message = f"the candles of batches {place.number + 1} to {reached.number} are not made yet"
            raise ShippingBehindError(message)

    def backfill(self, *, first: int, last: int | None, progress: Callable[[int, int], None]) -> tuple[int, int, int]:
        """Ship the batches from `first` to `last` again, and move the place on if they go on behind it.

        `progress` is told how far it is and how far it goes. Returns the range and how many trades it has.

        Raises:
            ShippingRangeError: there is no batch in the range.
            QuestDBUnavailableError, QuestDBRefusedError, ShippingBehindError, JournalUnavailableError: as a step.

        """
        head = self._journal.head()
        newest = 0 if head is None else head.number
        last = min(newest if last is None else last, newest)
        if not 1 <= first <= last:
            message = f"the journal has no batches {first} to {last}: it is at batch {newest}"
            raise ShippingRangeError(message)
        count = 0
        for chunk in read_ahead(self._journal, first - 1):
            rows = [row for row in chunk if row.number <= last]
            if not rows:
                break
            count += self._write(rows)
            end = rows[-1]
            reached = Place(end.number, end.last_sequence, end.at)
            place = self._writer.place(self._shard)
            goes_on = first - 1 <= place.number < reached.number
            if goes_on and not self._writer.place_write(self._shard, reached):
                message = f"the candles up to batch {end.number} are not made yet"
                raise ShippingBehindError(message)
            progress(end.number, last)
        return first, last, count

    def _write(self, rows: Sequence[JournalRow]) -> int:
        lists = _decode(self._packer.pack([(row.number, row.at, row.events) for row in rows]))
        trades = [TickRow._make(_TRADE(row)) for row in taker_fills(lists[_FILLS])]
        return self._writer.trades_write(trades) if trades else 0
