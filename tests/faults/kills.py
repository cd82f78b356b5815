"""kill -9 at random moments, and what clients were told held against what is there afterwards.

    .venv/bin/python -m tests.faults.kills --count 500 --seed 1 --json FILE

starts a venue, lets traders order over REST and sockets, kills all its processes at a random moment (also while it
starts), starts it again, compares, and goes on. It ends with 1 at the first violation; the report is written however it
ends.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.performance.machine import machine
from tests.support.bookkeeper.comparison import Violation
from tests.support.bookkeeper.keeper import Bookkeeper
from tests.support.killed import Group, group_open
from tests.support.venue import ROOT

TRADING_S = (0.05, 0.7)
STARTING_S = (0.1, 1.8)
STARTING_SHARE = 0.15
RECOVERY_S_MAX = 120.0
OUT = ROOT / "var" / "faults" / "kills.json"


@dataclass(slots=True)
class Kill:
    """One kill, and what was found behind it; `recovery_s`: to the first order acknowledged again."""

    number: int
    moment: str
    in_flight: dict[str, int]
    recovery_s: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    unknown: list[dict[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    audited: bool = False


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
        while keeper.acknowledged_sent_at < killed_at:
            assert time.monotonic() < killed_at + RECOVERY_S_MAX, f"not back:\n{group.venue.output}"
            await asyncio.sleep(0.005)
        kill.recovery_s = round(keeper.acknowledged_at - killed_at, 3)
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
        recoveries = sorted(kill.recovery_s for kill in self.kills if kill.recovery_s)
        return {
            "kills": len(self.kills),
            **(self.kills[-1].counts if self.kills else {}),
            "recovery_s_median": recoveries[len(recoveries) // 2] if recoveries else None,
            "recovery_s_max": recoveries[-1] if recoveries else None,
            "audits": sum(kill.audited for kill in self.kills),
            "violations": sum(len(kill.violations) for kill in self.kills),
        }


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
    sys.exit(1 if totals["violations"] else 0)


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
                f"{kill.recovery_s} s, {len(kill.unknown)} resolved, {len(kill.violations)} violations",
                flush=True,
            )
            for violation in kill.violations:
                print(f"    {violation}", flush=True)  # noqa: T201 - as above
    await running


if __name__ == "__main__":
    main()
