"""kill -9 at random moments, and what clients were told held against what is there afterwards.

    .venv/bin/python -m tests.faults.kills --count 500 --seed 1 --json FILE

starts a venue, lets traders order over REST and sockets, kills all its processes at a random moment (also while it
starts), starts it again, compares, and goes on. It ends with 1 at the first violation, and where a recovery took more
than five seconds on a machine that was not busy otherwise; the report is written however it ends.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.performance.machine import machine
from tests.support.bookkeeper.comparison import Violation
from tests.support.bookkeeper.keeper import Bookkeeper
from tests.support.killed import Group, group_open
from tests.support.venue import ROOT

TRADING_S = (0.05, 0.7)
STARTING_S = (0.1, 1.8)
STARTING_SHARE = 0.15
GIVE_UP_S = 120.0
RECOVERY_S_MAX = 5.0
"""A recovery may take so long, to the first order acknowledged again."""

LOAD_PER_CORE_MAX = 2.0
"""Above this load average a core is busy otherwise: one is left to the run itself, its starts and its traders."""

_STAT_WORDS = 8
OUT = ROOT / "var" / "faults" / "kills.json"


@dataclass(slots=True)
class Kill:
    """One kill, and what was found behind it; `recovery_s`: to the first order acknowledged again.

    `load`: the load average of the last minute when that was; `busy`, `stolen`: shares of all cores' time meanwhile.
    """

    number: int
    moment: str
    in_flight: dict[str, int]
    recovery_s: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    unknown: list[dict[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    audited: bool = False
    load: float = 0.0
    load_per_core: float = 0.0
    busy: float | None = None
    stolen: float | None = None

    @property
    def is_slow(self) -> bool:
        """Return whether it took longer than it may to be back."""
        return self.recovery_s is not None and self.recovery_s > RECOVERY_S_MAX

    @property
    def is_too_slow(self) -> bool:
        """Return whether it did on a machine that had little else to do, so that it counts."""
        return self.is_slow and self.load_per_core <= LOAD_PER_CORE_MAX


class Killing:
    """Kills one venue again and again."""

    def __init__(self, group: Group, *, seed: int, audit_every: int) -> None:
        """Take a venue that runs."""
        self.kills: list[Kill] = []
        self._group = group
        self._dice = random.Random(seed)  # noqa: S311 - a test's dice
        self._audit_every = audit_every
        self._keeper = Bookkeeper(port=group.port, logins=group.venue.logins(), seed=seed)

    async def run(self, *, count: int, seconds: float = float("inf")) -> None:
        """Kill so often, or for so long, whichever is over first; then compare everything from the first order on."""
        give_up_at = time.monotonic() + seconds
        async with self._keeper as keeper:
            keeper.go()
            while len(self.kills) < count and time.monotonic() < give_up_at:
                await self._once(last=len(self.kills) + 1 == count)
                if self.kills[-1].violations:
                    return
            self._take(self.kills[-1], await keeper.settle())
            if not self.kills[-1].audited:
                await self._audit(self.kills[-1])

    async def _killed(self, within: tuple[float, float], since: str) -> tuple[Kill, float]:
        """Wait a random time of these bounds, s; kill all, and start again; give the kill and when it was."""
        waited = self._dice.uniform(*within)
        await asyncio.sleep(waited)
        kill = Kill(len(self.kills) + 1, f"{waited:.3f} s {since}", self._keeper.in_flight())
        self.kills.append(kill)
        killed_at = time.monotonic()
        self._group.kill()
        self._group.start()
        return kill, killed_at

    async def _once(self, *, last: bool) -> None:
        dice, group, keeper = self._dice, self._group, self._keeper
        kill, killed_at = await self._killed(TRADING_S, "after all was compared")
        if not last and dice.random() < STARTING_SHARE:
            kill, killed_at = await self._killed(STARTING_S, "after it was started")
        before = processor_times()
        try:
            back_at = await keeper.acknowledged_behind(killed_at, seconds=GIVE_UP_S)
        except TimeoutError as error:
            message = f"not back:\n{group.venue.output}"
            raise AssertionError(message) from error
        kill.recovery_s = round(back_at - killed_at, 3)
        kill.load = round(os.getloadavg()[0], 2)
        kill.load_per_core = round(kill.load / len(os.sched_getaffinity(0)), 2)
        kill.busy, kill.stolen = shares(before, processor_times())
        self._take(kill, await keeper.compare())
        if kill.number % self._audit_every == 0:
            await self._audit(kill)
        keeper.go()

    def _take(self, kill: Kill, found: list[Violation]) -> None:
        kill.violations += [f"{each.kind}: {each.detail}" for each in found]
        kill.counts = self._keeper.counts()
        for comparison in self._keeper.comparisons:
            kill.unknown += comparison.resolved[len(comparison.resolved) - comparison.fresh :]
            comparison.fresh = 0

    async def _audit(self, kill: Kill) -> None:
        kill.audited = True
        found = await asyncio.to_thread(self._group.audit)
        if found is not None:
            kill.violations.append(f"audit: {found}")

    def totals(self) -> dict[str, Any]:
        """Sum up."""
        return totals_of(self.kills)


def totals_of(kills: list[Kill]) -> dict[str, Any]:
    """Sum kills up."""
    recoveries = sorted(kill.recovery_s for kill in kills if kill.recovery_s)
    return {
        "kills": len(kills),
        **(kills[-1].counts if kills else {}),
        "recovery_s_median": recoveries[len(recoveries) // 2] if recoveries else None,
        "recovery_s_max": recoveries[-1] if recoveries else None,
        "slow": [
            {"number": kill.number, "recovery_s": kill.recovery_s, "load": kill.load, "counts": kill.is_too_slow}
            for kill in kills
            if kill.is_slow
        ],
        "slow_count": sum(kill.is_slow for kill in kills),
        "too_slow": sum(kill.is_too_slow for kill in kills),
        "audits": sum(kill.audited for kill in kills),
        "violations": sum(len(kill.violations) for kill in kills),
    }


def exit_code(totals: dict[str, Any]) -> int:
    """Judge: nothing may be violated, and no recovery take too long where the machine was free for it."""
    return 1 if totals["violations"] or totals["too_slow"] else 0


def processor_times() -> list[float]:
    """Read what all cores did so far, in seconds: user, nice, system, idle, iowait, irq, softirq, steal."""
    return list(psutil.cpu_times()[:_STAT_WORDS])


def shares(before: Sequence[float], after: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the shares of the time between that were busy, and that were another machine's."""
    spent = [late - early for early, late in zip(before, after, strict=False)]
    if len(spent) < _STAT_WORDS or sum(spent) <= 0:
        return None, None
    idle, stolen = spent[3] + spent[4], spent[7]
    return round(1 - (idle + stolen) / sum(spent), 3), round(stolen / sum(spent), 3)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description="Kill a venue, and look behind.")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long, however many it were")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--audit-every", type=int, default=25, help="how many kills from audit to audit")
    parser.add_argument("--json", type=Path, default=OUT, help="where the report goes")
    chosen = parser.parse_args()
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cift-kills-") as name, group_open(Path(name) / "var") as group:
        killing = Killing(group, seed=chosen.seed, audit_every=chosen.audit_every)
        try:
            asyncio.run(_told(killing, chosen.count, chosen.seconds))
        finally:
            report = {
                "seed": chosen.seed,
                "count": chosen.count,
                "seconds": round(time.monotonic() - began, 1),
                "totals": killing.totals(),
                "machine": machine(),
                "kills": [asdict(kill) for kill in killing.kills],
            }
            chosen.json.write_text(json.dumps(report, indent=1))
    totals = report["totals"]
    print(json.dumps(totals, indent=1))  # noqa: T201 - a command's output
    sys.exit(exit_code(totals))


async def _told(killing: Killing, count: int, seconds: float) -> None:
    """Kill, and say how far it is."""
    running = asyncio.create_task(killing.run(count=count, seconds=seconds))
    said = 0
    while not running.done():
        await asyncio.wait([running], timeout=1)
        for kill in killing.kills[said:-1] if not running.done() else killing.kills[said:]:
            said += 1
            print(  # noqa: T201 - a command's output
                f"{kill.number}/{count}  {kill.moment}: {sum(kill.in_flight.values())} in flight, back after "
                f"{kill.recovery_s} s at load {kill.load}, {len(kill.unknown)} resolved, "
                f"{len(kill.violations)} violations{', TOO SLOW' if kill.is_too_slow else ''}",
                flush=True,
            )
            for violation in kill.violations:
                print(f"    {violation}", flush=True)  # noqa: T201 - as above
    await running


if __name__ == "__main__":
    main()
