"""`manage.py simulate`: agents that trade at the running venue, until told to stop."""

import asyncio
import os
import secrets
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from apps.simulation.accounts import (
    NothingToSimulateError,
    accounts_prepare,
    begin_prices,
    logins_make,
    scales_read,
    terms_read,
)
from apps.simulation.agents.funds import funds_of
from apps.simulation.client.plan import Plan
from cift.bus import buses
from cift.errors.application import ApplicationError
from cift.processes.folder_lock import FolderInUse, process_lock
from cift.processes.loopback import reachable
from cift.processes.threads import database_call
from cift.processes.workers import EXIT_FAULT
from cift.settings.simulation import RATE_MAX, RATE_MIN, SEED_MAX

_UNAVAILABLE_S = 0.25
_PATIENCE_S = 60.0
_MANAGE = Path(__file__).resolve().parents[4] / "manage.py"


def _between(least: int, most: int, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(text)
    return int(text)


class Command(BaseCommand):
    """Prepares the agents' accounts, then becomes the trading process, which knows nothing of Django."""

    help = "trade at the running venue as a market of agents; SIMULATION_RATE and SIMULATION_SEED, or --rate and --seed"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; it starts without delay

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how much, from which seed, and for how long."""
        parser.add_argument("--rate", metavar="N", help=f"commands/s of all agents together, {RATE_MIN} to {RATE_MAX}")
        parser.add_argument("--seed", metavar="N", help="the same seed makes the same fair values and arrivals")
        parser.add_argument("--fund", action="store_true", help="only move the agents' funds back, then end")
        parser.add_argument("--lifeline", type=int, metavar="FD", help="end when this file descriptor is closed")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Prepare, and trade."""
        rate = self._number(options["rate"], "--rate", RATE_MIN, RATE_MAX, settings.SIMULATION["RATE"])
        given = settings.SIMULATION["SEED"]
        seed = self._number(options["seed"], "--seed", 0, SEED_MAX, secrets.randbits(32) if given is None else given)
        try:
            if options["fund"]:
                asyncio.run(self._fund())
                return
            lock = process_lock(settings.DATA_DIR, file="simulation.lock", what="simulation")
            plan = asyncio.run(self._prepare(rate=rate, seed=seed))
        except (FolderInUse, NothingToSimulateError) as error:
            self._end(str(error))
        except (ApplicationError, TimeoutError) as error:
            self._end(f"the simulation cannot start: no order service does its part ({error})")
        except DatabaseError as error:
            self._end(f"the simulation cannot start: {str(error).strip()}")
        self.stderr.write(
            f"simulation: {len(plan.logins)} accounts trade {', '.join(each.symbol for each in plan.terms)}, "
            f"about {rate} commands/s, seed {seed}"
        )
        self._become(plan, lock=lock, lifeline=options["lifeline"])

    async def _prepare(self, *, rate: int, seed: int) -> Plan:
        try:
            terms = await terms_read()
            await self._answered()
            await accounts_prepare(terms)
            certificate = settings.TLS["certificate"] if settings.TLS else ""
            return Plan(
                host=reachable(settings.HOST),
                port=settings.PORT,
                certificate=str(certificate),
                seed=seed,
                rate=rate,
                run=f"s{secrets.token_hex(4)}",
                terms=terms,
                begin=await begin_prices(terms),
                scales=scales_read(terms),
                funds=funds_of(terms),
                logins=await database_call(logins_make),
                access_s=settings.IDENTITIES["ACCESS_S"],
                fund_command=[sys.executable, str(_MANAGE), "simulate", "--fund"],
            )
        finally:
            await buses["default"].close()

    async def _answered(self) -> None:
        """Wait for an order service."""
        terms = await terms_read()
        give_up_at = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                await begin_prices(terms[:1])
            except ApplicationError:
                if asyncio.get_running_loop().time() > give_up_at:
                    raise
                await asyncio.sleep(_UNAVAILABLE_S)
            else:
                return

    async def _fund(self) -> None:
        try:
            await accounts_prepare(await terms_read())
        finally:
            await buses["default"].close()

    def _become(self, plan: Plan, *, lock: int, lifeline: int | None) -> NoReturn:
        """Replace this process: the pid, the lock and the lifeline stay, Django goes."""
        reading, writing = os.pipe()
        words = [sys.executable, "-m", "apps.simulation.live", f"--plan={reading}"]
        for descriptor in (reading, lock, *(() if lifeline is None else (lifeline,))):
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - the standard library's own shape
        if lifeline is not None:
            words.append(f"--lifeline={lifeline}")
        _write_aside(writing, msgspec.json.encode(plan))
        os.chdir(_MANAGE.parent)
        os.execv(sys.executable, words)  # noqa: S606 - our own module, without a shell

    def _number(self, text: str | None, name: str, least: int, most: int, default: int) -> int:
        if text is None:
            return default
        try:
            return _between(least, most, text)
        except ValueError:
            self._end(f"{name} must be a whole number from {least} to {most}, not {text!r}")

    def _end(self, line: str) -> NoReturn:
        self.stderr.write(line)
        raise SystemExit(EXIT_FAULT)


def _write_aside(descriptor: int, content: bytes) -> None:
    """Write into a pipe nobody reads yet: what it has no room for would wait for ever.

    Raises:
        BlockingIOError: it has no room.

    """
    os.set_blocking(descriptor, False)
    with os.fdopen(descriptor, "wb", buffering=0) as pipe:
        if pipe.write(content) != len(content):
            message = "the plan is larger than a pipe"
            raise BlockingIOError(message)
