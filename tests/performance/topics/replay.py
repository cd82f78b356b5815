"""A real order flow through services, journal and drained projection: `manage.py replay` on data of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from apps.marketdata.feeds.sample import write_sample
from tests.performance.results import Bench, Result, topic
from tests.support.shared_data import lobster_hour

GOAL = 2_500
SAMPLE_MESSAGES = 40_000
ROOT = Path(__file__).resolve().parents[3]


@topic("replay", order=70)
def replay(bench: Bench) -> Iterator[Result]:
    """Yield commands a second of the LOBSTER hour, or of our own sample where that is not there."""
    hour = lobster_hour()
    if hour is None:
        title = "our own sample (THE LOBSTER HOUR IS NOT THERE) through services, journal and drained projection"
        messages, book = write_sample(bench.folder, messages=bench.scaled(SAMPLE_MESSAGES))
    else:
        title = "LOBSTER replay through services, journal and drained projection"
        messages, book = hour.messages, hour.opening_book
    reports = [_replayed(bench.folder / f"run-{run}", messages, book) for run in range(bench.runs)]
    for report in reports:
        if not report["projection_drained"] or report["refused"] or report["crossed"]:
            raise RuntimeError(json.dumps(report))
    runs = tuple(report["commands_per_second"] for report in reports)
    names = ("commands", "trades", "states", "seconds_sending", "seconds_draining")
    detail = {name: reports[0][name] for name in names}
    yield Result("replay", title, median(runs), "commands/s", GOAL, runs=runs, detail=detail)


def _replayed(folder: Path, messages: Path, book: Path) -> dict[str, Any]:
    words = ["manage.py", "replay", str(messages), "--format", "lobster", "--instrument", "AAPL-USD"]
    child = subprocess.run(
        [sys.executable, *words, "--opening-book", str(book), "--json"],
        cwd=ROOT,
        env={**os.environ, "CIFT_DATA_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report: dict[str, Any] = json.loads(child.stdout)
    return report
