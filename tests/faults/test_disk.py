"""A disk that fails under a whole venue: no false acknowledgement, `/ready` names it, and it is over by itself."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import Desk
from tests.support.faulty import DISKS, Faults
from tests.support.venue import Venue

WAIT_S = 30.0


@pytest.fixture(scope="module")
def faults(faulty_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Faults:
    folder = tmp_path_factory.mktemp("disk")
    (folder / "var").mkdir(mode=0o700)
    return Faults(faulty_library, folder, under=folder / "var")


@pytest.fixture(scope="module")
def desk(faults: Faults) -> Iterator[Desk]:
    venue = Venue(faults.under, environment=faults.environment).start()
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
        desk.venue.wait_for("database or disk is full; trying again")
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


def test_afterwards_the_audit_is_clean(desk: Desk) -> None:
    desk.counted()
    desk.audited()
