"""A simulated market in this process: the venue's first listings, and what its agents did."""

from dataclasses import dataclass, field

from apps.orders.events import AnyEvent, section_decode
from apps.orders.matching.engine import Batch, sections
from apps.orders.simulation.ownvenue import BEGIN_NS, OwnVenue
from apps.orders.simulation.population import Population
from cift.embedded.listing import ASSETS, INSTRUMENTS, asset_command, instrument_command


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


def study(*, seed: int = 7, seconds: int = 60, rate: int = 100) -> Study:
    assets = [asset_command(each) for each in ASSETS]
    numbers = {asset.symbol: number for number, asset in enumerate(assets, start=1)}
    venue = OwnVenue(assets, [instrument_command(each, numbers) for each in INSTRUMENTS])
    population = Population(venue.terms, seed=seed, rate=rate, at=BEGIN_NS, begin={}, prefix="test")
    made = Study(venue, population)
    venue.run(population, seconds=seconds, observe=made.take)
    return made
