"""Reads of reference data, from the projected tables, and of books, from the writer's memory."""

import msgspec
from django.db.models import QuerySet

from apps.marketdata.codes import InstrumentStatus
from apps.marketdata.models import Asset, FeeTier, Instrument
from cift.orderservice.gateway import gateway

_QUERY_BOOK = 2


class BookFound(msgspec.Struct, array_like=True, frozen=True):
    """An instrument's book; levels are `(price, quantity, orders)`, best first; `last_price` is 0 before any trade."""

    instrument: int
    instrument_sequence: int
    sequence: int
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]
    last_price: int
    status: InstrumentStatus


_book_decoder: msgspec.msgpack.Decoder[BookFound | None] = msgspec.msgpack.Decoder(BookFound | None)


def assets_all() -> QuerySet[Asset]:
    """Give all assets in the order of listing."""
    return Asset.objects.order_by("id")


def instruments_all() -> QuerySet[Instrument]:
    """Give all instruments with their assets, in the order of listing."""
    return Instrument.objects.select_related("base", "quote").order_by("id")


def instrument_by_symbol(symbol: str) -> Instrument | None:
    """Find one instrument."""
    return instruments_all().filter(symbol=symbol).first()


def fee_tiers_of(instrument_id: int) -> QuerySet[FeeTier]:
    """Give the fee tiers of an instrument, lowest first."""
    return FeeTier.objects.filter(instrument_id=instrument_id).order_by("tier")


async def book_find(*, instrument: int, depth: int = 0) -> BookFound | None:
    """Ask the writer for a book, `depth` levels a side, 0 for all.

    Raises:
        ApplicationError: `venue_unavailable`, `overloaded`.

    """
    return _book_decoder.decode(await gateway().query(msgspec.msgpack.encode([_QUERY_BOOK, instrument, depth])))
