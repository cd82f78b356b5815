"""The soak: seconds of it against a real venue, and its judgement on runs made up."""

import json
import math
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults.soak.__main__ import main
from tests.faults.soak.sampling import ProcessSample, Sample, metrics_of
from tests.faults.soak.verdicts import MIB, Ending, Verdict, slope, verdicts

CLEAN = Ending(
    exit_code=0,
    audit={"clean": True},
    acknowledged=["a", "b"],
    in_tables=["b", "a"],
    refused={},
    failures=[],
    failures_count=0,
)


def looks(
    *,
    minutes: int = 60,
    memory_mib_per_hour: float = 0.0,
    changes: dict[int, dict[str, Any]] | None = None,
    **more: Any,
) -> list[Sample]:
    """Make up a run; `more` are numbers that grow by so much an hour, `changes` what is otherwise at a look."""
    dice = random.Random(1)  # noqa: S311 - a test's dice
    made = []
    for number in range(minutes * 6 + 1):
        hours = number / 360
        used = 300 * MIB + memory_mib_per_hour * MIB * hours + (dice.random() - 0.5) * MIB
        process = ProcessSample(
            pid=7,
            name="embedded_web",
            pss=int(used),
            uss=int(used),
            rss=int(used),
            anonymous=int(used),
            processor_s=720 * hours + more.get("processor_s", 0.0) * hours**2,
            descriptors=40 + round(more.get("descriptors", 0.0) * hours),
            threads=20,
        )
        metrics = {
            "cift_writer_queue_commands": 1.0,
            "cift_writer_recoveries_total": 1.0,
            "cift_remembered_ids": more.get("ids", 0.0) * hours,
            "cift_follower_lag_events projector": 100.0,
        }
        sample = Sample(number * 10.0, ready=True, processes=[process], metrics=metrics, files={}, rows={})
        made.append(msgspec.structs.replace(sample, **(changes or {}).get(number, {})))
    return made


def waits(*, minutes: int = 60, ms: float = 1.0, risen_by: float = 0.0) -> dict[str, dict[int, list[float]]]:
    return {"socket": {minute: [ms * (1 + risen_by * minute / minutes)] * 600 for minute in range(minutes)}}


def judged(samples: list[Sample], waited: dict[str, dict[int, list[float]]], end: Ending = CLEAN) -> dict[str, Verdict]:
    return {verdict.name: verdict for verdict in verdicts(samples, waited, end)}


def broken(samples: list[Sample], waited: dict[str, dict[int, list[float]]], end: Ending = CLEAN) -> list[str]:
    return [name for name, verdict in judged(samples, waited, end).items() if verdict.ok is False]


def test_a_flat_hour_holds_every_criterion() -> None:
    found = judged(looks(), waits())
    assert [name for name, verdict in found.items() if verdict.ok is None] == [
        "file journal.sqlite3",
        "file db.sqlite3",
        "file snapshots.sqlite3",
    ]
    assert all(verdict.ok is not False for verdict in found.values())


BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "a leak": ({"memory_mib_per_hour": 20.0}, {}, {}, "growth of memory of their own (anonymous) from ten minutes on"),
    "descriptors": ({"descriptors": 60.0}, {}, {}, "growth of descriptors from ten minutes on"),
    "ever more work": ({"processor_s": 720.0}, {}, {}, "rise of processor time from ten minutes on"),
    "slow": ({}, {"ms": 3.5}, {}, "order by socket, p50 of a minute"),
    "slower and slower": ({}, {"risen_by": 0.55}, {}, "order by socket, rise of p50 from ten minutes on"),
    "a restart": ({"changes": {9: {"processes": []}}}, {}, {}, "processes that ended or came"),
    "not ready": ({"changes": {9: {"ready": False}}}, {}, {}, "looks at which the venue was not ready"),
    "lost": ({}, {}, {"in_tables": ["a"]}, "acknowledged orders lost or doubled"),
    "doubled": ({}, {}, {"in_tables": ["a", "b", "b"]}, "acknowledged orders lost or doubled"),
    "refused": ({}, {}, {"refused": {"order.submit: overloaded": 1}}, "requests refused"),
    "cut off": ({}, {}, {"failures": ["gone"], "failures_count": 1}, "connections that failed"),
    "killed": ({}, {}, {"exit_code": -9}, "exit code of the venue"),
    "audit": ({}, {}, {"audit": {"clean": False, "violation": {"invariant": 1}}}, "audit"),
    "behind": (
        {
            "changes": {
                9: {"metrics": {"cift_follower_lag_seconds verifier": 11.0, "cift_writer_recoveries_total": 1.0}}
            }
        },
        {},
        {},
        "lag of projector and verifier, in s",
    ),
    "log": ({"changes": {9: {"files": {"db.sqlite3-wal": 80 * MIB}}}}, {}, {}, "largest write-ahead log"),
    "rebuilt": (
        {"changes": {360: {"metrics": {"cift_writer_recoveries_total": 2.0}}}},
        {},
        {},
        "times the engine was built anew",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_each_fault_breaks_its_criterion_alone(what: str) -> None:
    samples, waited, end, name = BROKEN[what]
    assert broken(looks(**samples), waits(**waited), CLEAN._replace(**end)) == [name]


def test_memory_that_remembered_ids_take_is_no_leak() -> None:
    """A million ids an hour, in two engines: 92 MiB/h."""
    assert not broken(looks(memory_mib_per_hour=90.0, ids=1_000_000.0), waits())
    assert broken(looks(memory_mib_per_hour=110.0, ids=1_000_000.0), waits())


def test_a_short_run_is_not_judged_on_trends() -> None:
    found = judged(looks(minutes=15, memory_mib_per_hour=100.0), waits(minutes=15, risen_by=3.0, ms=0.5))
    assert [verdict.measured for verdict in found.values() if verdict.ok is None][:5] == [
        "not judged: it takes 20 minutes"
    ] * 5
    assert not [name for name, verdict in found.items() if verdict.ok is False]


def test_a_slope_is_not_moved_by_a_third_that_is_disturbed() -> None:
    points = [(float(x), 2.0 * x + (1000.0 if x % 3 == 0 else 0.0)) for x in range(200)]
    assert math.isclose(slope(points), 2.0, rel_tol=0.05)
    assert slope([]) == 0


def test_metrics_are_read_by_name_and_labels() -> None:
    text = (
        '# TYPE cift_follower_lag_events gauge\ncift_follower_lag_events{follower="verifier",shard="0"} 3.0\n'
        '# TYPE cift_writer_commit_seconds histogram\ncift_writer_commit_seconds_bucket{le="+Inf",shard="0"} 2.0\n'
        'cift_writer_commit_seconds_sum{shard="0"} 0.5\n# TYPE other gauge\nother 1.0\n'
    )
    assert metrics_of(text) == {"cift_follower_lag_events verifier": 3.0, "cift_writer_commit_seconds_sum": 0.5}


def test_seconds_of_it_are_clean(tmp_path: Path) -> None:
    """How fast it was is not asked here: other tests may run beside."""
    main(["--minutes", "0.06", "--look", "1", "--json", str(tmp_path / "soak.json")])
    report = json.loads((tmp_path / "soak.json").read_text())
    found = {verdict["name"]: verdict for verdict in report["verdicts"]}
    for name in (
        "memory of all processes together at the end (PSS)",
        "looks at which the venue was not ready",
        "acknowledged orders lost or doubled",
        "requests refused",
        "connections that failed",
        "exit code of the venue",
        "audit",
    ):
        assert found[name]["ok"], found[name]
    assert report["requests"] > 0
    assert {process["name"] for process in report["samples"][-1]["processes"]} >= {
        "venue",
        "embedded_web",
        "run_projector",
    }
    assert report["samples"][0]["rows"]["orders_journalbatch"] > 0
    assert not list(tmp_path.glob("data-*"))
