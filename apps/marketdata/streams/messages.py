"""The messages of the public channels; what they are sent with is in `docs/reference/websocket.md`."""

from typing import Annotated

import msgspec

from apps.marketdata.books import LevelBody
from apps.marketdata.candles.intervals import INTERVALS_S
from apps.marketdata.shapes import CandleBody, DayBody, StatusText, TradeBody
from cift.texts import DecimalText, SymbolText, TimeText

encode = msgspec.json.Encoder().encode

DEPTHS = (10, 50, 0)
"""Levels a side a book may have; 0: all."""

IntervalText = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(INTERVALS_S)})]
DepthNumber = Annotated[int, msgspec.Meta(extra_json_schema={"enum": list(DEPTHS)})]


class BookLevels(msgspec.Struct, gc=False, kw_only=True):
    """Levels of a book, and the checksum over its ten best of each side."""

    channel: str = "book"
    symbol: SymbolText
    depth: DepthNumber
    sequence: int
    bids: list[LevelBody]
    asks: list[LevelBody]
    checksum: int


class BookSnapshot(BookLevels, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """The best levels of a book, or all."""

    resumed: bool = False


class BookUpdate(BookLevels, tag_field="type", tag="update", gc=False, kw_only=True):
    """The levels that changed; "0" removes one."""

    previous: int


class TapeTrade(TradeBody, gc=False, kw_only=True):
    """One trade; `previous` is the `sequence` of the one before it, 0 before the first."""

    previous: int


class TradeMessage(TapeTrade, tag_field="type", tag="trade", gc=False, kw_only=True):
    """One trade."""

    channel: str = "trades"
    symbol: SymbolText


class TradesSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """The last trades, oldest first; `sequence` is the last one's."""

    channel: str = "trades"
    symbol: SymbolText
    sequence: int
    resumed: bool = False
    trades: list[TapeTrade]


class TickerState(msgspec.Struct, gc=False, kw_only=True):
    """The best of both sides, and the last trade's price; null where there is none."""

    channel: str = "ticker"
    symbol: SymbolText
    sequence: int
    bid_price: DecimalText | None
    bid_quantity: DecimalText | None
    ask_price: DecimalText | None
    ask_quantity: DecimalText | None
    last_price: DecimalText | None
    at: TimeText


class TickerSnapshot(TickerState, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """How it stands."""

    resumed: bool = False


class TickerUpdate(TickerState, tag_field="type", tag="update", gc=False, kw_only=True):
    """How it stands now; all fields, changed or not."""

    previous: int


class TickerEntry(msgspec.Struct, gc=False, kw_only=True):
    """One instrument: its best of both sides, its last price, and its last 24 hours, null until they could be read."""

    symbol: SymbolText
    status: StatusText
    sequence: int
    bid_price: DecimalText | None
    bid_quantity: DecimalText | None
    ask_price: DecimalText | None
    ask_quantity: DecimalText | None
    last_price: DecimalText | None
    day: DayBody | None


class TickersState(msgspec.Struct, gc=False, kw_only=True):
    """Instruments in the order they were listed; `sequence` is the channel's own, and rises with time."""

    channel: str = "tickers"
    sequence: int
    tickers: list[TickerEntry]


class TickersSnapshot(TickersState, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """All instruments."""

    resumed: bool = False


class TickersUpdate(TickersState, tag_field="type", tag="update", gc=False, kw_only=True):
    """Those that have changed, each with all its fields."""

    previous: int


class CandlesState(msgspec.Struct, gc=False, kw_only=True):
    """The open candle; null before the first trade of an interval."""

    channel: str = "candles"
    symbol: SymbolText
    interval: IntervalText
    sequence: int
    candle: CandleBody | None


class CandlesSnapshot(CandlesState, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """How it stands."""

    resumed: bool = False


class CandlesUpdate(CandlesState, tag_field="type", tag="update", gc=False, kw_only=True):
    """How it stands now, and the candles that closed since `previous`, oldest first."""

    previous: int
    closed: list[CandleBody]


class TradingState(msgspec.Struct, gc=False, kw_only=True):
    """Whether an instrument trades, since when."""

    channel: str = "status"
    symbol: SymbolText
    sequence: int
    status: StatusText
    at: TimeText


class StatusSnapshot(TradingState, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """Whether the instrument trades."""

    resumed: bool = False


class StatusUpdate(TradingState, tag_field="type", tag="update", gc=False, kw_only=True):
    """It changed."""

    previous: int


class VenueState(msgspec.Struct, gc=False, kw_only=True):
    """Whether the venue's kill switch is on: no instrument takes new orders then."""

    channel: str = "status"
    symbol: None = None
    sequence: int
    kill_switch: bool
    at: TimeText


class VenueStatusSnapshot(VenueState, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """How the switch stands; `sequence` is the venue's."""

    resumed: bool = False


class VenueStatusUpdate(VenueState, tag_field="type", tag="update", gc=False, kw_only=True):
    """It was set the other way."""

    previous: int
