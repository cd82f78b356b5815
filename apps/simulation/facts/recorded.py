"""From a recording in LOBSTER's format to a tape, by the same rules as the venue's own."""

from pathlib import Path

from apps.marketdata.feeds.lobster import Message, MessageType, opening_book, read_messages
from apps.simulation.facts.tape import ASK, BID, Tape

TICK_SIZE = 100
"""A cent, in the recording's ten-thousandths of a dollar."""

_TAKING = frozenset({MessageType.REDUCE, MessageType.DELETE, MessageType.EXECUTE})


def recorded_tape(messages: Path, book: Path | None, *, symbol: str, warm_up_s: int = 60) -> Tape:
    """Read a recording; the first seconds only build the book, for what rested before is known to ten levels.

    Raises:
        FeedError: a file cannot be used.

    """
    rows = read_messages(messages)
    first = next(rows)
    tape = Tape(symbol, TICK_SIZE, begin=first.time + warm_up_s * 10**9)
    if book is not None:
        opening = opening_book(book, messages)
        for side, levels in ((BID, opening.bids), (ASK, opening.asks)):
            for level in levels:
                tape.change(side, level.price, level.size)
    orders: dict[int, int] = {}
    _take(tape, first, orders)
    last = first
    for last in rows:
        tape.advance(last.time)
        _take(tape, last, orders)
    tape.advance(last.time)
    return tape


def _take(tape: Tape, message: Message, orders: dict[int, int]) -> None:
    side = BID if message.direction > 0 else ASK
    if message.type is MessageType.ADD:
        tape.count(message.time)
        tape.change(side, message.price, message.size)
        orders[message.order] = message.size
    elif message.type in _TAKING:
        is_trade = message.type is MessageType.EXECUTE
        tape.change(side, message.price, -message.size, traded=is_trade)
        if is_trade:
            # The direction is the resting order's; who takes at one instant from one side is one taker.
            tape.trade(message.time, sign=-message.direction, quantity=message.size, taker=0)
        else:
            tape.count(message.time)
