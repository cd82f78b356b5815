"""The streams NATS keeps: what each holds, its bounds, and the messages all of them share.

A stream is filled from the journal, which has all it says. What reads one acknowledges by itself; what was dropped at a
bound, or wiped, is made again from the journal as far back as the stream keeps it.

A message is a MessagePack array that begins with `version, shard, number, at`. Fields are added at the end alone; what
changes otherwise is a new version, and a reader sets aside what is of a version it does not know.
"""

from typing import NamedTuple, TypeVar

import msgspec

STREAM_VERSION = 1

EVENTS_PER_MESSAGE_MAX = 4_096
"""A batch with more has several messages on a subject."""

_MEBIBYTE = 1024 * 1024
_HOUR_S = 60 * 60
_DAY_S = 24 * _HOUR_S


class Stream(NamedTuple):
    """A stream: the subjects `{family}.…` are its own. At its bounds the oldest messages are dropped.

    `age_s`: how long it keeps a message. `duplicate_s`: for how long the double of a message's id is dropped.
    """

    name: str
    family: str
    bytes_max: int
    age_s: int
    message_bytes_max: int = 32 * _MEBIBYTE
    duplicate_s: int = 120
    retention: str = "limits"
    discard: str = "old"

    @property
    def subjects(self) -> tuple[str, ...]:
        """List the patterns of its subjects."""
        return (f"{self.family}.>",)


MARKET_DATA = Stream("MARKET_DATA", "market_data", bytes_max=1024 * _MEBIBYTE, age_s=7 * _DAY_S)
"""What is public: the trades of each instrument."""

ORDERS = Stream("ORDERS", "order_events", bytes_max=1024 * _MEBIBYTE, age_s=2 * _DAY_S)
"""What happened to orders, refusals included."""

SIGNALS = Stream("SIGNALS", "signals", bytes_max=128 * _MEBIBYTE, age_s=7 * _DAY_S)
"""What models say; nothing of the journal."""

EVENTS = Stream("EVENTS", "venue_events", bytes_max=1024 * _MEBIBYTE, age_s=2 * _DAY_S)
"""What happened to the venue, its accounts, balances and positions, assets and instruments."""

STREAMS = (MARKET_DATA, ORDERS, SIGNALS, EVENTS)


def trades_subject(shard: int, instrument: int) -> str:
    """Name where the trades of an instrument are kept, for each batch that has some. Payload: a `TradesMessage`."""
    return f"{MARKET_DATA.family}.trades.{shard}.{instrument}"


def events_subject(stream: Stream, shard: int) -> str:
    """Name where a shard's events are kept in `ORDERS` or `EVENTS`. Payload: an `EventsMessage`."""
    return f"{stream.family}.events.{shard}"


def place_subject(stream: Stream, shard: int) -> str:
    """Name where it is said that a stream has all up to a batch. Payload: a `PlaceMessage`."""
    return f"{stream.family}.place.{shard}"


class StreamHead(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How every message begins: the version of its schema, and the journal's batch it is of."""

    version: int
    shard: int
    number: int
    at: int


class PlaceMessage(StreamHead, frozen=True, gc=False):
    """The stream has all it is to have of the batches up to `number`, whose last event is `sequence`.

    Sent where some batches had nothing for the stream, at most once a second.
    """

    sequence: int


class MessageUnknownError(ValueError):
    """The bytes are no message of a stream, or one of a version this process does not know."""


HeadT = TypeVar("HeadT", bound=StreamHead)

_head_decoder = msgspec.msgpack.Decoder(StreamHead)
_place_decoder = msgspec.msgpack.Decoder(PlaceMessage)


def head_decode(message: bytes) -> StreamHead:
    """Read how a message begins, and hold its version to the one that is known.

    Raises:
        MessageUnknownError: it is none, or of another version.

    """
    return stream_message_decode(_head_decoder, message)


def place_decode(message: bytes) -> PlaceMessage:
    """Decode a place.

    Raises:
        MessageUnknownError: it is none, or of another version.

    """
    return stream_message_decode(_place_decoder, message)


def stream_message_decode(decoder: msgspec.msgpack.Decoder[HeadT], message: bytes) -> HeadT:
    """Decode a message whose version is the one that is known; the version is looked at first.

    Raises:
        MessageUnknownError: it is none, or of another version.

    """
    try:
        version = _head_decoder.decode(message).version
        if version == STREAM_VERSION:
            return decoder.decode(message)
    except (msgspec.DecodeError, RecursionError) as error:
        text = f"{len(message)} bytes are no such message: {error}"
        raise MessageUnknownError(text) from error
    text = f"a message is of version {version}, and {STREAM_VERSION} is known"
    raise MessageUnknownError(text)
