"""Damaged pages in the databases' files: one clear line and an end, instead of trying again for ever."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.orders.auditing.audit import audit
from apps.orders.matching.connection import JournalConnection, Rows, driver_execute
from apps.orders.matching.errors import DatabaseDamagedError, JournalDamagedError
from apps.orders.matching.followers import Follower
from apps.orders.matching.halt import halt_of
from apps.orders.matching.journal import Journal
from apps.orders.matching.lease import Lease
from apps.orders.matching.verifier import ShardVerifier
from apps.orders.matching.work import WriterState
from apps.orders.models import Snapshot
from tests.support.shard import DrivenWriter, Flow, journal_fill, opening
from tests.support.waiting import running, until

LINE = "the journal's database is damaged: database disk image is malformed"
UNKNOWN = msgspec.msgpack.encode([["outcome_unknown"]])


def spoil(file: Path, *tables: str) -> None:
    """Overwrite the first pages of tables and of their indexes."""
    connections.close_all()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        roots = connection.execute("SELECT tbl_name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
    assert set(tables) <= {table for table, _ in roots}
    with file.open("r+b") as pages:
        for table, page in roots:
            if table in tables:
                pages.seek((page - 1) * size)
                pages.write(b"\xa5" * size)


def journal_spoilt(folder: Path, *tables: str) -> None:
    spoil(folder / "journal.sqlite3", *tables)


def leaves_spoilt(folder: Path) -> None:
    """Overwrite all pages from the middle of the journal on."""
    journal_spoilt(folder)
    file = folder / "journal.sqlite3"
    half = file.stat().st_size // 2 // 4096 * 4096
    with file.open("r+b") as pages:
        pages.seek(half)
        pages.write(b"\xa5" * (file.stat().st_size - half))


def no_database(folder: Path) -> None:
    journal_spoilt(folder)
    (folder / "journal.sqlite3").write_bytes(b"no database at all" * 300)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "the journal": (lambda folder: journal_spoilt(folder, "orders_journalbatch"), LINE),
    "half of its pages": (leaves_spoilt, "damaged"),
    "the lease": (lambda folder: journal_spoilt(folder, "orders_writerlease"), LINE),
    "the halts": (lambda folder: journal_spoilt(folder, "orders_tradinghalt"), LINE),
    "the engine's bounds": (
        lambda folder: journal_spoilt(folder, "orders_enginebounds"),
        "a database of the order service is damaged: database disk image is malformed",
    ),
    "all of it": (no_database, "the journal's database is damaged: file is not a database"),
    "the tables": (
        lambda folder: spoil(folder / "db.sqlite3", "orders_projection"),
        "a database of the order service is damaged: database disk image is malformed",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_start_on_a_damaged_file_ends_with_one_clear_line(sqlite: Path, what: str) -> None:
    make, line = DAMAGE[what]
    DrivenWriter().start().stop()
    journal_fill_behind()
    make(sqlite)
    shard = DrivenWriter(retry_s=0.01)
    shard.begin()
    shard.wait(WriterState.FAILED, timeout_s=10)
    error = shard.ended.result(timeout=5)
    assert isinstance(error, JournalDamagedError)
    assert line in str(error)
    assert shard.writer.status().epoch <= 3, "it was not tried again and again"


def journal_fill_behind() -> None:
    """Make the journal long enough to have leaves."""
    shard = DrivenWriter().start()
    shard.do(*opening())
    flow = Flow()
    for _ in range(60):
        shard.do(*(flow.submit() for _ in range(10)))
    shard.stop()


class Driver:
    """The way to the driver, on which every statement may fail from one moment on."""

    def __init__(self) -> None:
        self.is_damaged = False

    def __call__(self, connection: BaseDatabaseWrapper, statement: str, values: tuple[Any, ...]) -> tuple[Rows, int]:
        if self.is_damaged:
            malformed()
        return driver_execute(connection, statement, values)


class DamagedLease(Lease):
    """A lease whose pages are found damaged when it is renewed."""

    def renew(self) -> bool:
        raise DatabaseDamagedError("the journal's database", "database disk image is malformed")


def malformed() -> None:
    cause = sqlite3.DatabaseError("database disk image is malformed")
    cause.sqlite_errorcode = sqlite3.SQLITE_CORRUPT_INDEX
    raise DatabaseError(str(cause)) from cause


def test_a_page_found_damaged_while_trading_ends_the_writer(sqlite: Path) -> None:
    driver = Driver()

    def journal(shard: int, *, wait_ms_max: int = 0) -> Journal:
        return Journal(shard, connection=JournalConnection(wait_ms_max=wait_ms_max, execute=driver))

    shard = DrivenWriter(journal=journal).start()
    shard.do(*opening())
    driver.is_damaged = True
    assert shard.send(Flow().submit()).result(timeout=10) == UNKNOWN
    shard.wait(WriterState.FAILED, timeout_s=10)
    assert str(shard.ended.result(timeout=5)) == LINE
    assert shard.do(Flow().submit()) == ["venue_unavailable"]


def test_a_lease_found_damaged_while_nobody_trades_ends_the_writer(sqlite: Path) -> None:
    shard = DrivenWriter(lease=DamagedLease, lease_s=0.5).start()
    shard.wait(WriterState.FAILED, timeout_s=10)
    assert str(shard.ended.result(timeout=5)) == LINE


def test_a_projector_that_meets_a_damaged_page_halts_trading(sqlite: Path) -> None:
    journal_fill(200)
    journal_spoilt(sqlite, "orders_journalbatch")
    follower = Follower(0, once=False)
    with running(follower.project, follower):
        until(lambda: halt_of(shard=0) is not None)
    assert halt_of(shard=0) == LINE
    with pytest.raises(CommandError, match=LINE):
        call_command("journal", "verify")


def test_damaged_snapshots_are_done_without(sqlite: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal_fill(200)
    verifier = ShardVerifier(0, every_batches=1, every_s=60)
    while verifier.step():
        pass
    assert Snapshot.objects.exists()
    spoil(sqlite / "snapshots.sqlite3", "orders_snapshot")
    shard = DrivenWriter().start()
    assert "the database of the snapshots is damaged" in caplog.text
    (events,) = shard.do(Flow(3).submit())
    assert not isinstance(events, str)
    shard.stop()


def test_what_postgresql_says_of_damage_is_understood_too(postgresql: None) -> None:
    statement = "DO $$ BEGIN RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = 'XX001'; END $$"
    with pytest.raises(DatabaseDamagedError, match="the journal's database is damaged: invalid page in block 7"):
        JournalConnection().run(statement, ())
    assert Journal(0).head() is None
    assert audit(0).violation is None
