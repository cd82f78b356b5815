"""How whole WebSocket frames reach one reader: what the socket application wants of a web server, beyond ASGI.

ASGI's `send` says nothing of a reader that does not read: some servers then buffer without bound, others wait without
end. And it takes text, so that each server would encode the same message once for each of its readers. So the
project's web servers put a `FrameWriter` into the scope's extensions. It takes a frame as it goes over the wire: a
server's frames are not masked, so the same bytes are right for all readers. Under a server that has none, `SendWriter`
stands in: all is said, but how much the server holds for a reader that does not read is the server's own affair.
"""

import asyncio
import logging
import struct
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from prometheus_client import Counter

EXTENSION = "cift.frames"
"""The scope's extension that holds `{"writer": FrameWriter, "inbound": Inbound}`."""

CLOSE_S_MAX = 5.0
"""How long a reader may take to answer a close frame before it is cut off."""

SYSTEM_BUFFER_BYTES = 64 * 1024
"""What the operating system is asked to hold for a reader; it may take twice that."""

MESSAGES_WAITING_MAX = 64
"""Past so many messages that have come and were not taken yet, a socket is not read from."""

CLOSE_SLOW = 4008
SLOW = "slow_consumer"

_TEXT_WHOLE = 0x81
_LENGTH_7_BITS_MAX = 125
_LENGTH_16_BITS_MAX = 0xFFFF
_LENGTH_IS_16_BITS = 126
_LENGTH_IS_64_BITS = 127

_FAULTS = {1007: "text not UTF-8", 1009: "message too large"}
_ENDED = Counter("cift_sockets_ended_by_venue", "Sockets the venue ended, by reason", ["reason"])

Send = Callable[[dict[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)


def ended_count(reason: str) -> None:
    """Count a socket the venue ends, at the one place that sends its close frame; without a reason none is counted."""
    if reason:
        _ENDED.labels(reason).inc()


def fault_of(code: int) -> str:
    """Return the reason to count when a server closes for what a client sent; servers word it differently."""
    return _FAULTS.get(code, "protocol error")


def frame_of(text: bytes) -> bytes:
    """Make one text message a frame (RFC 6455, section 5.2: final, not masked)."""
    length = len(text)
    if length <= _LENGTH_7_BITS_MAX:
        return struct.pack("!BB", _TEXT_WHOLE, length) + text
    if length <= _LENGTH_16_BITS_MAX:
        return struct.pack("!BBH", _TEXT_WHOLE, _LENGTH_IS_16_BITS, length) + text
    return struct.pack("!BBQ", _TEXT_WHOLE, _LENGTH_IS_64_BITS, length) + text


def text_of(frame: bytes) -> bytes:
    """Return the text of a frame made by `frame_of`."""
    match frame[1]:
        case 126:
            return frame[4:]
        case 127:
            return frame[10:]
        case _:
            return frame[2:]


class FrameWriter(ABC):
    """The way to one reader; used from its event loop."""

    def __init__(self) -> None:
        """Begin with nobody to tell."""
        self._drained: Callable[[], None] = lambda: None

    def on_drained(self, drained: Callable[[], None]) -> None:
        """Call this whenever there is room again."""
        self._drained = drained

    @property
    @abstractmethod
    def has_room(self) -> bool:
        """Return whether the server holds little enough for the reader."""

    @abstractmethod
    def write(self, frame: bytes) -> None:
        """Send a frame; never waits, and takes it even where there is no room."""

    def write_all(self, frames: Sequence[bytes]) -> None:
        """Send several frames as `write` would; in one call of the system where the server can."""
        for frame in frames:
            self.write(frame)

    @abstractmethod
    def close(self, code: int, reason: str) -> None:
        """Send nothing more but why, and end, and count it; who does not answer in `CLOSE_S_MAX` is cut off."""


class SendWriter(FrameWriter):
    """Stands in under a server without the extension: one frame at a time through ASGI's `send`."""

    _told = False

    def __init__(self, send: Send) -> None:
        """Take ASGI's `send`."""
        super().__init__()
        self._send = send
        self._events: deque[dict[str, Any]] = deque()
        self._sending: asyncio.Task[None] | None = None
        if not SendWriter._told:
            SendWriter._told = True
            logger.warning("this web server does not report how much it buffers for a slow reader")

    @property
    def has_room(self) -> bool:
        """Return whether the last frame has gone."""
        return not self._events

    def write(self, frame: bytes) -> None:
        """Send a frame behind those under way."""
        self._put({"type": "websocket.send", "text": text_of(frame).decode()})

    def close(self, code: int, reason: str) -> None:
        """Close behind the frame under way."""
        ended_count(reason)
        self._put({"type": "websocket.close", "code": code, "reason": reason})

    def _put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._events:
                await self._send(self._events[0])
                self._events.popleft()
                if not self._events:
                    self._drained()
        except OSError:
            # Some servers raise it, others say nothing: the reader has gone, and the receiving side is told too.
            self._events.clear()
        finally:
            self._sending = None


def frame_writer(scope: Mapping[str, Any], send: Send) -> FrameWriter:
    """Return the way to the reader of a socket's scope."""
    given = (scope.get("extensions") or {}).get(EXTENSION)
    writer: FrameWriter = SendWriter(send) if given is None else given["writer"]
    return writer


def frames_count_for(scope: Mapping[str, Any], address: str) -> None:
    """Say whose address the frames of a socket count for, as limits name it."""
    given = (scope.get("extensions") or {}).get(EXTENSION)
    if given is not None:
        given["inbound"].address = address
