"""The messages of the public channels; what they are sent with is in `docs/websocket.md`."""

import msgspec

from apps.marketdata.books import LevelBody

encode = msgspec.json.Encoder().encode


class BookSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """The best levels of a book, or all."""

    channel: str = "book"
    symbol: str
    depth: int
    sequence: int
    resumed: bool = False
    bids: list[LevelBody]
    asks: list[LevelBody]
    checksum: int


class BookUpdate(msgspec.Struct, tag_field="type", tag="update", gc=False, kw_only=True):
    """The levels that changed; "0" removes one."""

    channel: str = "book"
    symbol: str
    depth: int
    previous: int
    sequence: int
    bids: list[LevelBody]
    asks: list[LevelBody]
    checksum: int


class TradeBody(msgspec.Struct, gc=False):
    """One trade; `previous` is the `sequence` of the one before it, 0 before the first."""

    id: str
    price: str
    quantity: str
    taker_side: str
    executed_at: str
    sequence: int
    previous: int


class TradesSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """The last trades, oldest first; `sequence` is the last one's."""

    channel: str = "trades"
    symbol: str
    sequence: int
    resumed: bool = False
    trades: list[TradeBody]


class TradeMessage(msgspec.Struct, tag_field="type", tag="trade", gc=False, kw_only=True):
    """One trade."""

    channel: str = "trades"
    symbol: str
    id: str
    price: str
    quantity: str
    taker_side: str
    executed_at: str
    sequence: int
    previous: int


class TickerState(msgspec.Struct, gc=False, kw_only=True):
    """The best of both sides, and the last trade's price; null where there is none."""

    channel: str = "ticker"
    symbol: str
    sequence: int
    bid_price: str | None
    bid_quantity: str | None
    ask_price: str | None
    ask_quantity: str | None
    last_price: str | None
    at: str


class TickerSnapshot(TickerState, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """How it stands."""

    resumed: bool = False


class TickerUpdate(TickerState, tag_field="type", tag="update", gc=False, kw_only=True):
    """How it stands now; all fields, changed or not."""

    previous: int


class StatusSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False, kw_only=True):
    """Whether the instrument trades."""

    channel: str = "status"
    symbol: str
    sequence: int
    resumed: bool = False
    status: str
    at: str


class StatusUpdate(msgspec.Struct, tag_field="type", tag="update", gc=False, kw_only=True):
    """It changed."""

    channel: str = "status"
    symbol: str
    previous: int
    sequence: int
    status: str
    at: str
