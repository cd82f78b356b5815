"""A disk that fails and a clock that jumps under a whole venue with its simulation.

No false acknowledgement, `/ready` names it, it is over by itself; time never goes back and nobody waits for it.
"""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cift.times import time_format
from tests.support.desk import Desk
from tests.support.faulty import DISKS, NS_PER_S, Faults
from tests.support.venue import Venue

WAIT_S = 30.0


@pytest.fixture(scope="module")
def faults(faulty_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Faults:
    folder = tmp_path_factory.mktemp("disk")
    (folder / "var").mkdir(mode=0o700)
    return Faults(faulty_library, folder, under=folder / "var")


@pytest.fixture(scope="module")
def desk(faults: Faults) -> Iterator[Desk]:
    simulation = {"SIMULATION": "1", "SIMULATION_RATE": "20"}
    venue = Venue(faults.under, environment=faults.environment | simulation).start()
    try:
        venue.wait_open()
        yield Desk(venue)
    finally:
        venue.end()


def until_ready_says(venue: Venue, text: str) -> dict[str, Any]:
    give_up_at = time.monotonic() + WAIT_S
    while True:
        status, body = venue.get("/ready")
        told = " ".join(check.get("detail", "") for check in body["checks"].values())
        if text in told:
            assert status == 503, body
            checks: dict[str, Any] = body["checks"]
            return checks
        assert time.monotonic() < give_up_at, body
        time.sleep(0.05)


@pytest.mark.parametrize("what", DISKS)
def test_what_the_disk_does_not_take_is_not_acknowledged(desk: Desk, faults: Faults, what: str) -> None:
    for _ in range(5):
        assert desk.submit() == "acknowledged"
    error = "database or disk is full" if what == "a full disk" else "disk I/O error"
    with faults.disk(DISKS[what]):
        assert desk.submit() == "outcome_unknown"
        checks = until_ready_says(desk.venue, error)
        assert checks["order_service"]["status"] == "down"
        assert desk.submit() == "venue_unavailable"
    desk.venue.wait_ready()
    desk.settle()
    assert desk.submit() == "acknowledged"


def test_tables_that_cannot_be_written_hold_up_no_order_and_are_caught_up(desk: Desk, faults: Faults) -> None:
    with faults.disk(DISKS["a full disk"], name="db.sqlite3"):
        for _ in range(20):
            assert desk.submit() == "acknowledged"
        desk.venue.wait_for("database or disk is full; retrying")
    desk.counted()


def test_snapshots_that_cannot_be_written_hold_up_nothing(desk: Desk, faults: Faults) -> None:
    with faults.disk(DISKS["a disk that does not sync"], name="snapshots.sqlite3"):
        for _ in range(20):
            assert desk.submit() == "acknowledged"
    desk.counted()


def test_killed_while_the_disk_failed_it_has_what_was_acknowledged(desk: Desk, faults: Faults) -> None:
    """A commit that could not be synced may have reached the file all the same: then it is there at the next start."""
    with faults.disk(DISKS["a disk that does not sync"]):
        assert desk.submit() == "outcome_unknown"
        os.kill(desk.venue.child("embedded_web"), signal.SIGKILL)
    desk.venue.wait_ready()
    desk.settle()
    desk.counted()


@pytest.mark.parametrize("seconds", [3_600, -3_600, -86_400])
def test_a_clock_that_jumps_and_comes_back_stops_nothing(desk: Desk, faults: Faults, seconds: int) -> None:
    assert desk.submit() == "acknowledged"
    for offset in (seconds, 0):
        faults.clock(offset)
        # A token that is older than its quarter of an hour by now is no surprise; a login is made as ever.
        desk.login()
        for _ in range(3):
            assert desk.submit() == "acknowledged"
        # A deadline of the client's is of the clock as it is.
        soon = time.time_ns() + (offset + 3) * NS_PER_S
        assert desk.submit(deadline=time_format(soon)) == "acknowledged"
        late = time_format(soon - 3_600 * NS_PER_S)
        status, body = desk.trader.call("POST", "orders/", json=desk.order() | {"deadline": late})
        assert (status, body["code"]) == (422, "deadline_passed")
        until_the_market_moves(desk.venue)
        assert desk.venue.get("/ready")[0] == 200


def test_a_start_with_a_clock_behind_the_journal_trades_at_once(desk: Desk, faults: Faults) -> None:
    faults.clock(-7_200)
    os.kill(desk.venue.child("embedded_web"), signal.SIGKILL)
    desk.venue.wait_ready()
    desk.login()
    assert desk.submit() == "acknowledged"
    until_the_market_moves(desk.venue)
    faults.clock(0)
    desk.settle()


def until_the_market_moves(venue: Venue) -> None:
    """Wait until the simulation has done something more, and the tables show all that was done before."""
    begin = journal_sequence(venue.folder)
    give_up_at = time.monotonic() + WAIT_S
    while journal_sequence(venue.folder) <= begin + 5:
        assert time.monotonic() < give_up_at, venue.output
        time.sleep(0.05)


def journal_sequence(folder: Path) -> int:
    with closing(sqlite3.connect(f"file:{folder}/journal.sqlite3?mode=ro", uri=True)) as journal:
        found: int = journal.execute("SELECT max(last_sequence) FROM orders_journalbatch").fetchone()[0]
        return found


def test_afterwards_the_audit_is_clean(desk: Desk) -> None:
    desk.counted()
    desk.audited()
