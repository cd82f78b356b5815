"""The messages of the public feed on the bus."""

import msgspec

from apps.marketdata.codes import InstrumentStatus, Side


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
