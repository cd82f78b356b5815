"""What a batch of the journal is in the streams: its events in their order, shared out by what they are about.

Every event of the journal is in `ORDERS` or in `EVENTS`; a trade is in `MARKET_DATA` as well, without whose it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from apps.marketdata.codes import Side
from apps.marketdata.messages import TradesMessage
from apps.orders.events import ORDER_EVENTS, AnyEvent, Trade, event_decode
from apps.orders.matching.journal import JournalRow
from cift.bus.streams import StreamMessage
from cift.wire.base import event_kind, frame_split, messages_split
from cift.wire.streams import (
    EVENTS,
    EVENTS_PER_MESSAGE_MAX,
    MARKET_DATA,
    ORDERS,
    STREAM_VERSION,
    PlaceMessage,
    Stream,
    StreamHead,
    events_subject,
    place_subject,
    stream_message_decode,
    trades_subject,
)
from cift.wire.subjects import message_id_of

PUBLISHED = (MARKET_DATA, ORDERS, EVENTS)
"""The streams the journal is published to."""

_OF_ORDERS = frozenset(kind.__struct_config__.tag for kind in ORDER_EVENTS)
_TRADE = Trade.__struct_config__.tag


class EventsMessage(StreamHead, frozen=True, gc=False):
    """Events of one batch, as the streams `ORDERS` and `EVENTS` keep them: each as it is in the journal.

    A batch with more than `EVENTS_PER_MESSAGE_MAX` has several messages, of which `part` counts from 0.
    """

    part: int
    events: list[AnyEvent]


class _EncodedEvents(StreamHead, frozen=True, gc=False):
    """An `EventsMessage` whose events need not be decoded to be encoded."""

    part: int
    events: list[msgspec.Raw]


T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_events_decoder = msgspec.msgpack.Decoder(EventsMessage)


def events_decode(message: bytes) -> EventsMessage:
    """Decode a message of the streams `ORDERS` and `EVENTS`.

    Raises:
        MessageUnknownError: it is none, or of a version that is not known.

    """
    return stream_message_decode(_events_decoder, message)


def messages_of(row: JournalRow, *, shard: int) -> Iterator[StreamMessage]:
    """Make all messages of a batch: the same ones in the same order, whenever it is read.

    Raises:
        FrameDamagedError, msgspec.DecodeError: the batch's events are none.

    """
    orders: list[msgspec.Raw] = []
    others: list[msgspec.Raw] = []
    trades: defaultdict[int, list[tuple[int, int, int, Side]]] = defaultdict(list)
    for section in frame_split(row.events):
        for event in messages_split(section):
            kind = event_kind(event)
            (orders if kind in _OF_ORDERS else others).append(msgspec.Raw(event))
            if kind == _TRADE:
                trade = event_decode(event)
                assert isinstance(trade, Trade)  # noqa: S101 - its kind says so
                trades[trade.instrument].append((trade.sequence, trade.price, trade.quantity, trade.taker_side))
    for instrument, rows in sorted(trades.items()):
        subject = trades_subject(shard, instrument)
        for part, some in enumerate(_parts(rows)):
            message = TradesMessage(STREAM_VERSION, shard, row.number, row.at, part, instrument, list(some))
            yield _message(MARKET_DATA, subject, message, part=part)
    for stream, events in ((ORDERS, orders), (EVENTS, others)):
        subject = events_subject(stream, shard)
        for part, encoded in enumerate(_parts(events)):
            batch = _EncodedEvents(STREAM_VERSION, shard, row.number, row.at, part, list(encoded))
            yield _message(stream, subject, batch, part=part)


def place_of_batch(stream: Stream, row: JournalRow, *, shard: int) -> StreamMessage:
    """Make what says that a stream has all up to a batch."""
    place = PlaceMessage(STREAM_VERSION, shard, row.number, row.at, row.last_sequence)
    return _message(stream, place_subject(stream, shard), place, part=0)


def _message(stream: Stream, subject: str, message: StreamHead, *, part: int) -> StreamMessage:
    name = message_id_of(shard=message.shard, number=message.number, subject=subject, part=part)
    return StreamMessage(stream.name, subject, name, _encoder.encode(message))


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(rows), EVENTS_PER_MESSAGE_MAX):
        yield rows[begin : begin + EVENTS_PER_MESSAGE_MAX]
