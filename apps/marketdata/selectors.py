"""Reads of reference data, from the projected tables."""

from django.db.models import QuerySet

from apps.marketdata.models import FeeTier, Instrument


def instruments_all() -> QuerySet[Instrument]:
    """Give all instruments with their assets, in the order of listing."""
    return Instrument.objects.select_related("base", "quote").order_by("id")


def instrument_by_symbol(symbol: str) -> Instrument | None:
    """Find one instrument."""
    return instruments_all().filter(symbol=symbol).first()


def fee_tiers_of(instrument_id: int) -> QuerySet[FeeTier]:
    """Give the fee tiers of an instrument, lowest first."""
    return FeeTier.objects.filter(instrument_id=instrument_id).order_by("tier")
