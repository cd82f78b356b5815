"""Reads of reference data, from the projected tables, and of books, from the writer's memory."""

from django.db.models import QuerySet

from apps.marketdata.models import Asset, FeeTier, Instrument
from cift.orderservice.gateway import gateway
from cift.wire.queries import BookFound, BookQuery


def assets_all() -> QuerySet[Asset]:
    """Return all assets in the order of listing."""
    return Asset.objects.order_by("id")


def instruments_all() -> QuerySet[Instrument]:
    """Return all instruments with their assets, in the order of listing."""
    return Instrument.objects.select_related("base", "quote").order_by("id")


def instrument_by_symbol(symbol: str) -> Instrument | None:
    """Find one instrument."""
    return instruments_all().filter(symbol=symbol).first()


def fee_tiers_of(instrument_id: int) -> QuerySet[FeeTier]:
    """Return the fee tiers of an instrument, lowest first."""
    return FeeTier.objects.filter(instrument_id=instrument_id).order_by("tier")


async def book_find(*, instrument: int, depth: int = 0) -> BookFound | None:
    """Ask the writer for a book, `depth` levels a side, 0 for all.

    Raises:
        ApplicationError: `venue_unavailable`, `overloaded`.

    """
    return await gateway().query(BookQuery(instrument, depth))
