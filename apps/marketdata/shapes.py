"""What clients see of instruments, books and trades."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from apps.marketdata.books import LevelBody, checksum, levels_body
from apps.marketdata.codes import InstrumentKind, InstrumentStatus, Side
from apps.marketdata.models import FeeTier, Instrument
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.ticks.base import Tick
from cift.decimals import decimal_format
from cift.texts import AssetText, DecimalText, IdText, SymbolText, TimeText, words
from cift.times import time_format
from cift.wire.queries import BookFound

_PPM_DECIMALS = 6
_BASIS_POINT_DECIMALS = 2

STATUS_NAMES: Mapping[int, str] = {member: member.name.lower() for member in InstrumentStatus}


KIND_NAMES = {member: member.name.lower() for member in InstrumentKind}

StatusText = Annotated[str, words(STATUS_NAMES.values())]

SIDES = {member.name.lower(): member for member in Side}
SIDE_NAMES: Mapping[int, str] = {member: name for name, member in SIDES.items()}
SideText = Annotated[str, words(SIDES)]


class FeeTierBody(msgspec.Struct, gc=False):
    """One tier's fees, in basis points of the notional."""

    tier: int
    maker_bps: DecimalText
    taker_bps: DecimalText


class InstrumentBody(msgspec.Struct, gc=False):
    """An instrument; `price_band` and `slippage_cap` are fractions of a price, null for none."""

    symbol: SymbolText
    kind: Annotated[str, words(KIND_NAMES.values())]
    base_asset: AssetText
    quote_asset: AssetText
    status: StatusText
    price_decimals: int
    quantity_decimals: int
    tick_size: DecimalText
    lot_size: DecimalText
    quantity_min: DecimalText
    quantity_max: DecimalText | None
    notional_min: DecimalText
    price_band: DecimalText | None
    slippage_cap: DecimalText | None
    reference_price: DecimalText | None
    fee_tiers: list[FeeTierBody]
    trading_hours: Annotated[None, msgspec.Meta(description="Null: it trades around the clock; there are no sessions.")]
    simulated: bool


class BookBody(msgspec.Struct, gc=False):
    """A book: levels `[price, quantity, orders]`, best first, and the checksum over the ten best of each side."""

    symbol: SymbolText
    status: StatusText
    sequence: int
    bids: list[LevelBody]
    asks: list[LevelBody]
    last_price: DecimalText | None
    checksum: int


class TickerBody(msgspec.Struct, gc=False):
    """The best levels of a book, and the price of the last trade; null where there is none."""

    symbol: SymbolText
    status: StatusText
    sequence: int
    bid: LevelBody | None
    ask: LevelBody | None
    last_price: DecimalText | None


class TradeBody(msgspec.Struct, gc=False):
    """A trade as everybody sees it."""

    id: IdText
    price: DecimalText
    quantity: DecimalText
    taker_side: SideText
    executed_at: TimeText
    sequence: int


def trade_body(trade: Tick, reference: InstrumentReference) -> TradeBody:
    """Return a trade's shape."""
    return TradeBody(
        id=str(trade.sequence),
        price=reference.price_format(trade.price),
        quantity=reference.quantity_format(trade.quantity),
        taker_side=SIDE_NAMES[trade.taker_side],
        executed_at=time_format(trade.at),
        sequence=trade.sequence,
    )


def instrument_body(row: Instrument, tiers: Iterable[FeeTier]) -> InstrumentBody:
    """Return an instrument's shape."""
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
        kind=KIND_NAMES[InstrumentKind(row.kind)],
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
        trading_hours=None,
        simulated=row.simulated,
    )


def book_body(book: BookFound, reference: InstrumentReference, *, depth: int) -> BookBody:
    """Return a book's shape; `book` holds at least the levels the checksum is over."""
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


def ticker_body(book: BookFound, reference: InstrumentReference) -> TickerBody:
    """Return the shape of a book's top."""
    bids, asks = levels_body(book.bids[:1], reference), levels_body(book.asks[:1], reference)
    return TickerBody(
        symbol=reference.symbol,
        status=STATUS_NAMES[book.status],
        sequence=book.instrument_sequence,
        bid=bids[0] if bids else None,
        ask=asks[0] if asks else None,
        last_price=reference.price_format(book.last_price) if book.last_price else None,
    )
