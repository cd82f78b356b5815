"""Run the venue for long and judge it: `python -m tests.faults.soak --minutes 60 --json FILE`.

The venue is what `make run` starts, with its simulation, in a data folder of its own; a few clients trade beside it.
Every ten seconds it is looked at, at the end audited. Exit code 1 where a criterion does not hold.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from tests.faults.soak.sampling import Sample, order_ids, sample
from tests.faults.soak.trading import PREFIX, Record, clients_run
from tests.faults.soak.verdicts import MIB, Ending, Verdict, verdicts
from tests.performance.machine import machine
from tests.performance.results import percentiles
from tests.support.venue import ROOT, Venue

LOOK_S = 10.0
COUNT_EVERY = 6
"""Every so many looks the rows are counted."""

DRAIN_S_MAX = 60.0


@dataclass
class Soak:
    """One run."""

    venue: Venue
    seconds: float
    look_s: float
    record: Record = field(default_factory=Record)
    samples: list[Sample] = field(default_factory=list)

    async def run(self) -> None:
        """Trade and look until the time is over, then wait until the tables have everything."""
        self.record = Record()
        trading = asyncio.create_task(clients_run(self.venue, self.record))
        looking = asyncio.create_task(self._look())
        await asyncio.wait((trading, looking), return_when=asyncio.FIRST_COMPLETED)
        trading.cancel()
        looking.cancel()
        for done in await asyncio.gather(trading, looking, return_exceptions=True):
            if isinstance(done, Exception):
                raise done

    async def _look(self) -> None:
        web = self.venue.child("embedded_web")
        for number in range(int(self.seconds / self.look_s) + 1):
            await asyncio.sleep(max(number * self.look_s - self.record.at_s, 0))
            rows = number % COUNT_EVERY == 0
            seen = await asyncio.to_thread(sample, self.venue, web=web, at_s=self.record.at_s, count_rows=rows)
            self.samples.append(seen)
            if number % COUNT_EVERY == 0:
                sys.stderr.write(f"{line_of(seen)}\n")

    def ended(self) -> Ending:
        """End the venue, audit what it left, and hold it against what the clients were told."""
        code = self.venue.end()
        folder = self.venue.folder
        record = self.record
        return Ending(
            exit_code=code,
            audit=audited(folder),
            acknowledged=record.acknowledged,
            in_tables=order_ids(folder, PREFIX),
            refused=dict(record.refused),
            failures=record.failures,
            failures_count=record.failures_count,
        )


def line_of(seen: Sample) -> str:
    """Say in a line how it is now."""
    memory = ", ".join(f"{process.name} {process.pss / MIB:.1f}" for process in seen.processes)
    return (
        f"{seen.at_s / 60:5.1f} min: {seen.total('pss') / MIB:.1f} MiB ({memory}), "
        f"lag {seen.lag('events'):.0f} events, {'ready' if seen.ready else 'NOT READY'}"
    )


def audited(folder: Path) -> dict[str, Any]:
    """Bring the tables up to the journal and audit both, in processes of their own."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cift.settings.embedded", "CIFT_DATA_DIR": str(folder)}
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "run_projector", "--once"], env=environment, check=True, capture_output=True)
    done = subprocess.run([*manage, "audit", "--json"], env=environment, check=False, capture_output=True, text=True)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"clean": False, "violation": done.stderr}
    return found


def report_of(soak: Soak, end: Ending, found: list[Verdict]) -> dict[str, Any]:
    """Return all of it, as it is written to the file."""
    first, last = soak.samples[0], soak.samples[-1]
    commands = [each.metrics.get("cift_writer_batch_commands_sum", 0.0) for each in (first, last)]
    return {
        "machine": machine(),
        "minutes": round(last.at_s / 60, 2),
        "environment": soak.venue.environment,
        "commands_per_s": round((commands[1] - commands[0]) / max(last.at_s - first.at_s, 1), 1),
        "requests": soak.record.asked,
        "failures": end.failures,
        "verdicts": [verdict._asdict() for verdict in found],
        "audit": end.audit,
        "latencies_ms": {
            way: {str(minute): {"count": len(waited), **percentiles(waited)} for minute, waited in sorted(each.items())}
            for way, each in soak.record.waited.items()
        },
        "samples": msgspec.to_builtins(soak.samples),
    }


def shown(found: list[Verdict], report: dict[str, Any]) -> None:
    """Print the verdicts."""
    table = Table(title=f"{report['minutes']} minutes, {report['commands_per_s']} commands/s", title_justify="left")
    for column in ("what", "measured", "bound", "holds"):
        table.add_column(column)
    for verdict in found:
        ok = {True: "[green]yes", False: "[red]no", None: ""}[verdict.ok]
        table.add_row(verdict.name, verdict.measured, verdict.bound, ok)
    console = Console()
    if not console.is_terminal:
        console = Console(width=180)
    console.print(table)


def options(given: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description="Run the venue for long.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", type=Path, default=ROOT / "var" / "soak" / "latest.json", metavar="FILE")
    parser.add_argument("--look", type=float, default=LOOK_S, metavar="SECONDS", help="how often it is looked at")
    parser.add_argument("--keep", action="store_true", help="keep the data folder")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Soak; return the exit code."""
    chosen = options(given)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=chosen.json.parent))
    venue = Venue(folder / "venue", environment={"SIMULATION": "1"}).start()
    try:
        venue.wait_open()
        venue.wait_ready()
        venue.wait_for("accounts trade")
        soak = Soak(venue, chosen.minutes * 60, chosen.look)
        began = time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):  # what there is by then is judged
            uvloop.run(soak.run())
        if not soak.samples:
            return 1
        sys.stderr.write(f"{(time.monotonic() - began) / 60:.1f} min over, auditing …\n")
        end = soak.ended()
        found = verdicts(soak.samples, {way: dict(each) for way, each in soak.record.waited.items()}, end)
        report = report_of(soak, end, found)
        chosen.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        shown(found, report)
    finally:
        venue.end()
        (chosen.json.parent / "venue.log").write_text(venue.output, encoding="utf-8")
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if any(verdict.ok is False for verdict in found) else 0


if __name__ == "__main__":
    # Told to end, it does so in order, as at Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
