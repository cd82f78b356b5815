"""What clients see of instruments and books."""

from collections.abc import Iterable

import msgspec

from apps.marketdata.books import LevelBody, checksum, levels_body
from apps.marketdata.codes import InstrumentKind, InstrumentStatus
from apps.marketdata.models import FeeTier, Instrument
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.selectors import BookFound
from cift.decimals import decimal_format

_PPM_DECIMALS = 6
_BASIS_POINT_DECIMALS = 2

STATUS_NAMES = {member: member.name.lower() for member in InstrumentStatus}


class FeeTierBody(msgspec.Struct, gc=False):
    """One tier's fees, in basis points of the notional."""

    tier: int
    maker_bps: str
    taker_bps: str


class InstrumentBody(msgspec.Struct, gc=False):
    """An instrument; `price_band` and `slippage_cap` are fractions of a price, null for none."""

    symbol: str
    kind: str
    base_asset: str
    quote_asset: str
    status: str
    price_decimals: int
    quantity_decimals: int
    tick_size: str
    lot_size: str
    quantity_min: str
    quantity_max: str | None
    notional_min: str
    price_band: str | None
    slippage_cap: str | None
    reference_price: str | None
    fee_tiers: list[FeeTierBody]
    simulated: bool


class BookBody(msgspec.Struct, gc=False):
    """A book: levels `[price, quantity, orders]`, best first, and the checksum over the ten best of each side."""

    symbol: str
    status: str
    sequence: int
    bids: list[LevelBody]
    asks: list[LevelBody]
    last_price: str | None
    checksum: int


def instrument_body(row: Instrument, tiers: Iterable[FeeTier]) -> InstrumentBody:
    """Give an instrument's shape."""
    base_scale = row.base.scale

    def price(value: int) -> str:
        return decimal_format(value, scale=row.price_scale)

    def quantity(value: int) -> str:
        return decimal_format(value, scale=base_scale)

    def fraction(ppm: int) -> str | None:
        return decimal_format(ppm, scale=_PPM_DECIMALS) if ppm else None

    fees = {0: (row.maker_ppm, row.taker_ppm), **{tier.tier: (tier.maker_ppm, tier.taker_ppm) for tier in tiers}}
    return InstrumentBody(
        symbol=row.symbol,
        kind=InstrumentKind(row.kind).name.lower(),
        base_asset=row.base.symbol,
        quote_asset=row.quote.symbol,
        status=STATUS_NAMES[InstrumentStatus(row.status)],
        price_decimals=row.price_scale,
        quantity_decimals=base_scale,
        tick_size=price(row.tick_size),
        lot_size=quantity(row.lot_size),
        quantity_min=quantity(row.quantity_min),
        quantity_max=quantity(row.quantity_max) if row.quantity_max else None,
        notional_min=decimal_format(row.notional_min, scale=row.quote.scale),
        price_band=fraction(row.band_ppm),
        slippage_cap=fraction(row.slippage_ppm),
        reference_price=price(row.reference_price) if row.reference_price else None,
        fee_tiers=[
            FeeTierBody(
                tier=tier,
                maker_bps=decimal_format(maker, scale=_BASIS_POINT_DECIMALS),
                taker_bps=decimal_format(taker, scale=_BASIS_POINT_DECIMALS),
            )
            for tier, (maker, taker) in sorted(fees.items())
        ],
        simulated=row.simulated,
    )


def book_body(book: BookFound, reference: InstrumentReference, *, depth: int) -> BookBody:
    """Give a book's shape; `book` holds at least the levels the checksum is over."""
    bids, asks = levels_body(book.bids, reference), levels_body(book.asks, reference)
    return BookBody(
        symbol=reference.symbol,
        status=STATUS_NAMES[book.status],
        sequence=book.instrument_sequence,
        bids=bids[:depth] if depth else bids,
        asks=asks[:depth] if depth else asks,
        last_price=reference.price_format(book.last_price) if book.last_price else None,
        checksum=checksum(bids, asks),
    )
