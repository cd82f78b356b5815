"""The messages of the public feed on the bus, and of the stream of what is public."""

import msgspec

from apps.marketdata.codes import InstrumentStatus, Side
from cift.wire.streams import StreamHead, stream_message_decode


class BookBlock(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One instrument's changes of one batch, as the public feed carries them.

    Levels are `(price, quantity, orders)`, absolute, 0 removes; trades `(trade_id, price, quantity, taker_side)`;
    `previous_sequence` and `sequence` are the instrument's.
    """

    number: int
    at: int
    instrument: int
    previous_sequence: int
    sequence: int
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]
    best_bid: tuple[int, int] | None
    best_ask: tuple[int, int] | None
    trades: list[tuple[int, int, int, Side]]
    status: InstrumentStatus


_book_block_decoder = msgspec.msgpack.Decoder(BookBlock)


def book_block_decode(block: bytes) -> BookBlock:
    """Decode a block of the public feed."""
    return _book_block_decoder.decode(block)


class TradesMessage(StreamHead, frozen=True, gc=False):
    """Trades of one instrument in one batch, as the stream `MARKET_DATA` keeps them.

    Trades are `(trade_id, price, quantity, taker_side)`, a trade's id is its event's sequence. A batch with more than
    `EVENTS_PER_MESSAGE_MAX` has several messages, of which `part` counts from 0.
    """

    part: int
    instrument: int
    trades: list[tuple[int, int, int, Side]]


_trades_decoder = msgspec.msgpack.Decoder(TradesMessage)


def trades_decode(message: bytes) -> TradesMessage:
    """Decode a message of the stream `MARKET_DATA`.

    Raises:
        MessageUnknownError: it is none, or of a version that is not known.

    """
    return stream_message_decode(_trades_decoder, message)
