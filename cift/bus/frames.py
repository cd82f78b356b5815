"""A local bus's Unix socket carries frames: a little-endian 32-bit length, then `[op, id, subject, payload]`."""

import asyncio
import struct
from enum import IntEnum

import msgspec

from cift.bus.base import PAYLOAD_BYTES_MAX, BusError, BusOverloaded, PayloadTooLarge, RequestTimeout, VenueUnavailable

_LENGTH = struct.Struct("<I")
_OVERHEAD_BYTES_MAX = 1024
SUBJECT_CHARS_MAX = 200


class Op(IntEnum):
    """What a frame is for; `id` is the request's or the subscription's."""

    REQUEST = 1
    PUBLISH = 2
    SUBSCRIBE = 3
    UNSUBSCRIBE = 4
    ANSWER = 5
    FAILURE = 6
    MESSAGE = 7
    GAP = 8
    SUBSCRIBED = 9


class Frame(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message on the socket."""

    op: Op
    id: int = 0
    subject: str = ""
    payload: bytes = b""


class FrameError(ValueError):
    """What came is no frame; the connection is of no more use."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)

_FAILURES: dict[str, type[BusError]] = {
    "overloaded": BusOverloaded,
    "unavailable": VenueUnavailable,
    "timeout": RequestTimeout,
    "too_large": PayloadTooLarge,
}


def payload_check(subject: str, payload: bytes) -> None:
    """Hold a payload and its subject to their bounds.

    Raises:
        PayloadTooLarge: one of them is above.

    """
    if len(payload) > PAYLOAD_BYTES_MAX or len(subject) > SUBJECT_CHARS_MAX:
        raise PayloadTooLarge(f"{len(payload)} bytes to {subject[:SUBJECT_CHARS_MAX]}, at most {PAYLOAD_BYTES_MAX}")


def frame_encode(frame: Frame) -> bytes:
    """Encode a frame with its length."""
    body = _encoder.encode(frame)
    return _LENGTH.pack(len(body)) + body


async def frame_read(reader: asyncio.StreamReader) -> Frame:
    """Read one frame.

    Raises:
        FrameError: too long, or not a frame.
        asyncio.IncompleteReadError: the other end is gone.

    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > PAYLOAD_BYTES_MAX + _OVERHEAD_BYTES_MAX:
        raise FrameError(f"a frame of {length} bytes")
    try:
        return _decoder.decode(await reader.readexactly(length))
    except msgspec.MsgspecError as error:
        raise FrameError(f"not a frame: {error}") from error


def failure_code(error: BusError) -> str:
    """Name what kind of failure it is."""
    return next(code for code, kind in _FAILURES.items() if isinstance(error, kind))


def failure_of(code: str, text: bytes) -> BusError:
    """Make the exception a failure's name and text stand for."""
    return _FAILURES.get(code, RequestTimeout)(text.decode(errors="replace"))


def failure_encode(request_id: int, error: BusError) -> bytes:
    """Encode why a request has no answer."""
    return frame_encode(Frame(Op.FAILURE, request_id, failure_code(error), str(error).encode()))


def failure_decode(frame: Frame) -> BusError:
    """Make the exception a failure frame stands for."""
    return failure_of(frame.subject, frame.payload)
