"""The audit: everything a shard has recorded, held against the invariants, from the first batch on.

It reads the journal once, in order. Each batch is executed again by an engine of its own (same events, same chain
hash), its events are followed by `EventChecker`, and the tables as far as they are projected are compared by
`TableChecker`. It changes nothing, and runs beside a trading venue: the tables are read as they are at one moment.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import msgspec
from django.db import connections, router

from apps.accounts.audit.records import RecordsDamagedError, records_verify
from apps.orders.auditing.audit_candles import CandleChecker
from apps.orders.auditing.audit_events import EventChecker, OpenOrder
from apps.orders.auditing.audit_report import AuditReport, Invariant, ViolationError
from apps.orders.auditing.audit_tables import TableChecker
from apps.orders.events import section_decode
from apps.orders.ids import order_sequence
from apps.orders.matching import engine as rust
from apps.orders.matching.errors import JournalDamagedError
from apps.orders.matching.journal import Journal, JournalRow, read_ahead
from apps.orders.matching.revisions import revisions_of
from apps.orders.matching.tables import WRITES, Rows
from apps.orders.models import Projection, Snapshot
from cift.wire.base import FrameDamagedError
from cift.wire.queries import BookQuery, OpenOrdersQuery, OrderFound

_FILLS = list(WRITES).index("fills")

_decode_pack = msgspec.msgpack.Decoder(list[list[Any]]).decode

Progress = Callable[[int, int], None]
"""Told the batch an audit is at, and the last there is."""


def audit(shard: int, *, progress: Progress = lambda _at, _last: None) -> AuditReport:
    """Audit a shard; the report has the first violation, if there is one.

    Raises:
        JournalUnavailableError: the journal cannot be read.

    """
    began = time.monotonic()
    report = AuditReport(shard=shard)
    with _one_moment(router.db_for_read(Projection)):
        run = _Audit(shard, report, progress)
        try:
            run.run()
            _check_records(report)
        except ViolationError as violation:
            report.violation = violation
        run.summarize()
    report.seconds = time.monotonic() - began
    return report


def _check_records(report: AuditReport) -> None:
    """Verify what the back office wrote down."""
    try:
        report.audit_records, last = records_verify()
    except RecordsDamagedError as error:
        raise ViolationError(Invariant.AUDIT_RECORDS_CHAINED, 0, error.detail) from error
    report.audit_records_hash = last.hex()


class _Audit:
    """One run through a shard's journal."""

    def __init__(self, shard: int, report: AuditReport, progress: Progress) -> None:
        self._shard = shard
        self._report = report
        self._progress = progress
        self._engine = rust.engine_new(shard)
        self._packer = rust.Projector()
        self._events = EventChecker()
        self._tables = TableChecker(shard)
        self._candles = CandleChecker(shard)
        self._projection = Projection.objects.filter(shard=shard).first()
        self._projected = self._projection.last_number if self._projection else 0
        self._snapshots = {each.number: each for each in Snapshot.objects.filter(shard=shard).defer("data")}

    def run(self) -> None:
        """Go through the journal.

        Raises:
            ViolationError: an invariant does not hold.

        """
        journal = Journal(self._shard)
        head = journal.head()
        if self._projected == 0:
            self._finish_tables()
        for chunk in read_ahead(journal, 0):
            for rows in _split(chunk, self._projected):
                for row in rows:
                    self._batch(row)
                if rows[-1].number <= self._projected:
                    self._compare_tables(rows)
                self._progress(rows[-1].number, head.number if head else 0)
        self._end()

    def summarize(self) -> None:
        """Write down how far the run came."""
        self._report.batches = self._engine.number
        self._report.events = self._report.sequence = self._events.sequence
        self._report.projected = self._projected
        self._report.open_orders = len(self._events.open)

    def _batch(self, row: JournalRow) -> None:
        expected = self._engine.number + 1
        if row.number != expected or row.first_sequence != self._events.sequence + 1:
            detail = (
                f"the journal goes on with batch {row.number} at sequence {row.first_sequence}, not batch {expected}"
            )
            raise ViolationError(Invariant.SEQUENCES_WITHOUT_GAP, self._events.sequence + 1, detail)
        if row.epoch < self._events.epoch:
            detail = f"batch {row.number} is of epoch {row.epoch}, after epoch {self._events.epoch}"
            raise ViolationError(Invariant.EPOCHS_RISE, row.first_sequence, detail)
        try:
            rust.reexecute(self._engine, [row], shard=self._shard)
            for section in rust.sections(row.events):
                for event in section_decode(section):
                    self._events.take(event)
        except (JournalDamagedError, FrameDamagedError, msgspec.MsgspecError, rust.EngineError) as error:
            raise ViolationError(Invariant.JOURNAL_AND_TABLES_TRUE, row.first_sequence, str(error)) from error
        self._check_books(row)
        self._check_snapshot(row)

    def _check_books(self, row: JournalRow) -> None:
        for instrument in sorted(self._events.touched):
            book = rust.ask(self._engine, BookQuery(instrument, depth=1))
            if book and book.bids and book.asks and (bid := book.bids[0][0]) >= (ask := book.asks[0][0]):
                detail = f"instrument {instrument} has bid {bid} and ask {ask} behind batch {row.number}"
                raise ViolationError(Invariant.BOOK_NOT_CROSSED, row.last_sequence, detail)
        self._events.touched.clear()

    def _check_snapshot(self, row: JournalRow) -> None:
        snapshot = self._snapshots.get(row.number)
        if snapshot is None:
            return
        found = (bytes(snapshot.chain), bytes(snapshot.state_hash))
        if found != (row.chain, self._engine.state_hash()):
            detail = f"the snapshot behind batch {row.number} is of another state"
            raise ViolationError(Invariant.JOURNAL_AND_TABLES_TRUE, row.last_sequence, detail)
        self._report.snapshots += 1

    def _compare_tables(self, rows: list[JournalRow]) -> None:
        lists = _decode_pack(self._packer.pack([(row.number, row.at, row.events) for row in rows]))
        last = rows[-1]
        self._tables.take(lists, first=rows[0].first_sequence, last=last.last_sequence)
        self._candles.take(lists[_FILLS], at=last.at)
        expected: Rows = [revision for row in rows for revision in revisions_of(row.events)]
        self._tables.take_revisions(expected, first=rows[0].first_sequence, last=last.last_sequence)
        if last.number == self._projected:
            self._check_projection(last)
            self._finish_tables()

    def _finish_tables(self) -> None:
        self._tables.finish()
        self._candles.finish()

    def _check_projection(self, row: JournalRow) -> None:
        projection = self._projection
        if projection is not None and (projection.last_sequence, bytes(projection.chain)) != (
            row.last_sequence,
            row.chain,
        ):
            detail = f"the projection says it is at batch {row.number}, with another sequence or chain hash"
            raise ViolationError(Invariant.JOURNAL_AND_TABLES_TRUE, row.last_sequence, detail)

    def _end(self) -> None:
        """Compare the engine's open orders with those the events leave; look for what the journal does not reach."""
        if self._engine.number < self._projected:
            detail = f"the tables are at batch {self._projected}, the journal ends at {self._engine.number}"
            raise ViolationError(Invariant.SEQUENCES_WITHOUT_GAP, self._events.sequence + 1, detail)
        for number in self._snapshots:
            if number > self._engine.number:
                detail = f"there is a snapshot behind batch {number}, the journal ends at {self._engine.number}"
                raise ViolationError(Invariant.SEQUENCES_WITHOUT_GAP, self._events.sequence + 1, detail)
        left = dict(self._events.open)
        for instrument in self._events.instruments():
            for found in rust.ask(self._engine, OpenOrdersQuery(instrument)):
                _check_open_order(found, left.pop(found.order_id, None))
        if left:
            order_id = min(left)
            detail = f"order {order_id} is open by its events, and not in the engine's book"
            raise ViolationError(Invariant.QUANTITY_ACCOUNTED, order_sequence(order_id), detail)


def _check_open_order(found: OrderFound, order: OpenOrder | None) -> None:
    """Hold an order of the engine's book against the one its events leave."""
    sequence = order_sequence(found.order_id)
    if order is None:
        detail = f"order {found.order_id} is in the engine's book, and not open by its events"
        raise ViolationError(Invariant.QUANTITY_ACCOUNTED, sequence, detail)
    if (found.account, found.instrument, found.side, found.price, found.leaves) != (
        order.account,
        order.instrument,
        order.side,
        order.price,
        order.leaves,
    ):
        detail = f"order {found.order_id} in the engine's book is not as its events leave it"
        raise ViolationError(Invariant.QUANTITY_ACCOUNTED, sequence, detail)
    if found.hold != order.hold:
        detail = f"order {found.order_id} holds {found.hold}, it needs {order.hold}"
        raise ViolationError(Invariant.HELD_IS_WHAT_ORDERS_NEED, sequence, detail)


def _split(chunk: list[JournalRow], at: int) -> Iterator[list[JournalRow]]:
    """Cut a chunk behind a batch, so that the tables can be compared as they are behind it."""
    rows = iter(chunk)
    before = list(islice(rows, sum(row.number <= at for row in chunk)))
    if before:
        yield before
    if after := list(rows):
        yield after


@contextmanager
def _one_moment(alias: str) -> Generator[None]:
    """Read a database as it is at one moment, without holding up who writes to it."""
    connection = connections[alias]
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if connection.vendor == "postgresql" else "BEGIN DEFERRED"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
