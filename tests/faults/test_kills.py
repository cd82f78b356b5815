"""kill -9 of a whole venue at random moments, twenty times: what clients were told is true afterwards."""

import asyncio
import warnings
from pathlib import Path

from tests.faults.kills import Killing
from tests.support.killed import group_open

KILLS = 20
SECONDS_MAX = 50.0


def test_nothing_acknowledged_is_lost_or_doubled_by_kills_at_random_moments(tmp_path: Path) -> None:
    with group_open(tmp_path / "var") as group:
        killing = Killing(group, seed=1, audit_every=KILLS)
        asyncio.run(killing.run(count=KILLS, seconds=SECONDS_MAX))

    assert [violation for kill in killing.kills for violation in kill.violations] == []
    totals = killing.totals()
    assert totals["acknowledged"] > 0
    assert totals["audits"] > 0
    if totals["kills"] < KILLS:
        warnings.warn(f"{totals['kills']} of {KILLS} kills in {SECONDS_MAX} s: a slow machine", stacklevel=1)
