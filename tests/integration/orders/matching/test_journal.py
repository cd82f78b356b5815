"""The journal and the lease, on both databases."""

import os
import threading

import pytest
from django.db import connections

from apps.orders.matching.errors import JournalConflictError, JournalUnavailableError
from apps.orders.matching.journal import Journal, JournalRow, read_ahead
from apps.orders.matching.lease import Lease


def row(number: int, *, chain: bytes = bytes(32), size: int = 10) -> JournalRow:
    return JournalRow(
        number=number,
        epoch=1,
        first_sequence=number * 10,
        last_sequence=number * 10 + 9,
        at=1_000 + number,
        engine_version=1,
        commands=os.urandom(size),
        events=os.urandom(size),
        chain=chain,
    )


def test_a_row_is_read_as_it_was_appended(databases: str) -> None:
    journal = Journal(0)
    assert journal.head() is None
    rows = [row(number) for number in range(1, 4)]
    for each in rows:
        journal.append(each)
    assert journal.head() == rows[-1]
    assert journal.get(2) == rows[1]
    assert journal.get(9) is None
    assert journal.first_from(25) == rows[1]
    assert journal.chunk(1, rows=10) == rows[1:]
    assert Journal(1).head() is None


def test_the_second_to_use_a_number_fails(databases: str) -> None:
    journal = Journal(0)
    journal.append(row(1))
    with pytest.raises(JournalConflictError):
        journal.append(row(1))
    with pytest.raises(JournalConflictError):
        journal.append(row(2)._replace(first_sequence=10))
    journal.append(row(2))


def test_reading_ahead_gives_every_row_once_and_in_order(databases: str) -> None:
    journal = Journal(0)
    for number in range(1, 301):
        journal.append(row(number, size=1_000))
    numbers = [each.number for chunk in read_ahead(journal, 100) for each in chunk]
    assert numbers == list(range(101, 301))


def test_a_reader_that_stops_early_leaves_no_thread_behind(databases: str) -> None:
    journal = Journal(0)
    for number in range(1, 201):
        journal.append(row(number))
    before = threading.active_count()
    chunks = read_ahead(journal, 0)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_broken_connection_is_an_unavailable_journal_and_then_opened_again(databases: str) -> None:
    journal = Journal(0, wait_ms_max=100)
    journal.append(row(1))
    connections["journal"].connection.close()
    with pytest.raises(JournalUnavailableError):
        journal.append(row(2))
    journal.append(row(2))


def test_a_free_lease_is_taken_and_epochs_only_rise(databases: str) -> None:
    first, second = Lease(0, lease_s=60), Lease(0, lease_s=60)
    assert first.acquire(above=6) == 7
    assert second.acquire(above=6) is None
    assert second.held_by() == first.holder
    assert first.renew()
    assert first.acquire(above=0) == 8, "its own holder may take it again, in a new epoch"
    first.release()
    assert second.acquire(above=0) == 9
    assert not first.renew()


def test_a_lease_runs_out_by_the_database_clock(databases: str) -> None:
    first, second = Lease(0, lease_s=0.0), Lease(0, lease_s=60)
    assert first.acquire(above=0) == 1
    assert second.acquire(above=0) == 2
    assert not first.renew()


def test_the_lease_of_a_process_that_is_gone_is_free_at_once(databases: str) -> None:
    dead, next_one = Lease(0, lease_s=60), Lease(0, lease_s=60)
    machine, pid, _started, token = dead.holder.split("/")
    dead.holder = f"{machine}/{pid}/1/{token}"
    assert dead.acquire(above=0) == 1
    assert next_one.acquire(above=0) == 2


def test_of_many_starters_at_once_one_gets_the_lease(databases: str) -> None:
    leases = [Lease(0, lease_s=60) for _ in range(8)]
    barrier = threading.Barrier(len(leases))
    epochs: list[int | None] = []

    def take(lease: Lease) -> None:
        barrier.wait()
        epochs.append(lease.acquire(above=0))
        connections.close_all()

    threads = [threading.Thread(target=take, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(epoch or 0 for epoch in epochs) == [0] * 7 + [1]
