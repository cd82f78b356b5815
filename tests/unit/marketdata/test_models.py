from typing import Any

import pytest
from django.db import IntegrityError

from apps.marketdata.models import Asset, FeeTier, Instrument

pytestmark = pytest.mark.django_db


def instrument(**changes: Any) -> Instrument:
    Asset.objects.get_or_create(id=1, defaults={"symbol": "USD", "scale": 6})
    Asset.objects.get_or_create(id=2, defaults={"symbol": "AAPL", "scale": 0})
    terms = {
        "id": 1,
        "symbol": "AAPL-USD",
        "kind": 0,
        "base_id": 2,
        "quote_id": 1,
        "price_scale": 2,
        "tick_size": 1,
        "lot_size": 1,
        "quantity_min": 1,
        "quantity_max": 100,
        "notional_min": 0,
        "band_ppm": 0,
        "slippage_ppm": 0,
        "reference_price": 0,
        "maker_ppm": 0,
        "taker_ppm": 0,
        "status": 0,
    }
    return Instrument.objects.create(**{**terms, **changes})


@pytest.mark.parametrize(
    "wrong",
    [
        {"tick_size": 0},
        {"lot_size": -1},
        {"price_scale": 13},
        {"status": 9},
        {"kind": 9},
        {"maker_ppm": 1_000_001},
        {"band_ppm": -1},
        {"base_id": 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_terms_no_instrument_can_have_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(IntegrityError):
        instrument(**wrong)


def test_a_scale_has_at_most_twelve_decimals() -> None:
    with pytest.raises(IntegrityError):
        Asset.objects.create(id=9, symbol="XYZ", scale=13)


def test_a_tier_has_one_pair_of_rates() -> None:
    rates = {"instrument": instrument(), "tier": 0, "maker_ppm": 1, "taker_ppm": 2}
    FeeTier.objects.create(**rates)
    with pytest.raises(IntegrityError):
        FeeTier.objects.create(**rates)
