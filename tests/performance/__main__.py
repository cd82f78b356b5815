"""Measure what the venue can do: `python -m tests.performance [--only TOPIC …] [--rows PATTERN] [--compare FILE]`.

Each topic runs in a process of its own, so that one's memory and threads do not weigh on another's numbers, and a topic
that fails does not take the others along. All results of a run go into one file and one table.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.performance import report, topics
from tests.performance.machine import machine
from tests.performance.results import TOPICS, Bench, ordered
from tests.performance.soaked import soaked

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "var" / "bench" / "latest.json"
SOAK = ROOT / "var" / "soak" / "latest.json"
EXIT_USAGE = 2
TOPIC_SECONDS_MAX = 300


def options(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description="Measure what the venue can do.")
    parser.add_argument("--only", action="append", choices=ordered(), metavar="TOPIC", help=", ".join(ordered()))
    parser.add_argument("--compare", type=Path, metavar="FILE", help="show an earlier report's values beside")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, for a first look")
    parser.add_argument(
        "--rows", default="", metavar="PATTERN", help="of a table (abuse), only the rows whose title this finds"
    )
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured; the median counts")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--topic", choices=list(TOPICS), help=argparse.SUPPRESS)
    return parser.parse_args(given)


def measure(name: str, chosen: argparse.Namespace) -> None:
    """Measure one topic in this process; its results go to `--out` as a list."""
    folder = chosen.out.parent / f"data-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        bench = Bench(folder=folder, quick=chosen.quick, runs=chosen.runs, rows=chosen.rows)
        results = [result.as_json() for result in TOPICS[name](bench)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    chosen.out.write_text(json.dumps(results), encoding="utf-8")


Measured = tuple[list[dict[str, Any]], str | None]
"""A topic's results, or why it failed."""


def measured_apart(name: str, chosen: argparse.Namespace) -> Measured:
    """Measure one topic in a child process; return its results, or why it failed."""
    part = chosen.out.with_name(f"part-{name}.json")
    part.unlink(missing_ok=True)
    words = [sys.executable, "-m", "tests.performance", "--topic", name, "--out", str(part)]
    words += ["--runs", str(chosen.runs), "--rows", chosen.rows]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cift.settings.embedded",
        "CIFT_DATA_DIR": str(part.parent / f"data-{name}" / "venue"),
    }
    try:
        child = subprocess.run(
            [*words, *(["--quick"] if chosen.quick else [])],
            cwd=ROOT,
            env=environment,
            timeout=TOPIC_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [], f"not done after {TOPIC_SECONDS_MAX} s"
    if child.returncode:
        return [], f"exit code {child.returncode}, see above"
    results = json.loads(part.read_text(encoding="utf-8"))
    part.unlink()
    return results, None


def main(
    given: list[str] | None = None,
    *,
    measured: Callable[[str, argparse.Namespace], Measured] = measured_apart,
    soak: Path = SOAK,
) -> int:
    """Measure all topics asked for by `measured`; return the exit code. The soak's last report stands beside."""
    topics.load()
    chosen = options(given)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    if chosen.topic:
        try:
            measure(chosen.topic, chosen)
        except Exception:  # noqa: BLE001 whatever a topic dies of is shown, and the run goes on
            traceback.print_exc()
            return 1
        return 0
    try:
        before = report.read_values(chosen.compare) if chosen.compare else None
    except report.ReportError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    whole: dict[str, Any] = {"machine": machine(), "quick": chosen.quick, "seconds": {}, "results": [], "failed": []}
    for name in chosen.only or ordered():
        sys.stderr.write(f"measuring {name} …\n")
        began = time.monotonic()
        results, failure = measured(name, chosen)
        whole["seconds"][name] = round(time.monotonic() - began, 1)
        whole["results"] += results
        if failure:
            whole["failed"].append({"topic": name, "reason": failure})
    whole["soak"] = soaked(soak)
    report.written(chosen.out, whole)
    report.shown(whole, before)
    missed = any(result["ok"] is False for result in whole["results"])
    return 1 if whole["failed"] or (chosen.strict and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
