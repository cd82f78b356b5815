"""A WebSocket client on a bare socket, which reads when a test says so, and not before."""

import json
import os
import select
import socket
import struct
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECEIVE_BUFFER_BYTES = 4_096
_OP_CLOSE = 0x8
_OP_PING = 0x9
_PINGS_AT_ONCE = 100
_CUT = select.POLLHUP | select.POLLERR


class RawSocket:
    """Connected and upgraded; nothing is read by itself, not even a ping."""

    def __init__(self, port: int, *, receive_buffer: int = RECEIVE_BUFFER_BYTES) -> None:
        self.connection = socket.socket()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.connection.settimeout(20)
        self.connection.connect(("127.0.0.1", port))
        key = b64encode(os.urandom(16)).decode()
        self.connection.sendall(
            f"GET /ws/v1/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.connection.recv(1)
        assert b" 101 " in head, head

    def send(self, message: dict[str, Any]) -> bool:
        """Send a message under a mask of zeros; tell whether the connection took it."""
        text = json.dumps(message).encode()
        assert len(text) <= 125, "a short message"
        try:
            self.connection.sendall(struct.pack("!BB4x", 0x81, 0x80 | len(text)) + text)
        except OSError:
            return False
        return True

    def send_pings(self, count: int, payload: bytes) -> bool:
        """Send pings, some at a time; tell whether the connection took them all."""
        ping = struct.pack("!BB4x", 0x80 | _OP_PING, 0x80 | len(payload)) + payload
        try:
            for start in range(0, count, _PINGS_AT_ONCE):
                self.connection.sendall(ping * min(_PINGS_AT_ONCE, count - start))
        except OSError:
            return False
        return True

    def all_taken(self) -> bool:
        """Return whether the other end has read all that was sent; it is on this machine, whose tables say so."""
        (_, port), (_, other) = self.connection.getsockname(), self.connection.getpeername()
        ends = (f":{other:04X}", f":{port:04X}")
        for line in Path("/proc/net/tcp").read_text().splitlines():
            _, local, remote, _, queues, *_ = line.split()
            if (local[-5:], remote[-5:]) == ends:
                return int(queues.partition(":")[2], 16) == 0
        return False

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Read frames, answering none, up to the one that closes: the opcode and the payload of each."""
        opcode = 0
        while opcode != _OP_CLOSE:
            first, length = self._read(2)
            assert length <= 125, "a short frame"
            opcode = first & 0x0F
            yield opcode, self._read(length)

    def _read(self, size: int) -> bytes:
        read = b""
        while len(read) < size:
            part = self.connection.recv(size - len(read))
            assert part, "cut off"
            read += part
        return read

    def wait_cut(self, *, seconds: float) -> bool:
        """Wait, without reading, until the other end has cut the connection off."""
        poll = select.poll()
        poll.register(self.connection, _CUT)
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            if any(event & _CUT for _, event in poll.poll(100)):
                return True
        return False

    def close(self) -> None:
        self.connection.close()
