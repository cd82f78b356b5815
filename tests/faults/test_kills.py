"""kill -9 of a whole venue at random moments, twelve times: what clients were told is true afterwards."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.kills import RECOVERY_S_MAX, Kill, Killing, exit_code, processor_times, shares, totals_of
from tests.support.killed import group_open

KILLS = 12
SECONDS_MAX = 300.0
"""A bound alone: on two cores left alone it is one minute."""


def test_nothing_acknowledged_is_lost_or_doubled_by_kills_at_random_moments(tmp_path: Path) -> None:
    with group_open(tmp_path / "var") as group:
        killing = Killing(group, seed=1, audit_every=KILLS)
        asyncio.run(killing.run(count=KILLS, seconds=SECONDS_MAX))

    assert [violation for kill in killing.kills for violation in kill.violations] == []
    totals = killing.totals()
    assert totals["kills"] == KILLS, f"{totals['kills']} of {KILLS} kills in {SECONDS_MAX} s"
    assert totals["acknowledged"] > 0
    assert totals["audits"] > 0
    assert not totals["too_slow"], totals["slow"]


def killed(number: int, recovery_s: float | None, *, load_per_core: float) -> Kill:
    return Kill(number, "", {}, recovery_s=recovery_s, load=2 * load_per_core, load_per_core=load_per_core)


@pytest.mark.parametrize(
    ("recovery_s", "load_per_core", "slow", "too_slow"),
    [
        (None, 0.5, 0, 0),
        (RECOVERY_S_MAX, 0.5, 0, 0),
        (RECOVERY_S_MAX + 0.1, 0.5, 1, 1),
        (RECOVERY_S_MAX + 0.1, 2.0, 1, 1),
        (RECOVERY_S_MAX + 0.1, 2.1, 1, 0),
    ],
)
def test_a_slow_recovery_is_listed_and_counts_where_the_machine_was_free(
    recovery_s: float | None, load_per_core: float, slow: int, too_slow: int
) -> None:
    totals = totals_of([killed(1, 1.5, load_per_core=0.5), killed(2, recovery_s, load_per_core=load_per_core)])

    assert (totals["slow_count"], totals["too_slow"], len(totals["slow"])) == (slow, too_slow, slow)
    assert [(each["number"], each["load"], each["counts"]) for each in totals["slow"]] == [
        (2, 2 * load_per_core, bool(too_slow))
    ] * slow
    assert exit_code(totals) == too_slow
    assert exit_code({**totals, "violations": 1}) == 1


def test_shares_of_the_machines_time() -> None:
    assert shares([0] * 8, [30, 10, 10, 20, 10, 0, 0, 20]) == (0.5, 0.2)
    assert shares([], [1] * 8) == (None, None)
    assert shares([1] * 8, [1] * 8) == (None, None)
    assert len(processor_times()) == 8
