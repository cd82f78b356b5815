"""What an agent's account holds in the beginning, and what is moved when it holds far less or far more.

Takers pay makers, both pay fees, and inventories wander: left alone, some accounts would run dry over weeks and others
would grow without end. So what is below a quarter of the beginning is filled up to it, and what is above seven quarters
is taken down to it, at most once a UTC day for each account and asset.
"""

from collections.abc import Mapping, Sequence

from apps.simulation.agents.profiles import CASH_WORTH, PROFILES, Terms

_QUARTERS = 4
_LEAST, _MOST = 1, 7
"""In quarters of what an account began with."""


def funds_of(terms: Sequence[Terms]) -> dict[str, int]:
    """Return what an agent's account begins with, in smallest units by asset."""
    stocks = {profile.symbol: profile.stock_worth for profile in PROFILES}
    simulated = [each for each in terms if each.symbol in stocks]
    funds = {each.base: each.lots_worth(stocks[each.symbol], price=each.reference_price) for each in simulated}
    return funds | {each.quote: CASH_WORTH * 10**each.quote_scale for each in simulated}


def moves_due(held: Mapping[str, int], funds: Mapping[str, int]) -> dict[str, int]:
    """Return what is to be paid in (more than 0) or taken out (less) of an account that holds this, by asset."""
    return {
        asset: amount - total
        for asset, amount in funds.items()
        if not _LEAST * amount <= _QUARTERS * (total := held.get(asset, 0)) <= _MOST * amount
    }
