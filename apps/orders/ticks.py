"""Trades from the fills table, each its taker's fill, and candles from the projected table."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from apps.marketdata.candles.folding import Candle, candle_join, candles_merge
from apps.marketdata.candles.intervals import BASES_S, NS_PER_S, base_of, begin_behind, begin_of
from apps.marketdata.codes import Side
from apps.marketdata.models import CandleHistory, Instrument, StoredCandle
from apps.marketdata.ticks.base import (
    IDLE_FINAL_NS,
    CandleSpan,
    DayStatistics,
    LastCandle,
    StorePlace,
    Tick,
    TickStore,
    span_check,
)
from apps.orders.codes import Liquidity
from apps.orders.ids import SEQUENCE_MAX, fill_id_first
from apps.orders.models import Fill, JournalBatch, Projection
from apps.orders.selectors import projected, projection_wait, shard
from cift.orderservice.journal import journal_reads

_MINUTE_S, _QUARTER_S, _DAY_S = 60, 900, 86_400
_COLUMNS = ("trade_id", "price", "quantity", "side", "executed_at")


class FillTickStore(TickStore):
    """Reads what the projection has written."""

    def trades_last(self, instrument: int, *, after: int, up_to: int, limit: int) -> list[Tick]:
        """Read them from their end, once the tables have them."""
        projection_wait(sequence=up_to)
        rows = _takers(instrument).filter(id__gte=fill_id_first(after + 1), id__lt=fill_id_first(up_to + 1))
        return _ticks(rows.order_by("-id").values_list(*_COLUMNS)[:limit])[::-1]

    def trades_page(
        self, instrument: int, *, limit: int, cursor: int | None, newer: bool, start: int | None, end: int | None
    ) -> list[Tick]:
        """Read them along the index of takers' fills; a time is the first sequence that has it."""
        journal = journal_reads["default"]
        least = [] if start is None else [journal.sequence_at(start)]
        before = [] if end is None else [journal.sequence_at(end)]
        if cursor is not None:
            # It comes from a client: a number no sequence has must not become one no column holds.
            known = min(cursor, SEQUENCE_MAX)
            least, before = ([*least, known + 1], before) if newer else (least, [*before, known])
        rows = _takers(instrument)
        if least:
            rows = rows.filter(id__gte=fill_id_first(max(least)))
        if before:
            rows = rows.filter(id__lt=fill_id_first(min(before)))
        return _ticks(rows.order_by("id" if newer else "-id").values_list(*_COLUMNS)[:limit])

    def sequence(self) -> int:
        """Read the place of the tables."""
        return projected().sequence

    def place(self, *, at: int) -> StorePlace:
        """Hold the tables against the journal."""
        batches = JournalBatch.objects.filter(shard=shard()).order_by("-number")
        head = batches.values_list("number", flat=True).first() or 0
        rows = Projection.objects.filter(shard=shard()).values_list("last_number", "updated_at")
        number, seen = rows.first() or (0, 0)
        if number < head:
            return StorePlace(seen, seen)
        return StorePlace(max(at, seen), max(at - IDLE_FINAL_NS, seen))

    def candles(self, instrument: int, *, interval_s: int, start: int, end: int) -> CandleSpan:
        """Read those of the base along the table's key, and put them together."""
        span_check(interval_s=interval_s, start=start, end=end)
        begins = _begins(instrument, interval_s=interval_s)
        base = base_of(interval_s)
        if begins is None:
            return CandleSpan([], None, None)
        rows = _candles(instrument, base).filter(start_at__gte=max(start, begins), start_at__lt=end)
        merged = candles_merge(_read(rows), interval_s=interval_s)
        return CandleSpan(list(merged), _close_before(instrument, base, start), begins)

    def candle_last(self, instrument: int, *, interval_s: int, up_to: int) -> LastCandle:
        """Read it, once the tables have its trades."""
        projection_wait(sequence=up_to)
        base = base_of(interval_s)
        begins = begin_behind(_history(base) - 1, interval_s=interval_s)
        last = _candles(instrument, base).order_by("-start_at").values_list("start_at", flat=True).first()
        start = None if last is None else begin_of(last, interval_s=interval_s)
        if start is None or start < begins:
            return LastCandle(None, begins)
        rows = _read(_candles(instrument, base).filter(start_at__gte=start))
        return LastCandle(next(candles_merge(rows, interval_s=interval_s)), begins)

    def statistics(self, instruments: Sequence[int], *, at: int) -> dict[int, DayStatistics]:
        """Add up quarters of an hour, and the minutes before the first of them."""
        begins = max(begin_of(at - _DAY_S * NS_PER_S, interval_s=_MINUTE_S), _history(_MINUTE_S))
        quarters = max(begin_behind(begins - 1, interval_s=_QUARTER_S), _history(_QUARTER_S))
        of_them = StoredCandle.objects.filter(instrument_id__in=instruments)
        minutes = of_them.filter(interval_s=_MINUTE_S, start_at__gte=begins, start_at__lt=quarters)
        found: dict[int, Candle] = {}
        for rows in (minutes, of_them.filter(interval_s=_QUARTER_S, start_at__gte=quarters)):
            ordered = rows.order_by("instrument_id", "start_at").values_list("instrument_id", *Candle._fields)
            for instrument, group in groupby(ordered, key=lambda row: int(row[0])):
                for row in group:
                    candle = Candle._make(row[1:])
                    found[instrument] = candle_join(found[instrument], candle) if instrument in found else candle
        closes = _closes([each for each in instruments if each not in found])
        return {each: _day(found.get(each), closes.get(each), begins) for each in instruments}


def _history(base: int) -> int:
    begins = CandleHistory.objects.filter(shard=shard(), interval_s=base).values_list("begins_at", flat=True).first()
    return begins or 0


def _begins(instrument: int, *, interval_s: int) -> int | None:
    """Return from when on an instrument's candles are there, whole: its first trade, or what is kept."""
    base = base_of(interval_s)
    kept = _history(base)
    whole = begin_behind(kept - 1, interval_s=interval_s)
    if kept and _close_before(instrument, base, kept) is not None:
        return whole
    first = _candles(instrument, base).filter(start_at__gte=kept).values_list("start_at", flat=True).first()
    return None if first is None else max(begin_of(first, interval_s=interval_s), whole)


def _close_before(instrument: int, base: int, at: int) -> int | None:
    """Return the last price before a time: where short candles of it are no longer kept, from longer ones."""
    for longer in BASES_S[BASES_S.index(base) :]:
        rows = _candles(instrument, longer).filter(start_at__lte=at - longer * NS_PER_S).order_by("-start_at")
        close = rows.values_list("close", flat=True).first()
        if close is not None:
            return int(close)
    return None


def _closes(instruments: Sequence[int]) -> dict[int, int | None]:
    """Return the last price of each instrument, in one statement."""
    longest = StoredCandle.objects.filter(instrument_id=OuterRef("pk"), interval_s=BASES_S[-1]).order_by("-start_at")
    rows = Instrument.objects.filter(id__in=instruments).annotate(last_price=Subquery(longest.values("close")[:1]))
    return dict(rows.values_list("id", "last_price"))


def _day(candle: Candle | None, close: int | None, begins_at: int) -> DayStatistics:
    if candle is None:
        return DayStatistics(begins_at, None, None, None, close, 0, 0, 0)
    _, opened, high, low, last, volume, notional, trades, *_ = candle
    return DayStatistics(begins_at, opened, high, low, last, volume, notional, trades)


def _candles(instrument: int, base: int) -> QuerySet[StoredCandle]:
    return StoredCandle.objects.filter(instrument_id=instrument, interval_s=base).order_by("start_at")


def _read(rows: QuerySet[StoredCandle]) -> Iterator[Candle]:
    return map(Candle._make, rows.values_list(*Candle._fields))


def _takers(instrument: int) -> QuerySet[Fill]:
    return Fill.objects.filter(instrument_id=instrument, liquidity=int(Liquidity.TAKER))


def _ticks(rows: Iterable[Any]) -> list[Tick]:
    return [Tick(sequence, price, quantity, Side(side), at) for sequence, price, quantity, side, at in rows]
