"""What the agents make of an empty book, in the venue's own engine."""

from collections import Counter
from dataclasses import replace
from functools import cache

import msgspec
import pytest

from apps.marketdata.codes import InstrumentKind
from apps.marketdata.new_venue import ASSETS, INSTRUMENTS, asset_command, instrument_command
from apps.orders.events import OrderAccepted, OrderAmended, OrderCanceled, OrderRejected, Trade
from apps.simulation.agents.makers import STYLES
from apps.simulation.agents.population import ACCOUNTS, Population
from apps.simulation.facts.ownvenue import BEGIN_NS, OwnVenue
from cift.wire.outcomes import CommandRejected
from tests.support.simulated import Study, study

SYMBOLS = ("AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD")


@cache
def minutes() -> Study:
    return study(seconds=180)


def test_the_same_seed_gives_the_same_commands() -> None:
    assert study(seed=3, seconds=20).commands == study(seed=3, seconds=20).commands


def test_another_seed_gives_other_commands() -> None:
    assert study(seed=3, seconds=5).commands != study(seed=4, seconds=5).commands


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_book_has_two_sides_of_twenty_levels_and_more(symbol: str) -> None:
    bids, asks = minutes().venue.levels(symbol)

    assert len(bids) >= 20
    assert len(asks) >= 20
    assert bids[0][0] < asks[0][0]


def test_every_instrument_trades_and_every_agent_but_the_slowest_takes_part() -> None:
    events = minutes().events
    traded = Counter(event.instrument for event in events if isinstance(event, Trade))
    resting = {event.maker_account for event in events if isinstance(event, Trade)}

    assert set(traded) == {1, 2, 3, 4, 5}
    assert len(resting) >= 3


def test_hardly_anything_is_refused() -> None:
    events = minutes().events
    refused = sum(isinstance(event, OrderRejected | CommandRejected) for event in events)
    accepted = sum(isinstance(event, OrderAccepted) for event in events)

    assert refused < accepted / 20


def test_no_order_is_moved_for_ever() -> None:
    restless = [msgspec.structs.replace(style, moves_max=15) for style in STYLES]
    events = study(seed=2, seconds=150, styles=restless).events
    moved = Counter(event.order_id for event in events if isinstance(event, OrderAmended))
    ended = {event.order_id for event in events if isinstance(event, OrderCanceled)}
    worn = {order for order, times in moved.items() if times == 15}

    assert max(moved.values()) == 15
    assert len(worn) > 20
    # The last ones are about to go.
    assert len(worn & ended) > 0.8 * len(worn)
    assert sum(isinstance(event, CommandRejected) for event in events) < len(worn)


def test_the_rate_is_about_what_was_asked_for() -> None:
    made = study(seed=5, seconds=120, rate=100)
    commands = made.venue.commands

    assert 40 * 120 < commands < 130 * 120


@pytest.mark.parametrize("rate", [5, 1_000])
def test_a_market_stands_at_the_slowest_and_the_fastest_rate(rate: int) -> None:
    made = study(seed=5, seconds=30, rate=rate)

    for symbol in SYMBOLS:
        bids, asks = made.venue.levels(symbol)
        assert bids
        assert asks
    assert made.venue.commands < 1.5 * rate * 30 + 1_000


def test_a_venue_that_lists_finer_ticks_and_higher_fees_has_a_market_as_well() -> None:
    listings = [
        replace(each, tick_size=1, maker_bp=5, taker_bp=10) if each.kind is InstrumentKind.COIN else each
        for each in INSTRUMENTS
    ]
    assets = [asset_command(each) for each in ASSETS]
    numbers = {asset.symbol: number for number, asset in enumerate(assets, start=1)}
    venue = OwnVenue(assets, [instrument_command(each, numbers) for each in listings])
    population = Population(venue.terms, seed=2, rate=100, at=BEGIN_NS, begin={}, prefix="fine")
    venue.run(population, seconds=30, observe=lambda _batch: None)

    for symbol in ("BTC-USD", "ETH-USD"):
        bids, asks = venue.levels(symbol)
        spread_bp = (asks[0][0] - bids[0][0]) / bids[0][0] * 1e4
        assert min(len(bids), len(asks)) >= 20
        # Makers pay more, so they want more.
        assert 8 < spread_bp < 25


def test_no_agent_is_another_s_account() -> None:
    assert len(set(ACCOUNTS)) == len(ACCOUNTS)
