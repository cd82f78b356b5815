"""The stored candles held against the journal's trades, row by row, in bounded memory.

A candle is compared once nothing more can come to it: when a later batch than its end was taken, or at the end.
"""

from collections.abc import Iterable, Mapping

from apps.marketdata.candles.folding import Candle, CandleFolder, CandleKey
from apps.marketdata.candles.intervals import BASES_S, NS_PER_S
from apps.marketdata.models import StoredCandle
from apps.orders.auditing.audit_report import Invariant, ViolationError
from apps.orders.matching.candles import WRITE, candles_rows, history_of, trades_of
from apps.orders.matching.tables import Row, Rows

_NEVER = 2**63 - 1
_KEYS = len(WRITE.key)
_START = WRITE.columns.index("start_at")
_LAST_SEQUENCE = WRITE.columns.index("last_sequence")


class CandleChecker:
    """Folds trades as the projector does, and compares."""

    def __init__(self, shard: int) -> None:
        """Begin before the first batch. Tables from before there were candles have none until they are projected on."""
        self._begins = history_of(shard) or dict.fromkeys(BASES_S, _NEVER)
        self._folder = CandleFolder(lambda _: ())
        self._waiting: dict[CandleKey, Candle] = {}
        self._count = 0

    def take(self, fills: Rows, *, at: int) -> None:
        """Take a pack's fills, and compare what ended by the time `at` (ns since epoch, UTC) of its last batch.

        Raises:
            ViolationError: the table says something else.

        """
        self._waiting.update(self._folder.take(trades_of(fills)))
        ended = {key: candle for key, candle in self._waiting.items() if key[2] + key[1] * NS_PER_S <= at}
        for key in ended:
            del self._waiting[key]
        self._compare(ended)

    def finish(self) -> None:
        """Compare what has not ended, and count.

        Raises:
            ViolationError: the table says something else.

        """
        self._compare(self._waiting)
        self._waiting = {}
        here = sum(
            StoredCandle.objects.filter(interval_s=base, start_at__gte=begins).count()
            for base, begins in self._begins.items()
        )
        if here != self._count:
            detail = f"there are {here} candles, the journal makes {self._count}"
            raise ViolationError(Invariant.TICKS_AND_SUMS_TRUE, 0, detail)

    def _compare(self, ended: Mapping[CandleKey, Candle]) -> None:
        for base in BASES_S:
            rows = candles_rows({key: each for key, each in ended.items() if key[1] == base}, self._begins)
            if not rows:
                continue
            self._count += len(rows)
            starts = [row[_START] for row in rows]
            found = StoredCandle.objects.filter(
                instrument_id__in={row[0] for row in rows},
                interval_s=base,
                start_at__range=(min(starts), max(starts)),
            )
            _compare_rows(rows, found.values_list(*WRITE.columns))


def _compare_rows(expected: Iterable[Row], found: Iterable[Row]) -> None:
    wanted = {tuple(row[:_KEYS]): tuple(row) for row in expected}
    there = {tuple(row[:_KEYS]): tuple(row) for row in found}
    for key in sorted({*wanted, *there}):
        one, other = wanted.get(key), there.get(key)
        if one == other:
            continue
        name = f"the candle of instrument {key[0]}, {key[1]} s, begun at {key[2]}"
        if one is None or other is None:
            detail = f"{name} is in {'the table' if one is None else 'the journal'} alone"
        else:
            at = next(place for place, value in enumerate(one) if value != other[place])
            detail = f"{name} has the {WRITE.columns[at]} {other[at]}, by the journal {one[at]}"
        sequence = (one or other or ())[_LAST_SEQUENCE]
        raise ViolationError(Invariant.TICKS_AND_SUMS_TRUE, sequence, detail)
