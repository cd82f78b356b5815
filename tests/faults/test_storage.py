"""A full disk, a locked or read-only database, a cut line: no false answer, seen, and over by itself."""

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from apps.orders.auditing.audit import audit
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.work import WriterState
from tests.support.databases import databases_swapped, sqlite_fresh
from tests.support.shard import DrivenWriter, Flow, Journals, opening

UNKNOWN = msgspec.msgpack.encode([["outcome_unknown"]])
REFUSED = msgspec.msgpack.encode([["venue_unavailable"]])


class Storage:
    """Changes how the journal's SQLite connections behave, for those open now and those to come."""

    def __init__(self) -> None:
        options: dict[str, Any] = connections["journal"].settings_dict["OPTIONS"]
        self._options = options
        self._healthy: str = options["init_command"]

    def ail(self, pragma: str) -> None:
        self._options["init_command"] = self._healthy + pragma

    def heal(self) -> None:
        self._options["init_command"] = self._healthy


def pages(folder: Path) -> int:
    with sqlite3.connect(folder / "journal.sqlite3") as connection:
        count: int = connection.execute("PRAGMA page_count").fetchone()[0]
    return count


@pytest.fixture
def storage(sqlite: Path) -> Storage:
    return Storage()


def reopen(journals: Journals) -> None:
    """Have the writer's threads open their connections anew at the next batch, as after any fault."""
    seen: set[int] = set()

    def fresh(journal: Journal, row: JournalRow) -> None:
        if id(journal) not in seen:
            seen.add(id(journal))
            journal.close()
        Journal.append(journal, row)

    journals.append = fresh


def ill_then_well(shard: DrivenWriter, storage: Storage, fault: str) -> None:
    """Send orders into the fault until one is not answered, look at the state, heal, and go on."""
    flow = Flow()
    orders = [flow.submit() for _ in range(400)]
    acknowledged, answer = [], b""
    for order in orders:
        sent = shard.send(order).result(timeout=20)
        assert sent is not None
        answer = sent
        if answer in (UNKNOWN, REFUSED):
            break
        acknowledged.append(order)
    assert answer == UNKNOWN
    shard.wait(WriterState.RECOVERING)
    assert shard.do(flow.submit()) == ["venue_unavailable"], "refused at once while it lasts"
    end = time.monotonic() + 5
    while fault not in shard.writer.status().detail:
        assert time.monotonic() < end, shard.writer.status()
        time.sleep(0.01)
    storage.heal()
    shard.wait(WriterState.READY)
    for order in acknowledged:
        (events,) = shard.do(order)
        assert type(events[0]).__name__ == "CommandDuplicate", "what was acknowledged is there"
    (events,) = shard.do(orders[len(acknowledged)])
    assert type(events[0]).__name__ != "CommandDuplicate", "what never landed is not"
    shard.stop()
    assert audit(0).violation is None


def test_a_full_disk(sqlite: Path, storage: Storage) -> None:
    journals = Journals()
    shard = DrivenWriter(journal=journals, patience_s=0.2, retry_s=0.05).start()
    shard.do(*opening())
    reopen(journals)
    storage.ail(f"PRAGMA max_page_count={pages(sqlite) + 20};")
    ill_then_well(shard, storage, "full")


def test_a_disk_that_is_really_full(
    small_disk: Path | None, sqlite_template: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    if small_disk is None:
        return
    filler = small_disk / "filler"
    with django_db_blocker.unblock(), databases_swapped(sqlite_fresh(sqlite_template, small_disk)):
        storage = Storage()
        shard = DrivenWriter(patience_s=0.2, retry_s=0.05).start()
        shard.do(*opening())
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        storage.heal = filler.unlink  # type: ignore[method-assign]
        ill_then_well(shard, storage, "full")


def test_a_read_only_database(sqlite: Path, storage: Storage) -> None:
    journals = Journals()
    shard = DrivenWriter(journal=journals, patience_s=0.2, retry_s=0.05).start()
    shard.do(*opening())
    reopen(journals)
    storage.ail("PRAGMA query_only=ON;")
    ill_then_well(shard, storage, "readonly")


def test_a_database_locked_for_long(sqlite: Path, storage: Storage) -> None:
    shard = DrivenWriter(patience_s=0.2, retry_s=0.05).start()
    shard.do(*opening())
    other = sqlite3.connect(sqlite / "journal.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    storage.heal = other.rollback  # type: ignore[method-assign]
    ill_then_well(shard, storage, "locked")
    other.close()


def test_a_database_locked_for_a_moment_only_takes_longer(sqlite: Path) -> None:
    shard = DrivenWriter().start()
    shard.do(*opening())
    other = sqlite3.connect(sqlite / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = shard.send(Flow().submit())
    time.sleep(0.3)
    assert not answer.done()
    other.rollback()
    other.close()
    assert answer.result(timeout=5) not in (UNKNOWN, REFUSED)
    assert shard.writer.status().epoch == 1
    shard.stop()


def test_a_start_without_a_database_that_answers_waits_for_it(sqlite: Path, storage: Storage) -> None:
    storage.ail("PRAGMA query_only=ON;")
    shard = DrivenWriter(patience_s=0.1, retry_s=0.05)
    shard.begin()
    shard.wait(WriterState.RECOVERING)
    storage.heal()
    shard.wait(WriterState.READY)
    shard.stop()


def test_a_server_that_cuts_every_connection(postgresql: None) -> None:
    flow = Flow()
    shard = DrivenWriter(retry_s=0.05).start()
    shard.do(*opening())
    for _ in range(3):
        with connections["journal"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        (events,) = shard.do(flow.submit())
        assert not isinstance(events, str), "tried again on a new connection, well within the client's patience"
    shard.stop()
    assert audit(0).violation is None


def test_a_server_that_went_away_for_longer_than_a_commit_may_take(
    postgresql: None, postgresql_server: dict[str, str], postgresql_migrated: dict[str, str]
) -> None:
    """All databases at once, as a server that ends takes them: recovery reads the tables too."""
    flow = Flow()
    shard = DrivenWriter(patience_s=0.1, retry_s=0.05).start()
    shard.do(*opening())
    names = list(postgresql_migrated.values())
    with psycopg.connect(host=postgresql_server["host"], user="postgres", dbname="postgres", autocommit=True) as server:

        def allow(yes: str) -> None:
            for name in names:
                server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {yes}'.encode())

        for _ in range(2):
            allow("false")
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)", [names])
            answer = shard.send(flow.submit())
            shard.wait(WriterState.RECOVERING)
            assert answer.result(timeout=20) in (UNKNOWN, REFUSED)
            allow("true")
            shard.wait(WriterState.READY)
            (events,) = shard.do(flow.submit())
            assert not isinstance(events, str)
    shard.stop()
    connections.close_all()
    assert audit(0).violation is None
