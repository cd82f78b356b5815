"""A simulated market in this process: the venue's first listings, and what its agents did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.marketdata.new_venue import ASSETS, INSTRUMENTS, asset_command, instrument_command
from apps.orders.events import AnyEvent, section_decode
from apps.orders.matching.engine import Batch, sections
from apps.simulation.agents.makers import STYLES, Style
from apps.simulation.agents.population import Population
from apps.simulation.facts.observing import Observer
from apps.simulation.facts.ownvenue import BEGIN_NS, OwnVenue
from apps.simulation.facts.tape import Tape


@dataclass
class Study:
    """A run of the agents on an engine of their own."""

    venue: OwnVenue
    population: Population
    commands: list[bytes] = field(default_factory=list)
    events: list[AnyEvent] = field(default_factory=list)

    def take(self, batch: Batch) -> None:
        self.commands.append(batch.commands)
        for section in sections(batch.events):
            self.events += section_decode(section)


def study(*, seed: int = 7, seconds: int = 60, rate: int = 100, styles: Sequence[Style] = STYLES) -> Study:
    made = Study(*market(seed=seed, rate=rate, styles=styles))
    made.venue.run(made.population, seconds=seconds, observe=made.take)
    return made


def market(*, seed: int, rate: int, styles: Sequence[Style] = STYLES, **options: Any) -> tuple[OwnVenue, Population]:
    """Make the venue, with its constructor's `options`, and its agents."""
    assets = [asset_command(each) for each in ASSETS]
    numbers = {asset.symbol: number for number, asset in enumerate(assets, start=1)}
    venue = OwnVenue(assets, [instrument_command(each, numbers) for each in INSTRUMENTS], **options)
    return venue, Population(venue.terms, seed=seed, rate=rate, at=BEGIN_NS, begin={}, prefix="test", styles=styles)


def study_taped(*, seconds: int, seed: int = 7) -> tuple[OwnVenue, list[Tape]]:
    """The same, with what an observer of the events writes down."""
    venue, population = market(seed=seed, rate=100)
    tapes = {number: Tape(each.symbol, each.tick_size, begin=BEGIN_NS) for number, each in enumerate(venue.terms, 1)}
    observer = Observer(tapes)
    venue.run(population, seconds=seconds, observe=lambda batch: observer.take(at=batch.at, events=batch.events))
    return venue, list(tapes.values())
