from decimal import Decimal

import pytest

from apps.marketdata.listing import ASSETS, INSTRUMENTS, NOTIONAL_MIN, QUOTE, InstrumentListing, units

SCALES = {asset.symbol: asset.scale for asset in ASSETS}


@pytest.mark.parametrize("listing", INSTRUMENTS, ids=lambda listing: listing.symbol)
def test_a_tick_times_a_lot_is_a_whole_number_of_the_quote_s_smallest_unit(listing: InstrumentListing) -> None:
    worth = Decimal(listing.tick_size).scaleb(-listing.price_scale) * Decimal(listing.lot)

    assert units(worth, scale=SCALES[QUOTE]) >= 1


@pytest.mark.parametrize("listing", INSTRUMENTS, ids=lambda listing: listing.symbol)
def test_the_largest_order_at_twice_the_reference_fits_the_wire(listing: InstrumentListing) -> None:
    worth = 2 * Decimal(listing.reference) * Decimal(listing.largest)

    assert units(worth, scale=SCALES[QUOTE]) < 2**63
    assert worth > NOTIONAL_MIN


def test_the_five_instruments_are_listed_in_a_fixed_order() -> None:
    symbols = [listing.symbol for listing in INSTRUMENTS]

    assert symbols == ["AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD"]


def test_more_decimals_than_the_scale_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.001 has more than 2 decimals"):
        units("0.001", scale=2)
