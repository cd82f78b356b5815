"""The trading process: the agents, in real time, over sockets of their own. Started by `manage.py simulate`.

Nothing of the venue's code runs here but its arithmetic of decimals: it is a client, and a small process.
`python -m apps.simulation.live --plan FD [--lifeline FD]`
"""

import argparse
import asyncio
import logging
import os
import sys
import time
from collections import defaultdict

import msgspec

from apps.simulation.agents.funds import moves_due
from apps.simulation.agents.messages import Action
from apps.simulation.agents.population import Population
from apps.simulation.client.desk import Counts, Desk, LoginOverError
from apps.simulation.client.plan import Plan
from apps.simulation.client.rest import Rest, tls_context
from cift.processes.stopping import stop_on_signals, stopped_within
from cift.times import elapsed_ns

TURN_NS = 50_000_000
"""What agents do within so long is sent together."""

SAID_EVERY_S = 600.0
FUND_CHECK_S = 60.0
FUND_EVERY_S = 3_600.0
CLOSE_S_MAX = 3.0

_NS = 1_000_000_000

logger = logging.getLogger("simulation")


class Live:
    """A simulation that trades."""

    def __init__(self, plan: Plan) -> None:
        """Make the agents and their desks."""
        self._plan = plan
        self._news = asyncio.Event()
        self._counts = Counts()
        self._population = Population(
            plan.terms, seed=plan.seed, rate=plan.rate, at=elapsed_ns(), begin=plan.begin, prefix=plan.run
        )
        rest = Rest(host=plan.host, port=plan.port, context=tls_context(plan.certificate))
        self._desks = {
            name: Desk(
                name,
                plan=plan,
                population=self._population,
                counts=self._counts,
                feeds=place == 0,
                woken=self._news.set,
                rest=rest,
            )
            for place, name in enumerate(plan.logins)
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until stopped.

        Raises:
            LoginOverError: an account's login is over.

        """
        tasks = [asyncio.create_task(desk.keep(stop)) for desk in self._desks.values()]
        tasks += [asyncio.create_task(work(stop)) for work in (self._trade, self._fund, self._say)]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((*tasks, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            await asyncio.wait(tasks, timeout=CLOSE_S_MAX)
            for task in (*tasks, stopping):
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _trade(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            now = elapsed_ns()
            asleep = frozenset(name for name, desk in self._desks.items() if desk.is_busy)
            parts: defaultdict[str, list[Action]] = defaultdict(list)
            for action in self._population.act(now, asleep=asleep):
                parts[action.account].append(action)
            for name, actions in parts.items():
                await self._desks[name].trade(actions)
            await self._turn(now)

    async def _turn(self, began: int) -> None:
        """Wait for the next turn anybody wants to act in; news may make that sooner."""
        while True:
            at = max(self._population.next_at, began + TURN_NS)
            left_s = (at - elapsed_ns()) / _NS
            if left_s <= 0:
                return
            self._news.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _fund(self, stop: asyncio.Event) -> None:
        """Have accounts that hold far too little or too much moved back, at most once an hour."""
        funded_at = 0.0
        while not await stopped_within(stop, FUND_CHECK_S):
            off = sorted(name for name, desk in self._desks.items() if desk.awake and self._is_off(desk))
            if not off or (funded_at and time.monotonic() - funded_at < FUND_EVERY_S):
                continue
            funded_at = time.monotonic()
            logger.info("the funds of %s are moved back to where they began", ", ".join(off))
            process = await asyncio.create_subprocess_exec(*self._plan.fund_command)
            await process.wait()

    def _is_off(self, desk: Desk) -> bool:
        return bool(moves_due(desk.balances, self._plan.funds))

    async def _say(self, stop: asyncio.Event) -> None:
        before = 0
        while not await stopped_within(stop, SAID_EVERY_S):
            counts = self._counts
            per_s, before = (counts.commands - before) / SAID_EVERY_S, counts.commands
            logger.info(
                "%.0f commands/s; since the start %s commands, %s refused, %s reconnects, %s unknown outcomes resolved",
                per_s,
                counts.commands,
                counts.refused,
                counts.reconnects,
                counts.unknown_executed + counts.unknown_never,
            )


def main() -> None:
    """Read the plan and trade."""
    parser = argparse.ArgumentParser(description="the simulation's trading process; started by `manage.py simulate`")
    parser.add_argument("--plan", type=int, required=True, metavar="FD", help="where the plan is read from")
    parser.add_argument("--lifeline", type=int, metavar="FD", help="end when this file descriptor is closed")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)
    with os.fdopen(options.plan, "rb") as file:
        plan = msgspec.json.decode(file.read(), type=Plan)
    try:
        asyncio.run(_main(plan, options.lifeline))
    except LoginOverError as error:
        sys.exit(str(error))


async def _main(plan: Plan, lifeline: int | None) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop, lifeline=lifeline)
    await Live(plan).run(stop)


if __name__ == "__main__":
    main()
