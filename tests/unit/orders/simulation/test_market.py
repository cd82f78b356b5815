"""What the agents make of an empty book, in the venue's own engine."""

from collections import Counter
from functools import cache

import pytest

from apps.orders.events import OrderAccepted, OrderRejected, Trade
from apps.orders.simulation.population import ACCOUNTS
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
    makers = {event.maker_account for event in events if isinstance(event, Trade)}

    assert set(traded) == {1, 2, 3, 4, 5}
    assert len(makers) >= 3


def test_hardly_anything_is_refused() -> None:
    events = minutes().events
    refused = sum(isinstance(event, OrderRejected | CommandRejected) for event in events)
    accepted = sum(isinstance(event, OrderAccepted) for event in events)

    assert refused < accepted / 20


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


def test_no_agent_is_another_s_account() -> None:
    assert len(set(ACCOUNTS)) == len(ACCOUNTS)
