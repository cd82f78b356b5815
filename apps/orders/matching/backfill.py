"""Candles made again from a range of the journal's batches: of tables from before there were any, or that lost some.

Only candles that are whole in the range are written, each as the projector would have. What is written before the
history begins is read by nobody until the history is moved back, at the end, if the range reaches it.
"""

from collections.abc import Callable

import msgspec
from django.db import connections, router, transaction

from apps.marketdata.candles.folding import Candle, CandleFolder, CandleKey
from apps.marketdata.candles.intervals import BASES_S, NS_PER_S, begin_behind
from apps.marketdata.models import CandleHistory, StoredCandle
from apps.orders.matching.candles import WRITE, candle_projector_resumed, candles_rows, history_of, trades_of
from apps.orders.matching.errors import MatchingError
from apps.orders.matching.exclusive import projection_alone
from apps.orders.matching.journal import Journal, read_ahead
from apps.orders.matching.projector import packer_seeded
from apps.orders.matching.tables import WRITES, Rows
from apps.orders.models import Projection

_FILLS = list(WRITES).index("fills")

_decode = msgspec.msgpack.Decoder(list[Rows]).decode


class BackfillRangeError(MatchingError):
    """The tables have no such range of batches."""


def candles_backfill(
    shard: int, *, first: int, last: int | None, progress: Callable[[int, int], None]
) -> tuple[int, int]:
    """Make the candles of the batches from `first` to `last` again, as far as the tables are; return the range.

    `progress` is told how far it is and how far it goes. A part is written in one transaction.

    Raises:
        BackfillRangeError: there is no batch in the range.
        ProjectionBusyError: a projector runs.
        JournalUnavailableError: the journal cannot be read.

    """
    with projection_alone(shard):
        head = Projection.objects.filter(shard=shard).values_list("last_number", flat=True).first() or 0
        last = min(head if last is None else last, head)
        if not 1 <= first <= last:
            message = f"the tables have no batches {first} to {last}: they are at batch {head}"
            raise BackfillRangeError(message)
        _Backfill(shard, first=first, last=last, head=head).run(progress)
    return first, last


class _Backfill:
    """One run."""

    def __init__(self, shard: int, *, first: int, last: int, head: int) -> None:
        self._shard, self._first, self._last, self._head = shard, first, last, head
        self._journal = Journal(shard)
        self._alias = router.db_for_write(StoredCandle)
        before = self._journal.get(first - 1)
        self._begins = {base: 0 if before is None else begin_behind(before.at, interval_s=base) for base in BASES_S}
        self._waiting: dict[CandleKey, Candle] = {}

    def run(self, progress: Callable[[int, int], None]) -> None:
        # Tables that were never projected by a version with candles have no histories.
        candle_projector_resumed(self._shard)
        folder, packer, at = CandleFolder(lambda _: ()), packer_seeded(), 0
        for chunk in read_ahead(self._journal, self._first - 1):
            rows = [row for row in chunk if row.number <= self._last]
            if not rows:
                break
            lists = _decode(packer.pack([(row.number, row.at, row.events) for row in rows]))
            at = rows[-1].at
            self._waiting.update(folder.take(trades_of(lists[_FILLS])))
            self._write(ended_at=at)
            progress(rows[-1].number, self._last)
        if self._last == self._head:
            # What has not ended goes on with the projector.
            self._write(ended_at=None)
        self._history_move(at)

    def _write(self, *, ended_at: int | None) -> None:
        """Write the candles that ended by a time, or all that wait."""
        ended = {
            key: candle
            for key, candle in self._waiting.items()
            if ended_at is None or key[2] + key[1] * NS_PER_S <= ended_at
        }
        for key in ended:
            del self._waiting[key]
        with transaction.atomic(using=self._alias, durable=True), connections[self._alias].cursor() as cursor:
            WRITE.write(cursor, candles_rows(ended, self._begins))

    def _history_move(self, at: int) -> None:
        """Let the histories begin where the range does, if there is nothing missing between."""
        history = history_of(self._shard)
        with transaction.atomic(using=self._alias, durable=True):
            for base, begins in self._begins.items():
                reaches = self._last == self._head or at >= history.get(base, 0)
                if reaches and begins < history.get(base, begins):
                    CandleHistory.objects.filter(shard=self._shard, interval_s=base).update(begins_at=begins)
