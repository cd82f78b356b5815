"""A restart: from starting the process to a writer that takes commands, with a full book and a long journal."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.performance import stores
from tests.performance.commands import BATCH, SETUP_BATCH, command_of, frames, setup
from tests.performance.flow import StandardFlow
from tests.performance.results import Bench, Result, topic
from tests.performance.topics.journal import Feeder

SYMBOLS = 100
OPEN_ORDERS_EACH = 1_000
MESSAGES = 1_000_000
GOAL = 3.0
SHARD = 0
ROOT = Path(__file__).resolve().parents[3]


@topic("restart", order=60)
def restart(bench: Bench) -> Iterator[Result]:
    """Yield the seconds of a restart with 100,000 open orders and 1 M commands after the snapshot."""
    stores.ready()
    from apps.orders.matching.journal import Journal  # noqa: PLC0415 - needs Django set up
    from apps.orders.matching.recovery import recover  # noqa: PLC0415
    from apps.orders.matching.snapshots import snapshot_save  # noqa: PLC0415

    flow = StandardFlow(symbols=SYMBOLS, live=OPEN_ORDERS_EACH, messages=bench.scaled(MESSAGES))
    resting = flow.symbols * flow.live
    commands = [command_of(record) for record in flow.read(flow.stored(bench.flows))]
    folder = Path(os.environ["CIFT_DATA_DIR"])
    with stores.sqlite_store(folder):
        feeder = Feeder(SHARD)
        feeder.feed(list(frames([*setup(SYMBOLS), *commands[:resting]], SETUP_BATCH // 2)), count=SETUP_BATCH // 2)
        feeder.stop()
        snapshot_save(recover(Journal(SHARD)), shard=SHARD)
        feeder = Feeder(SHARD)
        feeder.feed(list(frames(commands[resting:])), count=BATCH)
        feeder.stop()
    began = [_started() for _ in range(bench.runs)]
    seconds = sorted(each["seconds"] for each in began)
    yield Result(
        "restart",
        f"restart with {resting:,} open orders and {flow.messages:,} commands after the snapshot",
        seconds[len(seconds) // 2],
        "s",
        GOAL,
        "lower",
        runs=tuple(each["seconds"] for each in began),
        detail={
            "seconds_from_first_line_to_ready": began[0]["recovery"],
            "cpu_seconds": [each["cpu_seconds"] for each in began],
        },
    )


def _started() -> dict[str, float]:
    """Start a process that becomes the writer of the shard; return how long it took, start of Python included."""
    cpu, began = _cpu_of_children(), time.time()
    child = subprocess.run(
        [sys.executable, "-m", "tests.performance.restarted"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if child.returncode:
        raise RuntimeError(child.stderr)
    told: dict[str, float] = json.loads(child.stdout)
    return {**told, "seconds": told["ready_at"] - began, "cpu_seconds": _cpu_of_children() - cpu}


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
