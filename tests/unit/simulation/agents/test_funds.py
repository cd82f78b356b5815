"""Money and stocks of agents stay bounded: what is far off is moved back, and what is moved is no reason to trade."""

import pytest

from apps.simulation.agents.agent import NS, Stock
from apps.simulation.agents.funds import funds_of, moves_due
from apps.simulation.agents.population import ACCOUNTS
from apps.simulation.facts.holdings import Holdings
from tests.support.simulated import market

FUNDS = {"USD": 1_000, "BTC": 80}


@pytest.mark.parametrize(
    ("held", "moves"),
    [
        ({"USD": 1_000, "BTC": 80}, {}),
        ({"USD": 250, "BTC": 140}, {}),
        ({"USD": 249, "BTC": 80}, {"USD": 751}),
        ({"USD": 1_000, "BTC": 141}, {"BTC": -61}),
        ({"BTC": 80}, {"USD": 1_000}),
    ],
)
def test_what_is_far_off_is_moved_back_to_the_beginning(held: dict[str, int], moves: dict[str, int]) -> None:
    assert moves_due(held, FUNDS) == moves


def test_a_stock_that_is_paid_in_or_out_is_usual_at_once() -> None:
    venue, _ = market(seed=1, rate=100)
    terms = venue.terms[0]
    stock = Stock(terms, limit_worth=1_000_000, price=terms.reference_price)
    limit = terms.lots_worth(1_000_000, price=terms.reference_price)
    stock.update(50_000, at=0)
    stock.update(50_000 + limit // 2, at=NS)
    traded = stock.excess
    stock.update(50_000 + limit // 2 + 3 * limit, at=2 * NS)

    assert traded == pytest.approx(0.5, rel=1e-3)
    assert stock.excess == pytest.approx(0.5, rel=1e-2)


def test_a_venue_moves_what_is_far_off_once_a_day_for_each_asset() -> None:
    venue, population = market(
        seed=1, rate=100, settle_ns=5 * NS, due=lambda held, _funds: {"USD": -7} if held["USD"] else {}
    )
    holdings = Holdings(venue)
    venue.run(population, seconds=12, observe=holdings.observe)

    assert sorted(venue.moves) == sorted((name, -7) for name in ACCOUNTS)
    assert {held.moved_out for held in holdings.accounts().values()} == {1}


def test_every_simulated_instrument_s_assets_are_funded() -> None:
    venue, _ = market(seed=1, rate=100)

    assert set(funds_of(venue.terms)) == {"USD", "AAPL", "MSFT", "SPY", "BTC", "ETH"}
