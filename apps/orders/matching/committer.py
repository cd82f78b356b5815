"""The thread that makes batches durable, in order, and then answers.

Invariants:
    An answer leaves only after its batch is committed.
    After the first batch whose outcome is not known nothing more is committed: the batches behind it were made from a
    state that may not be true.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import perf_counter

from apps.orders.matching.engine import row_of
from apps.orders.matching.errors import (
    EngineFaultError,
    JournalConflictError,
    JournalDamagedError,
    JournalUnavailableError,
    MatchingError,
    ShardLostError,
    TradingHaltedError,
)
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.lease import Lease
from apps.orders.matching.measures import WriterMeasures
from apps.orders.matching.told import Told
from apps.orders.matching.work import (
    OUTCOME_UNKNOWN,
    VENUE_HALTED,
    VENUE_UNAVAILABLE,
    Deliver,
    Publish,
    Work,
    replies_failed,
    replies_of,
)

logger = logging.getLogger(__name__)

IN_FLIGHT_MAX = 2
_RETRY_S = 0.05


@dataclass(frozen=True, slots=True)
class CommitterOptions:
    """`patience_s`: how long one batch is tried; `renew_s`: how often the lease is prolonged and the halt read."""

    patience_s: float
    renew_s: float


class Committer(threading.Thread):
    """Commits the batches of one epoch, one at a time; ended by its first fault, or by `finish`.

    A batch with none before it and none behind is committed in the matcher's own thread (`put` with `alone`): waking
    this one, and taking the interpreter once more, is spared.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        lease: Lease,
        options: CommitterOptions,
        deliver: Deliver,
        publish: Publish,
        on_fault: Callable[[], None],
        measures: WriterMeasures,
        told: Told,
    ) -> None:
        """Wire it; `on_fault` is called once, from the thread that met the fault."""
        super().__init__(name=f"journal-{journal.shard}", daemon=True)
        self.fault: MatchingError | None = None
        self.slots = threading.Semaphore(IN_FLIGHT_MAX)
        self._journal = journal
        self._lease = lease
        self._options = options
        self._deliver = deliver
        self._publish = publish
        self._on_fault = on_fault
        self._measures = measures
        self._told = told
        self._works: SimpleQueue[Work | None] = SimpleQueue()
        # Counted by the matcher and by this thread, each its own: where they are equal nothing is in flight.
        self._given = self._done = 0
        # Two connections that write at once would have one of them wait by SQLite's clock, in milliseconds.
        self._turn = threading.Lock()
        self._renew_at = time.monotonic() + options.renew_s

    def put(self, work: Work, *, alone: bool = False) -> None:
        """Take a piece of work whose slot is held; the slot is given back when it is done. Called by the matcher alone.

        `alone`: nothing waits to be matched, so nobody is kept waiting by a commit in the caller's thread.
        """
        if alone and self._given == self._done:
            with self._turn:
                self._do_surely(work)
            return
        self._given += 1
        self._works.put(work)

    def finish(self) -> None:
        """Do what was put, then end the thread."""
        self._works.put(None)
        self.join()

    def run(self) -> None:
        """Commit until told to finish."""
        try:
            while True:
                try:
                    work = self._works.get(timeout=max(self._renew_at - time.monotonic(), 0))
                except Empty:
                    self._renew()
                    continue
                if work is None:
                    return
                with self._turn:
                    self._do_surely(work)
                self._done += 1
                if time.monotonic() >= self._renew_at:
                    self._renew()
        finally:
            self._journal.close()

    def _do_surely(self, work: Work) -> None:
        """Do a piece of work; whatever fails, the slot is given back and the writer hears of it."""
        try:
            self._do(work)
        except Exception as error:
            logger.exception("the journal's thread of shard %s failed", self._journal.shard)
            if self.fault is None:
                self._fail(EngineFaultError(str(error)))

    def _do(self, work: Work) -> None:
        if self.fault is None and work.batch is not None:
            self._commit(work)
        self.slots.release()
        if self.fault is None:
            if work.batch is not None:
                self._told.note((account for account, _ in work.batch.accounts()), work.batch.number)
            self._deliver(replies_of(work))
            now = perf_counter()
            for item in work.commands:
                if item.own:
                    continue
                self._measures.request_s.observe(now - item.since)
            if work.batch is not None:
                self._publish(work.batch)
        else:
            self._deliver(replies_failed(work, _code(self.fault)))

    def _commit(self, work: Work) -> None:
        assert work.batch is not None  # noqa: S101 - the caller looked
        began = perf_counter()
        try:
            append_surely(
                self._journal, row_of(work.batch, epoch=self._lease.epoch), patience_s=self._options.patience_s
            )
        except MatchingError as error:
            self._fail(error)
        except Exception as error:
            logger.exception("the journal's thread of shard %s failed", self._journal.shard)
            self._fail(JournalUnavailableError(str(error)))
        else:
            self._measures.commit_s.observe(perf_counter() - began)

    def _renew(self) -> None:
        """Prolong the lease and look whether trading was halted; a database that does not answer is asked again."""
        self._renew_at = time.monotonic() + self._options.renew_s
        try:
            with self._turn:
                if self.fault is not None:
                    return
                if not self._lease.renew():
                    self._fail(lost(self._journal.shard, f"its lease is held by {self._lease.held_by()}"))
                elif (detail := self._lease.halt()) is not None:
                    self._fail(TradingHaltedError(detail))
        except JournalDamagedError as error:
            self._fail(error)
        except JournalUnavailableError as error:
            logger.warning("the lease of shard %s could not be renewed: %s", self._journal.shard, error)

    def _fail(self, error: MatchingError) -> None:
        self.fault = error
        self._on_fault()


def _code(fault: MatchingError) -> str:
    """Name what work is answered with after a fault."""
    if isinstance(fault, JournalUnavailableError | JournalDamagedError):
        # Only a journal that did not answer, or that can be read no more, leaves it open whether a batch landed.
        return OUTCOME_UNKNOWN
    return VENUE_HALTED if isinstance(fault, TradingHaltedError) else VENUE_UNAVAILABLE


def append_surely(journal: Journal, row: JournalRow, *, patience_s: float) -> None:
    """Append a row, trying again while the outcome is unknown; a row of ours that landed unseen counts as appended.

    Raises:
        JournalUnavailableError: the outcome is still unknown.
        DatabaseDamagedError: it is unknown, and trying again is of no use.
        ShardLostError: a writer of a later epoch has the number.
        JournalConflictError: a writer of an earlier epoch has the number.

    """
    give_up_at = time.monotonic() + patience_s
    while True:
        try:
            try:
                journal.append(row)
            except JournalConflictError as conflict:
                _look_at_conflict(journal, row, conflict)
        except JournalUnavailableError as error:
            if time.monotonic() >= give_up_at:
                raise
            logger.warning("batch %s of shard %s is retried: %s", row.number, journal.shard, error)
            time.sleep(_RETRY_S)
        else:
            return


def _look_at_conflict(journal: Journal, row: JournalRow, conflict: JournalConflictError) -> None:
    """Find out whose row is there: ours, with the reply lost, or another writer's."""
    found = journal.get(row.number)
    if found is None:
        message = f"the journal refuses batch {row.number}, which it does not have"
        raise JournalUnavailableError(message) from conflict
    if found.chain == row.chain:
        return
    if found.epoch > row.epoch:
        detail = f"batch {row.number} is of epoch {found.epoch}, this writer's is {row.epoch}"
        raise lost(journal.shard, detail) from conflict
    raise conflict


def lost(shard: int, detail: str) -> ShardLostError:
    """Say that another writer has the shard, in one clear line."""
    return ShardLostError(f"shard {shard} is lost to another writer: {detail}; this one ends")
