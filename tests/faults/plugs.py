"""Any plug of the production topology pulled at random moments, and what clients were told held against what is there.

    .venv/bin/python -m tests.faults.plugs --count 88 --seed 1 --json FILE

starts the stack, lets traders order over REST and sockets, kills (kill -9) or stops (SIGSTOP, for some seconds) one of
its processes or servers, or empties Valkey or NATS' store, waits until an order is acknowledged again, compares, and
goes on. It ends with 1 at the first violation; the report is written however it ends.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from redis import Redis

from apps.marketdata.ticks.questdb_link import QuestDBLink, QuestDBRefusedError, QuestDBUnavailableError
from cift.stack.questdb import READER
from cift.stack.valkey import valkey_url
from tests.performance.machine import machine
from tests.support.bookkeeper.comparison import Violation
from tests.support.bookkeeper.keeper import Bookkeeper
from tests.support.stack import RunningStack
from tests.support.venue import ROOT

TRADING_S = (0.2, 1.5)
STOPPED_S = (0.5, 6.0)
GIVE_UP_S = 120.0
AUDIT_S_MAX = 300.0
OUT = ROOT / "var" / "faults" / "plugs.json"
_PARTS = {
    "order service": "run_matching",
    "projector": "run_projector",
    "publisher": "run_publisher",
    "web process": "run_web",
    "worker": "run_worker",
    "beat": "run_beat",
    "PostgreSQL": "postgres",
    "NATS": "nats-server",
    "Valkey": "valkey-server",
    "QuestDB": "questdb",
}
"""A part's name, and a word of its command."""

_VALKEY_EMPTIED, _NATS_EMPTIED = "empty Valkey", "empty NATS"
FAULTS = (*(f"{how} {part}" for part in _PARTS for how in ("kill", "stop")), _VALKEY_EMPTIED, _NATS_EMPTIED)
_BESIDE_ORDERS = ("worker", "beat", "Valkey", "QuestDB", "projector", "publisher")
"""Whatever becomes of these, orders are acknowledged as before."""

_TRADES_OF_TABLES = """
    SELECT instrument_id, count(*), sum(quantity), sum(notional), max(trade_id)
    FROM orders_fill WHERE liquidity = 1 GROUP BY 1 ORDER BY 1
"""
_TRADES_OF_QUESTDB = """
    SELECT instrument, count(), sum(quantity), sum(notional), max(sequence) FROM ticks ORDER BY 1
"""


@dataclass(slots=True)
class Pulled:
    """One fault, and what was found behind it; `again_s`: from it to an order sent later and acknowledged."""

    number: int
    fault: str
    again_s: float | None = None
    violations: list[str] = field(default_factory=list)


class Pulling:
    """Pulls one plug after the other."""

    def __init__(self, stack: RunningStack, *, seed: int, faults: Sequence[str] = FAULTS) -> None:
        """Take a stack that runs, and which faults come."""
        self.pulled: list[Pulled] = []
        self._stack = stack
        self._dice = random.Random(seed)  # noqa: S311 - a test's dice
        self._keeper = Bookkeeper(port=stack.port, logins=stack.logins(), seed=seed, tls=stack.tls)
        self._faults = faults

    async def run(self, *, count: int) -> None:
        """Do so many faults, each kind once before any comes again; then compare everything from the first order on."""
        waiting: list[str] = []
        async with self._keeper as keeper:
            keeper.go()
            for _ in range(count):
                waiting = waiting or self._dice.sample(self._faults, len(self._faults))
                await self._once(waiting.pop())
                if self.pulled[-1].violations:
                    return
            self._take(await keeper.settle())
            for look in (self._audit, self._trades_differ):
                found = await asyncio.to_thread(look)
                if found is not None:
                    self.pulled[-1].violations.append(found)

    async def _once(self, fault: str) -> None:
        pulled = Pulled(len(self.pulled) + 1, fault)
        self.pulled.append(pulled)
        await asyncio.sleep(self._dice.uniform(*TRADING_S))
        began = time.monotonic()
        how, _, part = fault.partition(" ")
        if fault == _VALKEY_EMPTIED:
            await asyncio.to_thread(self._valkey_empty)
            await self._again(pulled, began)
        elif fault == _NATS_EMPTIED:
            # As a lost disk is: the server comes back without what it kept.
            server = self._process("NATS")
            await asyncio.to_thread(shutil.rmtree, self._stack.folder / "nats" / "jetstream", ignore_errors=True)
            server.kill()
            await self._again(pulled, began)
        elif how == "kill":
            self._process(part).kill()
            await self._again(pulled, began)
        else:
            with _stopped(self._process(part)):
                if part in _BESIDE_ORDERS:
                    await self._again(pulled, began)
                await asyncio.sleep(self._dice.uniform(*STOPPED_S))
            await self._again(pulled, began)
        self._take(await self._keeper.compare())
        self._keeper.go()

    async def _again(self, pulled: Pulled, began: float) -> None:
        """Wait until an order sent behind a moment is acknowledged; the first such moment counts."""
        try:
            at = await self._keeper.acknowledged_behind(began, seconds=GIVE_UP_S)
        except TimeoutError as error:
            message = f"nothing is acknowledged {GIVE_UP_S:.0f} s after {pulled.fault}:\n{self._stack.output}"
            raise AssertionError(message) from error
        if pulled.again_s is None:
            pulled.again_s = round(at - began, 3)

    def _process(self, part: str) -> psutil.Process:
        """Choose one of a part's processes; one that was just killed may be on its way back."""
        give_up_at = time.monotonic() + GIVE_UP_S
        while not (found := self._stack.pids(_PARTS[part])):
            assert time.monotonic() < give_up_at, self._stack.output
            time.sleep(0.02)
        return psutil.Process(self._dice.choice(sorted(found)))

    def _valkey_empty(self) -> None:
        stack = self._stack
        with Redis.from_url(valkey_url(port=stack.ports.valkey, password=stack.password("valkey"))) as client:
            client.flushall()

    def _take(self, found: list[Violation]) -> None:
        self.pulled[-1].violations += [f"{each.kind}: {each.detail}" for each in found]

    def _audit(self) -> str | None:
        """Run the audit beside it; return its first violation."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "audit", "--json"],
            env={**os.environ, **self._stack.manage_environment()},
            capture_output=True,
            text=True,
            check=False,
            timeout=AUDIT_S_MAX,
        )
        return None if done.returncode == 0 else f"audit: {done.stdout}{done.stderr}".strip()

    def _trades_differ(self) -> str | None:
        """Hold QuestDB's trades against the tables', by instrument, once the workers have caught up."""
        wanted = [tuple(map(int, row)) for row in self._stack.rows("cift", _TRADES_OF_TABLES)]
        link = QuestDBLink(
            host="127.0.0.1",
            port=self._stack.ports.questdb_sql,
            user=READER,
            password=self._stack.password("questdb-reader"),
        )
        give_up_at = time.monotonic() + GIVE_UP_S
        found: list[tuple[int, ...]] = []
        try:
            while found != wanted and time.monotonic() < give_up_at:
                time.sleep(0.2)
                with suppress(QuestDBRefusedError, QuestDBUnavailableError):
                    found = [tuple(map(int, row)) for row in link.run(_TRADES_OF_QUESTDB)]
        finally:
            link.close()
        return None if found == wanted else f"trades: QuestDB has {found}, the tables {wanted}"

    def totals(self) -> dict[str, Any]:
        """Sum up."""
        took: dict[str, list[float]] = {}
        for each in self.pulled:
            if each.again_s is not None:
                took.setdefault(each.fault, []).append(each.again_s)
        return {
            "faults": len(self.pulled),
            **self._keeper.counts(),
            "violations": sum(len(each.violations) for each in self.pulled),
            "again_s": {fault: {"median": median(each), "max": max(each)} for fault, each in sorted(took.items())},
            "kinds": dict(Counter(each.fault for each in self.pulled)),
        }


@contextmanager
def _stopped(process: psutil.Process) -> Iterator[None]:
    """Stop a process, and let it go on."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        if process.is_running():
            process.send_signal(signal.SIGCONT)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.plugs", description="Pull plugs, and look behind.")
    parser.add_argument("--count", type=int, default=88)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=OUT, help="where the report goes")
    chosen = parser.parse_args()
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cift-plugs-") as folder:
        stack = RunningStack(Path(folder)).start()
        try:
            stack.wait_for("CIFT Markets is open")
            pulling = Pulling(stack, seed=chosen.seed)
            try:
                asyncio.run(_told(pulling, chosen.count))
            finally:
                totals = pulling.totals()
                report = {
                    "seed": chosen.seed,
                    "count": chosen.count,
                    "seconds": round(time.monotonic() - began, 1),
                    "totals": totals,
                    "machine": machine(),
                    "pulled": [asdict(each) for each in pulling.pulled],
                }
                chosen.json.write_text(json.dumps(report, indent=1))
        finally:
            stack.end()
    print(json.dumps(totals, indent=1))  # noqa: T201 - a command's output
    sys.exit(1 if totals["violations"] else 0)


async def _told(pulling: Pulling, count: int) -> None:
    """Pull, and say how far it is."""
    running = asyncio.create_task(pulling.run(count=count))
    said = 0
    while not running.done():
        await asyncio.wait([running], timeout=1)
        for each in pulling.pulled[said:-1] if not running.done() else pulling.pulled[said:]:
            said += 1
            line = (
                f"{each.number}/{count}  {each.fault}: again after {each.again_s} s, {len(each.violations)} violations"
            )
            print(line, *each.violations, sep="\n    ", flush=True)  # noqa: T201 - a command's output
    await running


if __name__ == "__main__":
    main()
