"""Daphne's WebSocket, bounded in both directions.

As it comes, Daphne hands each message to Twisted's transport, which holds whatever the reader does not take, without
bound, and it queues whatever the reader sends. Here the frame writer is the transport's producer, as a download would
be: above 64 KiB the transport tells it to pause, and when all is gone to resume. A reader that has stopped is found by
that, or, where nothing is sent to it, by a ping it does not answer. A client that sends faster than it is answered is
not read from meanwhile.
"""

import socket
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from daphne.server import twisted_loop
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.tcp import Connection

from cift.servers.frames import (
    CLOSE_S_MAX,
    CLOSE_SLOW,
    MESSAGES_WAITING_MAX,
    SLOW,
    SYSTEM_BUFFER_BYTES,
    FrameWriter,
    ended_count,
    fault_of,
)
from cift.servers.inbound import Inbound

_CLOSE_NORMAL = 1000


def protocol_options() -> dict[str, Any]:
    """Return what Autobahn is told of every socket."""
    return {
        # Who breaks a bound is told so by a close code, not cut off.
        "failByDrop": False,
        # Whose page may open a socket is the application's to say, of "null" as of all others.
        "allowNullOrigin": True,
        "closeHandshakeTimeout": CLOSE_S_MAX,
        "autoPingInterval": settings.SOCKET_PING_S,
        "autoPingTimeout": settings.SOCKET_PING_S,
        "autoPingRestartOnAnyTraffic": False,
        "tcpNoDelay": True,
    }


def _holds(transport: Connection) -> bool:
    return bool(transport.dataBuffer or transport._tempDataLen or transport.disconnecting)  # noqa: SLF001 - no other way to ask


class DaphneWriter(FrameWriter):
    """A socket's transport, seen from its producer."""

    def __init__(self, protocol: "DaphneSocket") -> None:
        """Take the socket; it has room as long as the transport does not say otherwise."""
        super().__init__()
        self._protocol = protocol
        self._room = True

    @property
    def has_room(self) -> bool:
        """Return whether the transport holds less than its bound."""
        return self._room

    def write(self, frame: bytes) -> None:
        """Hand a frame to the system, and what it does not take at once to the transport.

        The transport would wait for the loop to find that the connection can be written to: two calls of the system
        and a turn of the loop for each of hundreds of readers.
        """
        protocol = self._protocol
        if protocol.state != protocol.STATE_OPEN:
            return
        transport = protocol.transport
        if isinstance(transport, Connection) and transport.connected and not _holds(transport):
            sent = transport.writeSomeData(frame)
            if isinstance(sent, int) and sent > 0:
                frame = frame[sent:]
        if frame:
            transport.write(frame)

    def write_all(self, frames: Sequence[bytes]) -> None:
        """Hand several frames on in one piece."""
        self.write(b"".join(frames))

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; Autobahn cuts off who does not answer it in time."""
        self._protocol.end(code, reason)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Hear that the transport holds more than its bound."""
        self._room = False

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Hear that the transport holds nothing any more."""
        self._room = True
        self._protocol.answer_ping()
        self._drained()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Hear that the connection is gone; the application is told by its own event."""
        self._room = False


class DaphneSocket(WebSocketProtocol):  # type: ignore[misc]
    """One socket."""

    maxMessagePayloadSize: int  # noqa: N815 - Autobahn's name

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Begin with a writer."""
        super().__init__(*arguments, **options)
        self.writer = DaphneWriter(self)
        self.inbound = Inbound(self, loop=twisted_loop)
        self._handshake_given = False
        self._unanswered: bytes | None = None
        self._denied = b""

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Take ASGI's answer to a handshake that is refused with more than a bare 403, which Daphne does not know."""
        match message["type"]:
            case "websocket.http.response.start":
                head = f"HTTP/1.1 {message['status']} {HTTPStatus(message['status']).phrase}\r\n"
                lines = (b"%b: %b\r\n" % pair for pair in (*message["headers"], (b"Connection", b"close")))
                self._denied = b"".join((head.encode(), b"Server: cift\r\n", *lines, b"\r\n"))
            case "websocket.http.response.body":
                self._deny(self._denied + message["body"])
            case _:
                super().handle_reply(message)

    def _deny(self, answer: bytes) -> None:
        if self.state != self.STATE_CONNECTING:
            return
        del self.handshake_deferred
        self.server.protocol_disconnected(self)
        self.wasNotCleanReason = "the handshake was refused"
        self.sendData(answer)
        self.dropConnection(abort=False)

    def onOpen(self) -> None:  # noqa: N802 - Autobahn's name
        """Take the transport over from the HTTP channel, which was its producer until the upgrade."""
        super().onOpen()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.writer, True)  # noqa: FBT003 - Twisted's own shape
        self.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BUFFER_BYTES)

    def onPing(self, payload: bytes) -> None:  # noqa: N802 - Autobahn's name
        """Answer a ping; for a reader that does not take the answers, only the latest waits (RFC 6455, 5.5.3)."""
        if self.writer.has_room:
            super().onPing(payload)
        else:
            self._unanswered = payload

    def answer_ping(self) -> None:
        """Answer the latest ping there was no room to answer."""
        payload, self._unanswered = self._unanswered, None
        if payload is not None:
            super().onPing(payload)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take the handshake, which Daphne hands on in one piece, and have counted what comes behind it."""
        if self._handshake_given:
            self.inbound.feed(data)
        else:
            self._handshake_given = True
            self.deliver(data)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """Leave the connection's place, which was the HTTP channel's."""
        self.factory.server_class.place_leave(self.transport)
        super().connectionLost(reason)

    def deliver(self, data: bytes) -> None:
        """Work on frames that were counted."""
        super().dataReceived(data)

    @property
    def has_room(self) -> bool:
        """Return whether the handshake is over, and the application keeps up."""
        return bool(self.state != self.STATE_CONNECTING and self.application_queue.qsize() < MESSAGES_WAITING_MAX)

    @property
    def is_gone(self) -> bool:
        """Return whether the connection is over."""
        return bool(self.state == self.STATE_CLOSED)

    def reading_pause(self) -> None:
        """Do not read from the connection."""
        self.transport.pauseProducing()

    def reading_resume(self) -> None:
        """Read from the connection again."""
        self.transport.resumeProducing()

    def onAutoPingTimeout(self) -> None:  # noqa: N802 - Autobahn's name
        """End a socket whose reader does not answer pings."""
        self.autoPingTimeoutCall = None
        self.end(CLOSE_SLOW, SLOW)

    def end(self, code: int, reason: str) -> None:
        """Send a close frame with any code: `sendClose` takes none below 3000 but 1000."""
        if self.state == self.STATE_OPEN:
            ended_count(reason)
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode())

    def _fail_connection(self, code: int, reason: str) -> None:
        """End a socket that sends what is no message, or too much, as Autobahn does; and count it."""
        if self.state == self.STATE_OPEN:
            ended_count(fault_of(code))
        super()._fail_connection(code, reason)

    def sendMessage(self, payload: bytes, *arguments: Any, **options: Any) -> None:  # noqa: N802 - Autobahn's name
        """Send a message of any size: Autobahn has one bound for both directions, and ours is for what comes in."""
        bound, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(payload, *arguments, **options)
        finally:
            self.maxMessagePayloadSize = bound

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 - Daphne's name
        """Close with any code."""
        self.end(_CLOSE_NORMAL if code is None else code, "")
