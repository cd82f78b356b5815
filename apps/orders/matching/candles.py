"""Stored candles: written by the projector with the fills they are made of, and dropped when they are old.

Invariants:
    A candle is written whole, in the transaction that writes its fills and moves the projection on. So what is in the
    tables twice, or not at all, is so with its fills.
    Of a base interval all candles are there that begin at `CandleHistory.begins_at` or later. It only rises; candles
    from before are dropped, and nobody reads them meanwhile.
"""

import time
from collections.abc import Iterable, Iterator, Mapping

from django.conf import settings
from django.db import router, transaction
from django.db.backends.utils import CursorWrapper

from apps.marketdata.candles.folding import Candle, CandleFolder, CandleKey, CandleTrade
from apps.marketdata.candles.intervals import BASES_S, NS_PER_S, begin_behind, begin_of
from apps.marketdata.models import CandleHistory, Instrument, StoredCandle
from apps.orders.matching.tables import Row, Rows, TableWrite, fill_values, taker_fills
from apps.orders.models import Projection

WRITE = TableWrite(
    StoredCandle,
    ("instrument_id", "interval_s", *Candle._fields),
    key=("instrument_id", "interval_s", "start_at"),
    upsert=True,
)

LOOK_EVERY_S = 60.0
"""How often what has grown old is looked for."""

STEP_ROWS = 2_000
"""At most so many candles leave in one transaction, so that projecting waits for milliseconds."""

_TRADE = fill_values("instrument_id", "trade_id", "price", "quantity", "notional", "executed_at")


def trades_of(fills: Iterable[Row]) -> Iterator[CandleTrade]:
    """Return the trades of a pack's fills."""
    return (CandleTrade._make(_TRADE(row)) for row in taker_fills(fills))


def candles_rows(candles: Mapping[CandleKey, Candle], begins: Mapping[int, int]) -> Rows:
    """Return the rows of candles, but of those from before a base's history."""
    return [
        (instrument, base, *candle) for (instrument, base, start), candle in candles.items() if start >= begins[base]
    ]


def history_of(shard: int) -> dict[int, int]:
    """Read from when on candles are there, by base in s; empty: none were ever made."""
    return dict(CandleHistory.objects.filter(shard=shard).values_list("interval_s", "begins_at"))


class CandleProjector:
    """Goes on with the candles of a shard's tables, through the calling thread's connections."""

    def __init__(self, shard: int, *, begins: Mapping[int, int]) -> None:
        """Begin where the tables are; `begins`: from when on candles are made, where none ever were."""
        found = history_of(shard)
        if not found:
            CandleHistory.objects.bulk_create(
                CandleHistory(shard=shard, interval_s=base, begins_at=at) for base, at in begins.items()
            )
        self._begins = found or begins
        self._folder = CandleFolder(_candles_last)

    def write(self, cursor: CursorWrapper, fills: Rows) -> None:
        """Write the candles a pack's fills changed in the current transaction."""
        WRITE.write(cursor, candles_rows(self._folder.take(trades_of(fills)), self._begins))


def candle_projector_resumed(shard: int) -> CandleProjector:
    """Go on where the tables are. Of tables from before there were candles, those come that begin later."""
    at = Projection.objects.filter(shard=shard).values_list("updated_at", flat=True).first() or 0
    begins = {base: begin_behind(at, interval_s=base) if at else 0 for base in BASES_S}
    return CandleProjector(shard, begins=begins)


def _candles_last(instrument: int) -> Iterator[tuple[int, Candle]]:
    for base in BASES_S:
        rows = StoredCandle.objects.filter(instrument_id=instrument, interval_s=base).order_by("-start_at")
        for row in rows.values_list(*Candle._fields)[:1]:
            yield base, Candle._make(row)


class CandleRetention:
    """Drops old candles from a shard's tables, a step at a time, through the calling thread's connections."""

    def __init__(self, shard: int, *, step_rows: int = STEP_ROWS) -> None:
        """Take the most a step drops."""
        self._shard = shard
        self._step_rows = step_rows
        self._left: list[tuple[int, int, int]] = []
        self._look_at = time.monotonic()

    def step(self) -> int:
        """Drop some candles of one instrument and base in one transaction; return 0 when there is nothing old."""
        if not self._left and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY_S
            self._look()
        if not self._left:
            return 0
        instrument, base, before = self._left[-1]
        old = StoredCandle.objects.filter(instrument_id=instrument, interval_s=base, start_at__lt=before)
        starts = list(old.order_by("start_at").values_list("start_at", flat=True)[: self._step_rows])
        if starts:
            old.filter(start_at__lte=starts[-1]).delete()
        if len(starts) < self._step_rows:
            self._left.pop()
        return max(len(starts), 1)

    def _look(self) -> None:
        """Move the histories on to where they are to begin; from then on nobody reads what is older."""
        at = Projection.objects.filter(shard=self._shard).values_list("updated_at", flat=True).first()
        if at is None:
            return
        history = history_of(self._shard)
        kept = {
            base: begin_of(at - keep_s * NS_PER_S, interval_s=base) for base, keep_s in settings.CANDLES_KEEP_S.items()
        }
        rising = {base: begins for base, begins in kept.items() if begins > history.get(base, begins)}
        with transaction.atomic(using=router.db_for_write(CandleHistory), durable=True):
            for base, begins in rising.items():
                CandleHistory.objects.filter(shard=self._shard, interval_s=base).update(begins_at=begins)
        instruments = Instrument.objects.order_by("id").values_list("id", flat=True)
        self._left = [(instrument, base, begins) for instrument in instruments for base, begins in rising.items()]
