"""uvicorn's WebSocket with a frame writer, and with an end for readers that do not read.

As it comes, uvicorn waits in `send` until the transport has room, closing included, and closes a transport only when
all it holds is gone: a reader that has stopped keeps its socket, and the application that would end it waits with it.
"""

import socket
import struct
from asyncio.transports import BaseTransport
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

from cift.servers.connections import Place
from cift.servers.frames import (
    CLOSE_S_MAX,
    CLOSE_SLOW,
    EXTENSION,
    SLOW,
    SYSTEM_BUFFER_BYTES,
    FrameWriter,
    ended_count,
    fault_of,
)
from cift.servers.inbound import Inbound

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent


class UvicornWriter(FrameWriter):
    """A socket's transport."""

    def __init__(self, protocol: "UvicornSocket") -> None:
        """Take the socket."""
        super().__init__()
        self._protocol = protocol

    @property
    def has_room(self) -> bool:
        """Return whether the transport holds less than its bound (64 KiB, asyncio's default)."""
        return self._protocol.writable.is_set()

    def write(self, frame: bytes) -> None:
        """Hand a frame to the transport."""
        protocol = self._protocol
        if protocol.handshake_complete and not protocol.close_sent and not protocol.disconnected:
            protocol.transport.write(frame)

    def write_all(self, frames: Sequence[bytes]) -> None:
        """Hand several frames on in one piece."""
        self.write(b"".join(frames))

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, and cut off who does not answer it in time."""
        self._protocol.end(code, reason)

    def drained(self) -> None:
        """Report that there is room again."""
        self._drained()


class UvicornSocket(WebSocketsSansIOProtocol):
    """One socket; for uvicorn's setting `ws`."""

    def __init__(self, *arguments: Any, place: Place, **options: Any) -> None:
        """Begin with a writer, at the place of the connection it takes over."""
        super().__init__(*arguments, **options)
        self._place = place
        self.writer = UvicornWriter(self)
        self._inbound = Inbound(self, loop=self.loop)
        self._pong = b""

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound what the operating system holds."""
        super().connection_made(transport)
        handle = transport.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the connection's place."""
        self._place.leave()
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        """Pass the frame writer to the application, which starts after this."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            cast("dict[str, Any]", self.scope["extensions"])[EXTENSION] = {
                "writer": self.writer,
                "inbound": self._inbound,
            }

    def data_received(self, data: bytes) -> None:
        """Take the handshake, and have counted what comes behind it."""
        if self.handshake_initiated:
            self._inbound.feed(data)
        else:
            self.deliver(data)

    def deliver(self, data: bytes) -> None:
        """Work on frames that were counted."""
        super().data_received(data)

    @property
    def has_room(self) -> bool:
        """Return whether the handshake is over, and the application has taken the last message."""
        return self.handshake_complete and not self.read_paused

    @property
    def is_gone(self) -> bool:
        """Return whether the connection is over."""
        return self.disconnected or self.transport.is_closing()

    def reading_pause(self) -> None:
        """Do not read from the connection."""
        if not self.is_gone:
            self.transport.pause_reading()

    def reading_resume(self) -> None:
        """Read from the connection again, if the application keeps up."""
        if not self.is_gone and not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> "ASGIReceiveEvent":
        """Pass the application what came, and read on once it has taken all."""
        event = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._inbound.go_on()
        return event

    def resume_writing(self) -> None:
        """Hear that the transport has room again."""
        super().resume_writing()
        pong, self._pong = self._pong, b""
        if pong and not self.close_sent:
            self.transport.write(pong)
        self.writer.drained()

    def handle_ping(self) -> None:
        """Answer pings; for a reader that does not take the answers, only the latest waits (RFC 6455, 5.5.3)."""
        frames = self.conn.data_to_send()
        if self.close_sent:
            # Behind our close frame there is nothing to say, and its reader may take none of it.
            return
        if self.writer.has_room or self.conn.close_sent is not None:
            self.transport.write(b"".join(frames))
        elif frames:
            self._pong = frames[-1]

    def keepalive_timeout(self) -> None:
        """End a socket whose reader does not answer pings."""
        self.pong_timer = None
        self.pending_ping_payload = None
        self.end(CLOSE_SLOW, SLOW)

    def handle_close(self, event: Frame) -> None:
        """Answer the client's close; where it does not read the answer, it is cut off."""
        super().handle_close(event)
        self.loop.call_later(CLOSE_S_MAX, self._cut_off)

    def handle_parser_exception(self) -> None:
        """End a socket that sends what is no message, or too much; its client hears why before the connection goes.

        Closed at once, with bytes of the client unread, the system would reset it, and the close frame be lost.
        """
        if self.close_sent or self.conn.close_sent is None:
            # The rest of what it sends is not looked at.
            return
        self.stop_keepalive()
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        ended_count(fault_of(code))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._ended(code, reason)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _cut_off(self) -> None:
        """Let go of the connection, and of what the operating system still holds for its reader."""
        handle = self.transport.get_extra_info("socket")
        if handle is not None and not self.disconnected:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def end(self, code: int, reason: str) -> None:
        """Send a close frame, wait no longer than `CLOSE_S_MAX` for its answer, and tell the application."""
        if self.close_sent or self.disconnected or not self.handshake_complete:
            return
        self.stop_keepalive()
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            # The client has closed already.
            return
        ended_count(reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._ended(code, reason)

    def _ended(self, code: int, reason: str) -> None:
        """Inform the application, and read on until the client has closed too or its time is over."""
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self._inbound.go_on()
        self.close_timer = self.loop.call_later(CLOSE_S_MAX, self._cut_off)
