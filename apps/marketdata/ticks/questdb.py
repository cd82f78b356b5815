"""Trades and candles from QuestDB, which the workers fill from the journal's trades.

How far it is, its own table of places says. A place is written once its trades and all their candles can be read
(`apps.marketdata.ticks.questdb_writing`), so what is read later has no less than the place that was read before.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.marketdata.candles.folding import SUM_MAX, Candle
from apps.marketdata.candles.intervals import NS_PER_S, begin_behind, begin_of
from apps.marketdata.codes import Side
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
from apps.marketdata.ticks.questdb_link import QuestDBLink, QuestDBRefusedError, QuestDBUnavailableError
from apps.marketdata.ticks.questdb_tables import (
    CANDLES_OF_CANDLES,
    TICKS,
    VIEWS,
    Place,
    kept_from,
    place_select,
    time_literal,
    view_of,
)
from cift.errors.application import ApplicationError
from cift.orderservice.consistency import WAIT_S_MAX, waiting
from cift.orderservice.journal import journal_reads

STORE = "questdb"

FIRST_S_MAX = 60.0
"""How long it is remembered when an instrument's first trade was."""

_MINUTE_S, _DAY_S = 60, 86_400
_POLL_S = 0.02
_TICK = "sequence, price, quantity, side, cast(ts as long)"
_CANDLE = "cast(ts as long), open, high, low, close, volume, notional, trades, first_sequence, last_sequence"
# How far back a price is looked for among candles of a length: over more than a candle of the next length, whose last
# may not be over.
_LOOKED_BACK_S = {1: 3_600, 60: _DAY_S, 3_600: 30 * _DAY_S}

Rows = list[tuple[Any, ...]]


class QuestDBTickStore(TickStore):
    """Reads what the workers have shipped."""

    def __init__(
        self, *, url: str, sql_port: int, user: str, password: str, keep_s: Mapping[int, int] | None = None
    ) -> None:
        """Take where the server is, as whom it is asked, and how long candles of a length are kept, both in s."""
        host = urlsplit(url).hostname or "localhost"
        self._link = QuestDBLink(host=host, port=sql_port, user=user, password=password)
        self._keep_s = dict(keep_s or {})
        self._seen = Place(0, 0, 0)
        self._firsts: dict[int, tuple[int, float]] = {}

    def sequence(self) -> int:
        """Read the place."""
        return self._place().sequence

    def trades_last(self, instrument: int, *, after: int, up_to: int, limit: int) -> list[Tick]:
        """Read them from their end, once the store has them."""
        self._wait(up_to)
        conditions = [f"instrument = {instrument}", f"sequence > {after}", f"sequence <= {up_to}"]
        return self._page(conditions, newer=False, limit=limit)[::-1]

    def trades_page(
        self, instrument: int, *, limit: int, cursor: int | None, newer: bool, start: int | None, end: int | None
    ) -> list[Tick]:
        """Read them along their times, which rise with the sequences."""
        conditions = [f"instrument = {instrument}"]
        if cursor is not None:
            conditions.append(f"sequence {'>' if newer else '<'} {min(cursor, SUM_MAX)}")
        conditions += _within(start, end)
        return self._page(conditions, newer=newer, limit=limit)

    def place(self, *, at: int) -> StorePlace:
        """Hold the store against the journal."""
        seen = self._place()
        if seen.number < journal_reads["default"].head():
            return StorePlace(seen.at, seen.at)
        return StorePlace(max(at, seen.at), max(at - IDLE_FINAL_NS, seen.at))

    def candles(self, instrument: int, *, interval_s: int, start: int, end: int) -> CandleSpan:
        """Read those of the kept view, put together where the interval is longer."""
        span_check(interval_s=interval_s, start=start, end=end)
        base = view_of(interval_s)
        begins = self._begins(instrument, interval_s=interval_s, base=base)
        if begins is None:
            return CandleSpan([], None, None)
        conditions = [f"instrument = {instrument}", *_within(max(start, begins), end)]
        rows = self._candles(conditions, interval_s=interval_s, base=base)
        return CandleSpan(rows, self._close_before(instrument, base, start), begins)

    def candle_last(self, instrument: int, *, interval_s: int, up_to: int) -> LastCandle:
        """Read it, once the store has its trades."""
        self._wait(up_to)
        base = view_of(interval_s)
        begins = begin_behind(self._history(base) - 1, interval_s=interval_s)
        of_it = f"instrument = {instrument}"
        last = self._run(f"SELECT cast(ts as long) FROM {VIEWS[base]} WHERE {of_it} ORDER BY ts DESC LIMIT 1")  # noqa: S608 - as above
        start = begin_of(last[0][0], interval_s=interval_s) if last else None
        if start is None or start < begins:
            return LastCandle(None, begins)
        rows = self._candles([of_it, *_within(start, None)], interval_s=interval_s, base=base)
        return LastCandle(rows[0], begins)

    def statistics(self, instruments: Sequence[int], *, at: int) -> dict[int, DayStatistics]:
        """Add up the minutes."""
        begins = max(begin_of(at - _DAY_S * NS_PER_S, interval_s=_MINUTE_S), self._history(_MINUTE_S))
        if not instruments:
            return {}
        of_them = f"instrument IN ({', '.join(map(str, instruments))})"
        found = self._run(
            f"SELECT instrument, {CANDLES_OF_CANDLES} FROM {VIEWS[_MINUTE_S]} "  # noqa: S608 - integers and our names
            f"WHERE {of_them} AND {_within(begins, None)[0]}"
        )
        days = {
            row[0]: DayStatistics(begins, row[1], row[2], row[3], row[4], _capped(row[5]), _capped(row[6]), row[7])
            for row in found
        }
        closes: dict[int, int] = {}
        if len(days) < len(instruments):
            last = f"SELECT instrument, arg_max(close, last_sequence) FROM {VIEWS[_DAY_S]} WHERE {of_them}"  # noqa: S608 - as above
            closes = dict(self._run(last))
        return {
            each: days.get(each) or DayStatistics(begins, None, None, None, closes.get(each), 0, 0, 0)
            for each in instruments
        }

    def _place(self) -> Place:
        """Read up to which batch the store has all.

        Raises:
            ApplicationError: `history_unavailable`.

        """
        rows = self._run(place_select(settings.MATCHING["SHARD"]))
        self._seen = Place._make(rows[0]) if rows else Place(0, 0, 0)
        return self._seen

    def _wait(self, sequence: int) -> None:
        """Wait until the store has all up to a sequence.

        Raises:
            ApplicationError: `projection_behind`, `history_unavailable`.

        """
        if self._place().sequence >= sequence:
            return
        give_up_at = time.monotonic() + WAIT_S_MAX
        with waiting(None):
            while self._place().sequence < sequence:
                if time.monotonic() >= give_up_at:
                    raise ApplicationError("projection_behind")
                time.sleep(_POLL_S)

    def _page(self, conditions: list[str], *, newer: bool, limit: int) -> list[Tick]:
        """Read the first trades of a direction; those of one time are ordered by sequence, so its last one is whole."""
        order = "ASC" if newer else "DESC"
        where = " AND ".join(conditions)
        times = self._run(
            f"SELECT cast(ts as long) FROM {TICKS} WHERE {where} ORDER BY ts {order} LIMIT {limit}"  # noqa: S608 - as above
        )
        if not times:
            return []
        last = times[-1][0]
        bound = f"ts <= '{time_literal(last)}'" if newer else f"ts >= '{time_literal(last)}'"
        rows = self._run(
            f"SELECT {_TICK} FROM {TICKS} WHERE {where} AND {bound} "  # noqa: S608 - as above
            f"ORDER BY ts {order}, sequence {order} LIMIT {limit}"
        )
        return [Tick(sequence, price, quantity, Side(side), at) for sequence, price, quantity, side, at in rows]

    def _candles(self, conditions: list[str], *, interval_s: int, base: int) -> list[Candle]:
        where = " AND ".join(conditions)
        if interval_s == base:
            rows = self._run(f"SELECT {_CANDLE} FROM {VIEWS[base]} WHERE {where} ORDER BY ts")  # noqa: S608 - as above
        else:
            sampled = (
                f"SELECT ts, {CANDLES_OF_CANDLES} FROM {VIEWS[base]} "  # noqa: S608 - as above
                f"WHERE {where} SAMPLE BY {interval_s}s ALIGN TO CALENDAR"
            )
            rows = self._run(f"SELECT {_CANDLE} FROM ({sampled}) ORDER BY ts")  # noqa: S608 - as above
        return [Candle._make((*row[:5], *map(_capped, row[5:7]), *row[7:])) for row in rows]

    def _history(self, base: int) -> int:
        """Return from when on candles of a view are there: what is older than it is kept has left."""
        keep_s = self._keep_s.get(base)
        if keep_s is None:
            return 0
        first = self._run(f"SELECT cast(ts as long) FROM {VIEWS[_DAY_S]} LIMIT 1")  # noqa: S608 - as above
        last = self._run(f"SELECT cast(max(ts) as long) FROM {VIEWS[base]}")  # noqa: S608 - as above
        if not first or last[0][0] is None:
            return 0
        kept = kept_from(last[0][0], base_s=base, keep_s=keep_s)
        return kept if first[0][0] < kept else 0

    def _begins(self, instrument: int, *, interval_s: int, base: int) -> int | None:
        """Return from when on an instrument's candles are there, whole: its first trade, or what is kept."""
        first = self._first(instrument)
        if first is None:
            return None
        kept = self._history(base)
        whole = begin_behind(kept - 1, interval_s=interval_s)
        return max(begin_of(first, interval_s=interval_s), whole)

    def _first(self, instrument: int) -> int | None:
        """Return the second of an instrument's first trade, or its day where the second is no longer kept.

        It is remembered for a while: nothing but a backfill moves it.
        """
        known, at = self._firsts.get(instrument, (None, 0.0))
        if known is not None and time.monotonic() - at < FIRST_S_MAX:
            return known
        of_it = f"instrument = {instrument}"
        days = self._run(f"SELECT cast(ts as long) FROM {VIEWS[_DAY_S]} WHERE {of_it} ORDER BY ts LIMIT 1")  # noqa: S608 - as above
        if not days:
            return None
        where = " AND ".join([of_it, *_within(days[0][0], days[0][0] + _DAY_S * NS_PER_S)])
        seconds = self._run(f"SELECT cast(ts as long) FROM {VIEWS[1]} WHERE {where} ORDER BY ts LIMIT 1")  # noqa: S608 - as above
        first = int((seconds or days)[0][0])
        self._firsts[instrument] = first, time.monotonic()
        return first

    def _close_before(self, instrument: int, base: int, at: int) -> int | None:
        """Return the last price before a time, from longer candles the further back it is."""
        for length, view in VIEWS.items():
            if length < base:
                continue
            far_s = _LOOKED_BACK_S.get(length)
            start = None if far_s is None else at - far_s * NS_PER_S
            where = " AND ".join([f"instrument = {instrument}", *_within(start, at - length * NS_PER_S + 1)])
            rows = self._run(f"SELECT close FROM {view} WHERE {where} ORDER BY ts DESC LIMIT 1")  # noqa: S608 - as above
            if rows:
                return int(rows[0][0])
        return None

    def _run(self, statement: str) -> Rows:
        try:
            return self._link.run(statement)
        except QuestDBRefusedError as error:
            if error.is_of_a_missing_table:
                return []
            raise
        except QuestDBUnavailableError as error:
            raise ApplicationError(
                "history_unavailable",
                "The store of trades and candles cannot be read.",
                extra={"store": STORE, "known_sequence": self._seen.sequence},
            ) from error


def _within(start: int | None, end: int | None) -> list[str]:
    """Bound times, ns since epoch: from `start` on, before `end`; of one that is no time of QuestDB's, the last is."""
    bounds = [] if start is None else [f"ts >= '{time_literal(start)}'"]
    return bounds if end is None else [*bounds, f"ts < '{time_literal(end)}'"]


def _capped(total: int) -> int:
    """Return a sum; one that outgrew 63 bits has become negative."""
    return total if total >= 0 else SUM_MAX
