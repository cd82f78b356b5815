from decimal import Decimal

import pytest

from apps.marketdata.new_venue import ASSETS, INSTRUMENTS, NOTIONAL_MIN, QUOTE, InstrumentListing
from cift.decimals import decimal_parse

SCALES = {asset.symbol: asset.scale for asset in ASSETS}


@pytest.mark.parametrize("listing", INSTRUMENTS, ids=lambda listing: listing.symbol)
def test_a_tick_times_a_lot_is_a_whole_number_of_the_quote_s_smallest_unit(listing: InstrumentListing) -> None:
    worth = Decimal(listing.tick_size).scaleb(-listing.price_scale) * Decimal(listing.lot)

    assert decimal_parse(f"{worth:f}", scale=SCALES[QUOTE]) >= 1


@pytest.mark.parametrize("listing", INSTRUMENTS, ids=lambda listing: listing.symbol)
def test_the_largest_order_at_twice_the_reference_fits_the_wire(listing: InstrumentListing) -> None:
    worth = 2 * Decimal(listing.reference) * Decimal(listing.largest)

    assert decimal_parse(f"{worth:f}", scale=SCALES[QUOTE]) < 2**63
    assert worth > Decimal(NOTIONAL_MIN)


def test_the_five_instruments_are_listed_in_a_fixed_order() -> None:
    symbols = [listing.symbol for listing in INSTRUMENTS]

    assert symbols == ["AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD"]
