"""What clients see of instruments, books, trades and candles."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from apps.marketdata.books import LevelBody, checksum, levels_body
from apps.marketdata.candles.folding import Candle
from apps.marketdata.codes import InstrumentKind, InstrumentStatus, Side
from apps.marketdata.models import FeeTier, Instrument
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.ticks.base import DayStatistics, Tick
from cift.decimals import decimal_format
from cift.texts import AssetText, DecimalText, IdText, SymbolText, TimeText, words
from cift.times import time_format
from cift.wire.queries import BookFound

_PPM_DECIMALS = 6
_BASIS_POINT_DECIMALS = 2
_PERCENT_DECIMALS = 2

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


class DayBody(msgspec.Struct, gc=False):
    """What was traded in 24 hours, begun with a whole minute; null where nothing was."""

    begins_at: TimeText
    open: DecimalText | None
    high: DecimalText | None
    low: DecimalText | None
    change: Annotated[DecimalText | None, msgspec.Meta(description="The last price less `open`.")]
    change_percent: Annotated[DecimalText | None, msgspec.Meta(description="`change` of `open`, half away from 0.")]
    volume: Annotated[DecimalText, msgspec.Meta(description="Of the base asset.")]
    quote_volume: Annotated[DecimalText, msgspec.Meta(description="Of the quote asset.")]
    trades: int


class DayTickerBody(msgspec.Struct, gc=False):
    """An instrument's last price, however old, and its last 24 hours."""

    symbol: SymbolText
    status: StatusText
    last_price: DecimalText | None
    day: DayBody


class CandleBody(msgspec.Struct, gc=False):
    """The trades of an interval; where there were none all prices are the last one before it."""

    begins_at: TimeText
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: Annotated[DecimalText, msgspec.Meta(description="Of the base asset.")]
    quote_volume: Annotated[DecimalText, msgspec.Meta(description="Of the quote asset.")]
    trades: int
    closed: Annotated[bool, msgspec.Meta(description="Whether nothing can come to it any more.")]


class TickerBody(msgspec.Struct, gc=False):
    """The best levels of a book, the price of the last trade, and the last 24 hours; null where there is none."""

    symbol: SymbolText
    status: StatusText
    sequence: int
    bid: LevelBody | None
    ask: LevelBody | None
    last_price: DecimalText | None
    day: DayBody


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


def candle_body(candle: Candle, reference: InstrumentReference, *, closed: bool) -> CandleBody:
    """Return a candle's shape."""
    price = reference.price_format
    return CandleBody(
        begins_at=time_format(candle.start_at),
        open=price(candle.open),
        high=price(candle.high),
        low=price(candle.low),
        close=price(candle.close),
        volume=reference.quantity_format(candle.volume),
        quote_volume=reference.amount_format(candle.notional),
        trades=candle.trades,
        closed=closed,
    )


def day_body(day: DayStatistics, reference: InstrumentReference) -> DayBody:
    """Return the shape of 24 hours."""

    def price(value: int | None) -> str | None:
        return None if value is None else reference.price_format(value)

    change = percent = None
    if day.open is not None and day.last is not None:
        moved = day.last - day.open
        change = reference.price_format(moved)
        hundredths = (abs(moved) * 20_000 + day.open) // (2 * day.open)
        percent = decimal_format(hundredths if moved > 0 else -hundredths, scale=_PERCENT_DECIMALS)
    return DayBody(
        begins_at=time_format(day.begins_at),
        open=price(day.open),
        high=price(day.high),
        low=price(day.low),
        change=change,
        change_percent=percent,
        volume=reference.quantity_format(day.volume),
        quote_volume=reference.amount_format(day.notional),
        trades=day.trades,
    )


def day_ticker_body(row: Instrument, day: DayStatistics, reference: InstrumentReference) -> DayTickerBody:
    """Return the shape of an instrument's last price and 24 hours."""
    return DayTickerBody(
        symbol=row.symbol,
        status=STATUS_NAMES[row.status],
        last_price=None if day.last is None else reference.price_format(day.last),
        day=day_body(day, reference),
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


def ticker_body(book: BookFound, day: DayStatistics, reference: InstrumentReference) -> TickerBody:
    """Return the shape of a book's top and of the last 24 hours."""
    bids, asks = levels_body(book.bids[:1], reference), levels_body(book.asks[:1], reference)
    return TickerBody(
        symbol=reference.symbol,
        status=STATUS_NAMES[book.status],
        sequence=book.instrument_sequence,
        bid=bids[0] if bids else None,
        ask=asks[0] if asks else None,
        last_price=reference.price_format(book.last_price) if book.last_price else None,
        day=day_body(day, reference),
    )
