"""A stretch of the journal verified: no gap, every chain hash, and the same events when it is executed again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apps.orders.matching.engine import ENGINE_VERSION, Engine, chain_of, engine_new, reexecute
from apps.orders.matching.errors import DatabaseDamagedError, JournalDamagedError, MatchingError
from apps.orders.matching.journal import Journal, JournalRow, read_ahead
from apps.orders.matching.snapshots import snapshots_restored

_NO_CHAIN = bytes(32)


class RangeError(MatchingError):
    """The journal does not have the batches asked for; the text is the line the operator reads."""


@dataclass(slots=True)
class CheckReport:
    """What was verified: batches `first` to `last`, of them `executed` again; `bad` names the first that is wrong."""

    first: int
    last: int
    batches: int = 0
    executed: int = 0
    sequence: int = 0
    chain: str = ""
    seconds: float = 0.0
    bad: int | None = None
    detail: str = ""


def range_of(journal: Journal, *, first: int | None, last: int | None) -> tuple[int, int]:
    """Make a range of what was asked for.

    Raises:
        RangeError: there is no such range.

    """
    head = journal.head()
    if head is None:
        raise RangeError(f"the journal of shard {journal.shard} is empty")
    begin, end = 1 if first is None else first, head.number if last is None else last
    if begin < 1 or end < begin:
        raise RangeError(f"batches {begin} to {end} are no range: the first batch is 1, and the last not before it")
    if end > head.number:
        raise RangeError(f"the journal of shard {journal.shard} ends at batch {head.number}, before {end}")
    return begin, end


def rows_of(journal: Journal, *, first: int, last: int) -> Iterator[JournalRow]:
    """Read a range of batches in order; those that are missing are left out."""
    for rows in read_ahead(journal, first - 1):
        for row in rows:
            if row.number > last:
                return
            yield row


def check(
    shard: int,
    *,
    first: int | None = None,
    last: int | None = None,
    execute: bool = True,
    progress: Callable[[int, int], None] = lambda _at, _last: None,
) -> CheckReport:
    """Verify batches `first` to `last`; executing needs the state before, so it begins at the last snapshot before.

    Raises:
        RangeError: there are no such batches.
        JournalUnavailableError, DatabaseDamagedError: the journal cannot be read.

    """
    began = time.monotonic()
    journal = Journal(shard)
    begin, end = range_of(journal, first=first, last=last)
    engine = _engine_before(journal, begin) if execute else None
    start = engine.number + 1 if engine is not None else begin
    report = CheckReport(first=start, last=end)
    try:
        _check_rows(journal, report, engine, progress)
    except DatabaseDamagedError:
        # What cannot be read is neither true nor untrue.
        raise
    except JournalDamagedError as error:
        report.bad, report.detail = error.number, error.detail
    report.seconds = time.monotonic() - began
    return report


def _engine_before(journal: Journal, first: int) -> Engine:
    """Restore the last good snapshot before a batch, or begin empty."""
    for engine in snapshots_restored(shard=journal.shard):
        row = journal.get(engine.number)
        if engine.number < first and row is not None and row.chain == engine.chain:
            return engine
    return engine_new(journal.shard)


def _check_rows(
    journal: Journal, report: CheckReport, engine: Engine | None, progress: Callable[[int, int], None]
) -> None:
    before = journal.get(report.first - 1) if report.first > 1 else None
    if before is None and report.first > 1:
        raise JournalDamagedError(journal.shard, report.first - 1, "the batch is missing")
    expected = report.first
    for row in rows_of(journal, first=report.first, last=report.last):
        if row.number != expected:
            raise JournalDamagedError(journal.shard, expected, "the batch is missing")
        _check_link(journal.shard, before, row)
        if engine is not None and row.engine_version == ENGINE_VERSION:
            reexecute(engine, [row], shard=journal.shard)
            report.executed += 1
        else:
            # Of another version nothing can be executed, nor what comes behind it.
            engine = None
        before, expected = row, expected + 1
        report.batches, report.sequence, report.chain = report.batches + 1, row.last_sequence, row.chain.hex()
        progress(row.number, report.last)
    if expected <= report.last:
        raise JournalDamagedError(journal.shard, expected, "the batch is missing")


def _check_link(shard: int, before: JournalRow | None, row: JournalRow) -> None:
    """Hold a row against the one before it."""
    if row.first_sequence != (before.last_sequence if before else 0) + 1:
        raise JournalDamagedError(shard, row.number, "its sequences do not follow those of the batch before")
    if before is not None and (row.at < before.at or row.epoch < before.epoch):
        raise JournalDamagedError(shard, row.number, "its time or its epoch is before that of the batch before")
    if chain_of(before.chain if before else _NO_CHAIN, row) != row.chain:
        raise JournalDamagedError(
            shard, row.number, "its chain hash does not follow from the batch before and its bytes"
        )
