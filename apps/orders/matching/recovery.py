"""From what is on disk to a running engine: the last good snapshot, then the journal behind it, executed again.

Every batch behind the snapshot must give the events and the chain hash the journal has; a batch that does not, or a
missing one, ends the start with its number. A snapshot is taken only if the journal agrees with its chain hash, and
nothing goes on behind tables the journal does not agree with.
"""

import logging
import time
from collections.abc import Callable

from apps.orders.matching.engine import Batch, Engine, engine_new, reexecute, reexecuted
from apps.orders.matching.errors import JournalBehindTablesError, JournalDamagedError
from apps.orders.matching.journal import Journal, read_ahead
from apps.orders.matching.snapshots import snapshots_restored
from apps.orders.models import Projection

logger = logging.getLogger(__name__)

_QUIET_S = 1.0

TOLD_LATE_MAX = 1_000
"""So many batches at most are told after a rebuild; who misses one before them sees the gap and begins anew."""


class Progress:
    """Says how far a long replay is, once a second from the first second on."""

    def __init__(self, *, shard: int, first: int, last: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin at batch `first` of `last`; `clock`: seconds, never going back."""
        self._clock = clock
        self._shard, self._first, self._last = shard, first, last
        self._began = self._said = clock()

    def at(self, number: int) -> None:
        """Report that a batch is done."""
        now = self._clock()
        if now - self._said < _QUIET_S:
            return
        self._said = now
        done, all_of_it = number - self._first + 1, max(self._last - self._first + 1, 1)
        left_s = (now - self._began) / done * (all_of_it - done)
        logger.info(
            "shard %s: replaying the journal, batch %s of %s (%d %%), about %.0f s left",
            self._shard,
            f"{number:,}",
            f"{self._last:,}",
            100 * done // all_of_it,
            max(left_s, 0),
        )


def recover(
    journal: Journal,
    *,
    tick: Callable[[], None] = lambda: None,
    told: int | None = None,
    tell: Callable[[Batch], None] = lambda _batch: None,
) -> Engine:
    """Rebuild the engine behind the journal's last batch; `tick` is called now and then and may raise to give up.

    The batches behind `told`, the last ones at most, are given to `tell`: they were committed, but nobody was told.

    Raises:
        JournalDamagedError: the journal cannot be true.
        JournalUnavailableError: it cannot be read.

    """
    engine = engine_at_snapshot(journal)
    head = journal.head()
    if head is None or head.number == engine.number:
        return engine
    untold = head.number + 1 if told is None else max(told + 1, head.number + 1 - TOLD_LATE_MAX)
    progress = Progress(shard=journal.shard, first=engine.number + 1, last=head.number)
    for chunk in read_ahead(journal, engine.number):
        quiet = [row for row in chunk if row.number < untold]
        reexecute(engine, quiet, shard=journal.shard)
        for row in chunk[len(quiet) :]:
            tell(reexecuted(engine, row, shard=journal.shard))
        progress.at(chunk[-1].number)
        tick()
    return engine


def engine_at_snapshot(journal: Journal) -> Engine:
    """Restore the newest good snapshot, or begin empty where there is none.

    Raises:
        JournalDamagedError: the journal does not reach a snapshot's batch, or has another one there.

    """
    for engine in snapshots_restored(shard=journal.shard):
        row = journal.get(engine.number)
        if row is None:
            detail = "the batch is missing, but there is a snapshot made behind it: the journal has lost its end"
            raise JournalDamagedError(journal.shard, engine.number, detail)
        if row.chain != engine.chain:
            detail = "its chain hash is not that of the snapshot made behind it"
            raise JournalDamagedError(journal.shard, engine.number, detail)
        return engine
    return engine_new(journal.shard)


def tables_place(journal: Journal) -> int:
    """Return the batch the tables are at, 0 before the first; the journal must have it as it was projected.

    Tables that lost their end are filled again from the journal. A journal that lost its end would give its next
    batches numbers the tables have already, and the projector would pass them over.

    Raises:
        JournalBehindTablesError: it does not have that batch, or has another one there.
        JournalUnavailableError, DatabaseError: one of the two cannot be read.

    """
    # First the tables: read the other way round, they could have gone on meanwhile.
    found = Projection.objects.filter(shard=journal.shard).values_list("last_number", "chain").first()
    number, chain = found or (0, b"")
    if number == 0:
        return 0
    row = journal.get(number)
    if row is None:
        detail = "the batch is missing, but the tables were made from a journal that had it"
        raise JournalBehindTablesError(journal.shard, number, detail)
    if row.chain != bytes(chain):
        detail = "its chain hash is not that of the batch the tables were made from"
        raise JournalBehindTablesError(journal.shard, number, detail)
    return number
