"""`manage.py stylised_facts`: what the simulated market looks like, beside a recorded one."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError
from rich.console import Console

from apps.marketdata.feeds.lobster import FeedError
from apps.marketdata.new_venue import ASSETS, INSTRUMENTS, asset_command, instrument_command
from apps.orders.matching.errors import MatchingError
from apps.simulation.agents.population import Population
from apps.simulation.facts import recorded
from apps.simulation.facts.facts import Facts, facts_of
from apps.simulation.facts.holdings import Holding, Holdings, holdings_show
from apps.simulation.facts.observing import Observer
from apps.simulation.facts.ownvenue import BEGIN_NS, OwnVenue
from apps.simulation.facts.report import NothingRecordedError, facts_show, journal_tapes
from apps.simulation.facts.tape import Tape
from cift.settings.simulation import RATE_MAX, RATE_MIN, SEED_MAX

WARM_UP_S = 60
"""Of a simulated hour so much goes before: books fill in it."""

SECONDS_MIN, SECONDS_MAX = 60, 7 * 86_400

_SUPPLIED = Path(recorded.__file__).with_name("lobster_hour.json")
_RECORDED = "recorded"
_WIDTH = 160

T = TypeVar("T")


class Command(BaseCommand):
    """Measures the venue's journal, or a simulation in this process, faster than the clock."""

    help = "stylised facts of the simulated market, beside those of an hour of AAPL on Nasdaq"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; it reads, or touches nothing

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to measure."""
        parser.add_argument("--seconds", type=int, default=3_600, help="how much of it (default: an hour)")
        parser.add_argument(
            "--simulate", action="store_true", help="run the agents here instead of reading the journal"
        )
        parser.add_argument("--seed", type=int, default=1, help="with --simulate")
        parser.add_argument("--rate", type=int, default=settings.SIMULATION["RATE"], help="with --simulate: commands/s")
        parser.add_argument("--accounts", action="store_true", help="with --simulate: what the agents had meanwhile")
        parser.add_argument("--messages", type=Path, help="a recording in LOBSTER's format to measure instead")
        parser.add_argument("--opening-book", type=Path, help="the recording's order book file")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Measure and show."""
        for name, least, most in (
            ("seconds", SECONDS_MIN, SECONDS_MAX),
            ("seed", 0, SEED_MAX),
            ("rate", RATE_MIN, RATE_MAX),
        ):
            if not least <= options[name] <= most:
                self._end(f"--{name} must be a whole number from {least} to {most}, not {options[name]}")
        if options["accounts"]:
            self._accounts(options)
            return
        try:
            columns = {_RECORDED: _recording(options["messages"], options["opening_book"])}
            if options["simulate"]:
                tapes = simulated_tapes(seconds=options["seconds"], seed=options["seed"], rate=options["rate"])
            else:
                tapes = journal_tapes(settings.MATCHING["SHARD"], seconds=options["seconds"])
        except (NothingRecordedError, FeedError, MatchingError, DatabaseError) as error:
            self._end(str(error).strip())
        columns |= {tape.symbol: facts_of(tape) for tape in tapes}
        self._say(columns, facts_show, as_json=options["json"])

    def _accounts(self, options: dict[str, Any]) -> None:
        if not options["simulate"]:
            self._end("--accounts needs --simulate: what a venue's accounts have is in its tables")
        found = simulated_holdings(seconds=options["seconds"], seed=options["seed"], rate=options["rate"])
        self._say(found, holdings_show, as_json=options["json"])

    def _say(self, found: dict[str, T], show: Callable[[Console, dict[str, T]], None], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(msgspec.json.encode(found).decode())
            return
        console = Console(width=_WIDTH)
        with console.capture() as shown:
            show(console, found)
        self.stdout.write(shown.get(), ending="")

    def _end(self, line: str) -> NoReturn:
        self.stderr.write(line)
        raise SystemExit(1)


def _recording(messages: Path | None, book: Path | None) -> Facts:
    """Return the facts of a recording; without one, those of the hour they were measured of before."""
    if messages is None:
        return msgspec.json.decode(_SUPPLIED.read_bytes(), type=Facts)
    return facts_of(recorded.recorded_tape(messages, book, symbol=_RECORDED))


def simulated_tapes(*, seconds: int, seed: int, rate: int) -> list[Tape]:
    """Run the agents on the first listings in this process, and give what the market did."""
    venue, population = _study(seed=seed, rate=rate)
    begin = BEGIN_NS + WARM_UP_S * 10**9
    tapes = {number: Tape(each.symbol, each.tick_size, begin=begin) for number, each in enumerate(venue.terms, start=1)}
    observer = Observer(tapes)
    venue.run(
        population,
        seconds=seconds + WARM_UP_S,
        observe=lambda batch: observer.take(at=batch.at, events=batch.events),
    )
    observer.finish(BEGIN_NS + (seconds + WARM_UP_S) * 10**9)
    return list(tapes.values())


def simulated_holdings(*, seconds: int, seed: int, rate: int) -> dict[str, Holding]:
    """Run the agents likewise, and give what they had meanwhile."""
    venue, population = _study(seed=seed, rate=rate)
    holdings = Holdings(venue)
    venue.run(population, seconds=seconds, observe=holdings.observe)
    return holdings.accounts()


def _study(*, seed: int, rate: int) -> tuple[OwnVenue, Population]:
    assets = [asset_command(each) for each in ASSETS]
    numbers = {asset.symbol: number for number, asset in enumerate(assets, start=1)}
    venue = OwnVenue(assets, [instrument_command(each, numbers) for each in INSTRUMENTS])
    return venue, Population(venue.terms, seed=seed, rate=rate, at=BEGIN_NS, begin={}, prefix="study")
