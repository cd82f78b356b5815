"""The benchmark's report: its table, an earlier run beside it, and the last soak's verdicts."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from apps.orders.monitoring.processes import ProcessFound
from tests.performance import __main__ as bench
from tests.performance import report
from tests.performance.results import Result
from tests.performance.soaked import soaked
from tests.performance.topics.living import memory

SOAK = {
    "machine": {"date": "2026-11-23T10:00:00+00:00", "commit": "abc1234"},
    "minutes": 60.01,
    "verdicts": [
        {"name": "memory at the end", "measured": "330.0 MiB", "bound": "≤ 450 MiB", "ok": True},
        {"name": "growth", "measured": "+74 MiB/h", "bound": "≤ 6 MiB/h", "ok": False},
        {"name": "file", "measured": "2 MiB", "bound": "told", "ok": None},
    ],
    "samples": ["thousands"],
}


def whole(*results: Result, failed: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    return {
        "machine": {"processor": "P", "cores": 2, "date": "today"},
        "quick": False,
        "seconds": {"one": 1.0},
        "results": [result.as_json() for result in results],
        "failed": list(failed),
        "soak": {"missing": "no soak"},
    }


RESULTS = (
    Result("fast", "a rate", 1_234.0, "orders/s", 1_000),
    Result("slow", "a wait", 7.5, "ms", 5, "lower", percentiles={"p50": 7.5, "p99": 12.25}),
    Result("told", "a size", 0.5, "MiB"),
)


def drawn(table: Table) -> list[str]:
    console = Console(width=200)
    with console.capture() as shown:
        console.print(table)
    return shown.get().splitlines()


def cells(lines: list[str], title: str) -> list[str]:
    (line,) = (line for line in lines if title in line)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_a_result_is_a_line_with_its_goal_and_whether_it_is_met() -> None:
    lines = drawn(report.table(whole(*RESULTS, failed=({"topic": "broken", "reason": "exit code 1"},))))

    assert cells(lines, "a rate") == ["a rate", "1,234", "≥ 1,000", "orders/s", "yes", ""]
    assert cells(lines, "a wait") == ["a wait", "7.50", "≤ 5.00", "ms", "no", "p50 7.50  p99 12.2"]
    assert cells(lines, "a size") == ["a size", "0.50", "", "MiB", "", ""]
    assert cells(lines, "broken") == ["broken", "", "", "", "failed", "exit code 1"]
    assert "before" not in "".join(lines)


def test_an_earlier_run_stands_beside_with_the_change(tmp_path: Path) -> None:
    report.written(tmp_path / "before.json", whole(Result("fast", "its name then", 1_000.0, "orders/s")))
    before = report.read_values(tmp_path / "before.json")
    assert before == {"fast": 1_000.0}
    lines = drawn(report.table(whole(*RESULTS), before))

    assert cells(lines, "a rate")[-2:] == ["1,000", "+23.4%"]
    assert cells(lines, "a wait")[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is no report of a benchmark"),
        (b"\xff\xfe", "is no report of a benchmark"),
        (b'{"results": [', "is no report of a benchmark"),
        (b"[]", "is no report of a benchmark"),
        (b'{"results": [{"name": "a"}]}', "is no report of a benchmark"),
        (b'{"results": [{"name": "a", "value": "?"}]}', "is no report of a benchmark"),
        (b'{"results": 7}', "is no report of a benchmark"),
    ],
)
def test_what_cannot_be_compared_with_is_one_line_and_nothing_is_measured(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    told: str,
) -> None:
    file = tmp_path / "before.json"
    if content is not None:
        file.write_bytes(content)

    words = ["--compare", str(file), "--out", str(tmp_path / "out.json")]
    assert bench.main(words, measured=lambda *_: pytest.fail("measured")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"{file} {told}")


def test_a_run_compares_and_carries_the_last_soak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "soak.json").write_text(json.dumps(SOAK))
    report.written(tmp_path / "before.json", whole(RESULTS[0]))
    words = ["--only", "engine", "--compare", str(tmp_path / "before.json"), "--out", str(tmp_path / "out.json")]

    def run(*more: str) -> int:
        measured = [each.as_json() for each in RESULTS], None
        return bench.main([*words, *more], measured=lambda *_: measured, soak=tmp_path / "soak.json")

    assert run() == 0
    assert run("--strict") == 1
    shown = capsys.readouterr().out
    assert "+0.0%" in shown
    assert "the last soak: 60.01 minutes, 2026-11-23T10:00:00+00:00" in shown
    assert "+74 MiB/h" in shown
    kept = json.loads((tmp_path / "out.json").read_text())["soak"]
    assert kept["verdicts"] == SOAK["verdicts"]
    assert "samples" not in kept


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "`make soak` does that"), ("{", "cannot be read"), ('{"minutes": 1}', "cannot be read"), ("[]", "cannot")],
)
def test_where_there_is_no_soak_it_is_said(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "latest.json"
    if content is not None:
        file.write_text(content)
    found = soaked(file)

    assert list(found) == ["missing"]
    assert str(file) in found["missing"]
    assert told in found["missing"]
    console = Console(width=200)
    with console.capture() as shown:
        report.soak_shown(console, found)
    assert told in " ".join(shown.get().split())


def test_memory_is_told_with_its_age() -> None:
    found = memory([ProcessFound(pid=1, name="venue", memory=3 * 2**20, processor_s=0.0)], 96.4)

    assert found.title == "memory of all processes together (PSS), 96 s after its start"
    assert found.value == 3
