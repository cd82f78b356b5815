"""What every command and every event shares, and how they are framed.

Numbers are those of the wire: a price is an integer at the instrument's price scale, a quantity at the base asset's
scale, money in the asset's smallest unit, a time in ns since the epoch, UTC.
"""

import struct
import threading
from collections.abc import Iterable

import msgpack
import msgspec

COMMAND_VERSION = 1
COMMAND_BYTES_MAX = 65_536

COMMANDS_PER_FRAME_MAX = 1_000
"""The most commands the engine applies as one batch of the journal."""

COMMANDS_PER_REQUEST_MAX = 100
"""The most commands in one request to the order service: a gateway sends no more, a service takes no more."""

BATCH_MEMBERS_MAX = 100
"""The most commands of an account's own batch; the engine holds to it too."""


_LENGTH = struct.Struct("<I")


class FrameDamagedError(ValueError):
    """Bytes that are not the frame they should be."""


class Command(msgspec.Struct, array_like=True, tag_field="tag", frozen=True, gc=False, kw_only=True):
    """Something the order service is asked to do; the tag is its kind."""

    version: int = COMMAND_VERSION


class Event(msgspec.Struct, array_like=True, tag_field="tag", frozen=True, gc=False, kw_only=True):
    """Something that happened; the tag is its kind, `sequence` counts the shard's events without a gap."""

    sequence: int


class Reply(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The order service's answer to one command: batch number, its time, and the command's events."""

    number: int
    at: int
    section: bytes


_encoder = msgspec.msgpack.Encoder()

_ARRAY_16 = 0xDC
"""How MessagePack begins an array of more than 15 elements; their count is in two bytes behind it."""


def event_kind(message: bytes) -> int:
    """Read the kind of an encoded event, its first element, without decoding the rest."""
    return message[3] if message[0] == _ARRAY_16 else message[1]


def command_encode(command: Command) -> bytes:
    """Encode one command; equal commands give equal bytes."""
    return _encoder.encode(command)


def frame_pack(parts: Iterable[bytes]) -> bytes:
    """Put a little-endian 32-bit length before each part and join them."""
    pieces: list[bytes] = []
    for part in parts:
        pieces.append(_LENGTH.pack(len(part)))
        pieces.append(part)
    return b"".join(pieces)


def frame_split(frame: bytes) -> list[bytes]:
    """Take a frame apart again.

    Raises:
        FrameDamagedError: a length points past the end.
    """
    parts: list[bytes] = []
    offset, end = 0, len(frame)
    while offset < end:
        if offset + 4 > end:
            msg = "a frame ends inside a length"
            raise FrameDamagedError(msg)
        (length,) = _LENGTH.unpack_from(frame, offset)
        offset += 4
        if offset + length > end:
            msg = "a frame ends inside a part"
            raise FrameDamagedError(msg)
        parts.append(frame[offset : offset + length])
        offset += length
    return parts


class _Cutter(threading.local):
    """A thread's unpacker, kept: to make one costs four times what it then does with a command's events."""

    def __init__(self) -> None:
        self.unpacker = msgpack.Unpacker(max_buffer_size=0)


_cutter = _Cutter()


def messages_split(section: bytes) -> list[bytes]:
    """Cut concatenated MessagePack messages apart.

    Raises:
        FrameDamagedError: the last message is cut off or no MessagePack.
    """
    unpacker = _cutter.unpacker
    before = unpacker.tell()
    unpacker.feed(section)
    messages: list[bytes] = []
    start, end = 0, len(section)
    while start < end:
        try:
            unpacker.skip()
        except (msgpack.OutOfData, ValueError) as error:
            # What it was fed is still in it.
            _cutter.unpacker = msgpack.Unpacker(max_buffer_size=0)
            msg = "a section ends inside an event"
            raise FrameDamagedError(msg) from error
        stop = unpacker.tell() - before
        messages.append(section[start:stop])
        start = stop
    return messages
