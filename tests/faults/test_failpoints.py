"""kill -9 at each of seven named points: in one process, which the supervisor starts again, and in all at once."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bookkeeper.keeper import Bookkeeper
from tests.support.failpoints import POINTS, Failpoint
from tests.support.killed import Group, group_open
from tests.support.venue import ROOT

WAIT_S = 120.0
IN_THE_WEB_PROCESS = ("before match", "before commit", "after commit", "during publish", "at start")
IN_THE_PROJECTOR = ("in projection", "in snapshot")
UNANSWERED = ("before match", "before commit", "after commit", "at start")
AND_ALL = ("after commit", *IN_THE_PROJECTOR)
SETTINGS = "tests.support.failing"

LOOK = """
import django; django.setup()
import sys
from apps.orders.matching.writer import Writer
print(Writer._match.__module__, "tests.support.failpoints" in sys.modules)
"""


class Kills:
    """A venue with failpoints, and the bookkeeper of its traders."""

    def __init__(self, group: Group, folder: Path) -> None:
        self.group = group
        self.failpoint = Failpoint(folder)
        self.keeper = Bookkeeper(port=group.port, logins=group.venue.logins(), seed=7)

    async def at(self, point: str, *, group: bool) -> None:
        """Kill at a point while traders trade, and hold what is there afterwards against what they were told."""
        venue, keeper = self.group.venue, self.keeper
        keeper.go()
        await asyncio.sleep(0.3)
        deaths = venue.output.count("killed by SIGKILL")
        self.failpoint.arm(point, group=group)
        if point == "at start":
            os.kill(venue.child("embedded_web"), signal.SIGKILL)
        process = await asyncio.to_thread(self.failpoint.reached, seconds=WAIT_S)
        if group:
            assert await asyncio.to_thread(venue.wait_end) == -signal.SIGKILL
            self.group.start()
        else:
            again = deaths + (2 if point == "at start" else 1)
            await asyncio.to_thread(venue.wait_for, "killed by SIGKILL", count=again)
            assert process not in venue.children()
        found = await keeper.compare()
        assert not found, f"{point}{', all processes' if group else ''}: {found}\n{self.group.venue.output}"


async def _at_all_points(kills: Kills) -> None:
    async with kills.keeper as keeper:
        for point in POINTS:
            before = keeper.counts()["unknown"]
            await kills.at(point, group=False)
            if point in UNANSWERED:
                assert keeper.counts()["unknown"] > before, f"{point}: who waited for an answer got none"
            if point in AND_ALL:
                # In between, too, because a supervisor pauses longer at each death.
                await kills.at(point, group=True)
        assert not await keeper.settle()
        assert keeper.counts()["unknown_found"] > 0
        assert keeper.counts()["unknown_never"] > 0


def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill_at_any_named_point(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with group_open(folder, DJANGO_SETTINGS_MODULE=SETTINGS) as group:
        asyncio.run(_at_all_points(Kills(group, folder)))
        assert group.audit() is None


def test_every_point_is_in_one_of_the_processes() -> None:
    assert set(POINTS) == {*IN_THE_WEB_PROCESS, *IN_THE_PROJECTOR}


@pytest.mark.parametrize("settings", ["cift.settings.embedded", "cift.settings.production", SETTINGS])
def test_failpoints_are_loaded_by_no_settings_but_the_tests_own(settings: str, tmp_path: Path) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            LOOK,
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "CIFT_DATA_DIR": str(tmp_path),
            "CIFT_SECRET_KEY": "0" * 64,
            "CIFT_TOKENS_KEY": "1" * 64,
            "CIFT_IDS_KEY": "0" * 32,
            "CIFT_ALLOWED_HOSTS": "example.com",
            "CIFT_DATABASE_PASSWORD": "none",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert told == (
        ["tests.support.failpoints", "True"] if settings == SETTINGS else ["apps.orders.matching.writer", "False"]
    )


def test_the_venue_knows_nothing_of_failpoints() -> None:
    sources = [file for folder in ("apps", "cift") for file in (ROOT / folder).rglob("*.py")]

    assert sources
    assert not [str(file) for file in sources if re.search("fail_?point|tests\\.", file.read_text())]
