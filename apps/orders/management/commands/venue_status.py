"""`manage.py venue_status`: how the venue is, on one screen."""

import asyncio
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TextIO, cast

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from apps.orders.monitoring.status import VenueStatus, venue_status
from cift.bus import buses
from cift.errors.application import ApplicationError

WATCH_S_MIN, WATCH_S_MAX = 0.2, 3_600.0
_MIB = 1024 * 1024


class Command(BaseCommand):
    """Shows processes, the writer, the followers, and the books' tops; exit code 1 when the venue takes no orders."""

    help = "Show how the venue is: processes, writer, queue, lag, sockets, tops of the books."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the forms of the answer."""
        parser.add_argument("--json", action="store_true", help="print it as JSON")
        parser.add_argument(
            "--watch", nargs="?", type=float, const=1.0, metavar="SECONDS", help="go on, every second or so many"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Look once, or until Ctrl-C."""
        watch: float | None = options["watch"]
        if watch is not None and not WATCH_S_MIN <= watch <= WATCH_S_MAX:
            raise CommandError(f"--watch takes {WATCH_S_MIN:g} to {WATCH_S_MAX:g} seconds")
        try:
            with suppress(KeyboardInterrupt):
                ready = asyncio.run(self._look(watch, as_json=options["json"]))
                if not ready:
                    raise SystemExit(1)
        except (ApplicationError, DatabaseError) as error:
            cause = error.__cause__ or error
            line = f"no venue was ever started on this data, or its tables cannot be read: {cause}"
            raise CommandError(line, returncode=2) from error

    async def _look(self, watch: float | None, *, as_json: bool) -> bool:
        try:
            status = await venue_status()
            if as_json:
                await self._lines(status, watch)
            else:
                await self._screen(status, watch)
        finally:
            await buses["default"].close()
        return status.ready

    async def _lines(self, status: VenueStatus, watch: float | None) -> None:
        if watch is None:
            self.stdout.write(json.dumps(msgspec.to_builtins(status), indent=2))
        while watch is not None:
            self.stdout.write(json.dumps(msgspec.to_builtins(status)))
            await asyncio.sleep(watch)
            status = await venue_status()

    async def _screen(self, status: VenueStatus, watch: float | None) -> None:
        console = Console(file=cast("TextIO", self.stdout), highlight=False)
        if watch is None:
            console.print(screen(status))
            return
        with Live(screen(status), console=console, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(watch)
                live.update(screen(await venue_status()), refresh=True)


def screen(status: VenueStatus) -> RenderableType:
    """Lay a look at the venue out."""
    return Group(_summary(status), _processes(status), _books(status))


def _summary(status: VenueStatus) -> Table:
    table = Table(title=f"CIFT Markets, {status.at}", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in _lines_of(status):
        table.add_row(name, value)
    return table


def _lines_of(status: VenueStatus) -> Iterator[tuple[str, str]]:
    service = status.service
    if service is None:
        yield "order service", "[red]none answers[/red]; what follows is from the tables"
    else:
        color = "green" if status.ready else "red"
        detail = f": {service.detail}" if service.detail else ""
        yield "order service", f"[{color}]{service.state}[/{color}]{detail}, epoch {service.epoch}"
        yield "queue", f"{service.queue:,} commands"
        yield "sockets", f"{service.sockets:,}"
        if service.recovery_s is not None:
            yield "last recovery", f"{service.recovery_s:.2f} s, {service.recoveries} since it started"
    if status.halt is not None:
        yield "trading", f"[red]halted[/red]: {status.halt}"
    if status.kill_switch:
        yield "kill switch", "[red]on[/red]: every new order is refused"
    yield "journal", f"sequence {status.journal_sequence:,}, last snapshot at {status.snapshot_sequence:,}"
    for name, follower in status.followers.items():
        yield name, f"{follower.lag_events:,} events behind ({follower.lag_batches:,} batches)"
    if status.ticks_sequence is None:
        yield "trades", "[red]their store cannot be read[/red]"
    else:
        yield "trades", f"{max(status.journal_sequence - status.ticks_sequence, 0):,} events behind"
    if status.open_orders is not None:
        yield "open orders", f"{status.open_orders:,}, as verified"


def _processes(status: VenueStatus) -> Table:
    table = Table(title="processes", title_justify="left")
    for column in ("process", "runs", "memory", "processor time"):
        table.add_column(column, justify="left" if column == "runs" else "right")
    for each in status.processes:
        memory = "" if each.memory is None else f"{each.memory / _MIB:.0f} MiB"
        table.add_row(str(each.pid), each.name, memory, f"{each.processor_s:.1f} s")
    return table


def _books(status: VenueStatus) -> Table:
    table = Table(title="tops of the books", title_justify="left")
    for column in ("symbol", "market", "bid", "ask", "last"):
        table.add_column(column, justify="left" if column in ("symbol", "market") else "right")
    for top in status.books:
        table.add_row(top.symbol, "simulated" if top.simulated else "", top.bid or "", top.ask or "", top.last or "")
    return table
