"""`manage.py replay`: send a recorded order flow through the venue."""

import asyncio
import json
import logging
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Self

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from apps.marketdata.feeds.lobster import FeedError, FileUnreadableError, read_books
from apps.orders.matching.errors import MatchingError
from apps.replaying.preparation import BookNotEmptyError, InstrumentClosedError
from apps.replaying.recording import Recording, own_symbol
from apps.replaying.report import PARTIAL, compared, facts, failure_text, text
from apps.replaying.run import Replay, ReplayFailedError, Watch, reason_of
from apps.replaying.scan import OtherFlowError
from apps.replaying.sender import VenueGoneError
from apps.replaying.venue import NoVenueError, venue
from cift.errors.application import ApplicationError
from cift.fields import SYMBOL, FieldInvalidError

LINE_S = 5.0
# What a shell gives for a program ended by SIGINT.
INTERRUPTED = 130
EXPECTED = (
    FeedError,
    BookNotEmptyError,
    InstrumentClosedError,
    OtherFlowError,
    VenueGoneError,
    NoVenueError,
    MatchingError,
)


class Command(BaseCommand):
    """Replays a recording, or goes on with one that was broken off."""

    help = "Send a recorded order flow through the venue's services; started again, it goes on where it was broken off."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Read the command line."""
        parser.add_argument("file", type=Path, help="the recording, plain or gzip")
        parser.add_argument("--format", choices=("lobster",), required=True)
        parser.add_argument(
            "--instrument", required=True, help="what was recorded, AAPL-USD for one; it is replayed in AAPL.R-USD"
        )
        parser.add_argument(
            "--opening-book", type=Path, help="order book file whose first row the recording starts from"
        )
        parser.add_argument("--speed", default="max", type=_speed, help="times as fast as recorded, or max (default)")
        parser.add_argument(
            "--compare", type=Path, metavar="FILE", help="order book file to hold the best quotes against"
        )
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Replay, then report on standard output."""
        try:
            symbol = SYMBOL(own_symbol(SYMBOL(options["instrument"])))
        except FieldInvalidError as error:
            raise CommandError(f"--instrument: {error.detail}") from error
        recording = Recording(options["file"], options["opening_book"], symbol)
        try:
            report = asyncio.run(_replayed(recording, speed=options["speed"], against=options["compare"]))
        except KeyboardInterrupt:
            raise CommandError("broken off; the same command goes on from here", returncode=INTERRUPTED) from None
        except ReplayFailedError as error:
            self.stdout.write(
                json.dumps(error.done._asdict(), indent=2) if options["json"] else failure_text(error.done)
            )
            raise CommandError(str(error)) from error
        except EXPECTED as error:
            raise CommandError(str(error)) from error
        except ApplicationError as error:
            raise CommandError(reason_of(error)) from error
        self.stdout.write(json.dumps(report, indent=2) if options["json"] else text(report))


async def _replayed(recording: Recording, *, speed: float | None, against: Path | None) -> dict[str, Any]:
    with Shown() as shown:
        shown.stage("reading the recording")
        notes: set[str] = set()
        shown.stage(f"its instrument is {recording.symbol}")
        counts = await asyncio.to_thread(recording.check, notes)
        if against is not None:
            await asyncio.to_thread(_books_check, against, notes)
        for note in sorted(notes):
            shown.stage(note)
        if counts.is_partial:
            shown.stage(PARTIAL)
        replay = Replay(recording, speed, against, Watch(shown.stage, shown.start, shown.window))
        async with venue() as found:
            scan = await replay.run()
        agreed = compared(scan, replay.quotes) if against else None
        return facts(replay, scan, counts, agreed, own_venue=found.own)


def _books_check(path: Path, notes: set[str]) -> None:
    """Read an order book file before a venue is touched.

    Raises:
        FeedError: it cannot be used.

    """
    if not sum(1 for _ in read_books(path, notes=notes)):
        raise FileUnreadableError(path, "no rows")


class Shown:
    """Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        """Show nothing yet."""
        console = Console(stderr=True)
        self._live = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f}/s  {task.fields[trades]:,} trades"),
            TimeRemainingColumn(),
            console=console,
            disable=not self._live,
        )
        self._task: TaskID | None = None
        self._began = self._said = time.monotonic()
        self._done = self._sent = self._trades = self._total = 0

    def __enter__(self) -> Self:
        """Begin."""
        # The bar has the terminal's last line: what is logged while it runs goes above it, warnings only.
        logging.getLogger("apps").setLevel(logging.WARNING)
        self._progress.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """End."""
        self._progress.stop()

    def stage(self, name: str) -> None:
        """Say what is being done."""
        self._progress.console.print(name) if self._live else sys.stderr.write(f"{name}\n")

    def start(self, total: int, done: int) -> None:
        """Begin to count."""
        self._total, self._done, self._began = total, done, time.monotonic()
        self._task = self._progress.add_task("commands", total=total, completed=done, rate=0.0, trades=0)

    def window(self, steps: int, trades: int) -> None:
        """Count on."""
        self._done += steps
        self._sent += steps
        self._trades += trades
        now = time.monotonic()
        rate = self._sent / max(now - self._began, 1e-9)
        if self._task is not None:
            self._progress.update(self._task, completed=self._done, rate=rate, trades=self._trades)
        if not self._live and now - self._said >= LINE_S:
            self._said = now
            sys.stderr.write(f"{self._done:,} of {self._total:,} commands, {rate:,.0f}/s, {self._trades:,} trades\n")


def _speed(word: str) -> float | None:
    """Read `max` (None) or a number above zero; ValueError otherwise, which argparse reports."""
    if word == "max":
        return None
    speed = float(word)
    if not 0 < speed < float("inf"):
        raise ValueError(word)
    return speed
