"""Clients that cost next to nothing: they share the machine with the venue they measure.

Bytes are made ready before the clock runs, answers are looked at no closer than the measurement needs. Each holds one
connection.
"""

import asyncio
import base64
import os
import re
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_STATUS_AT = slice(9, 12)
_LENGTH_16_BIT = 126
_LENGTH_64_BIT = 127
_TEXT = 0x81
_MASKED = 0x80
OPCODE_TEXT = 1
_OPCODE_CLOSE = 8
_OPCODE_PING = 9
_PONG = 0x8A


class Wire(asyncio.Protocol):
    """A connection that keeps what has come and not been read."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)


class Http(Wire):
    """HTTP/1.1 on one connection, one request at a time."""

    _answer: "asyncio.Future[tuple[int, bytes]]"

    @classmethod
    async def connect(cls, port: int, *, tls: ssl.SSLContext | None = None) -> "Http":
        _, client = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port, ssl=tls)
        return client

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return the status and the body."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, mark, body = self.buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if mark and length is not None and len(body) >= int(length.group(1)):
            self.buffer = b""
            self._answer.set_result((int(head[_STATUS_AT]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_exception(ConnectionError(str(exc)))


def request_of(method: str, path: str, body: Any = None, *, headers: Mapping[str, str]) -> bytes:
    """Write a request as it goes over the wire."""
    content = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Message(msgspec.Struct):
    """What a measurement looks at in a message of the venue."""

    id: int | str | None = None
    ok: bool | None = None
    status: int | None = None
    channel: str | None = None
    type: str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


_messages = msgspec.json.Decoder(Message | list[Message])


class Socket(Wire):
    """A WebSocket; answers by their request's id, everything else to `told`."""

    def __init__(self, told: Callable[[Message], None] | None = None) -> None:
        super().__init__()
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._echoes: deque[asyncio.Future[Message]] = deque()
        self._told = told

    @classmethod
    async def connect(
        cls,
        port: int,
        *,
        path: str = "/ws/v1/",
        token: str = "",
        told: Callable[[Message], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> "Socket":
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: cls(told), "127.0.0.1", port, ssl=tls)
        await client.upgrade(path=path, token=token)
        return client

    async def upgrade(self, *, path: str = "/ws/v1/", token: str = "") -> None:
        """Make the connection a WebSocket."""
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        self.transport.write(request_of("GET", path, headers=headers))
        await self._open

    async def ask(self, request_id: int, frame: bytes) -> Message:
        """Send a request's frame; return its answer."""
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        self.transport.write(frame)
        return await answer

    async def echo(self, frame: bytes) -> Message:
        """Send a frame to a server that gives it back; return it when it is there, which is in its turn."""
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._echoes.append(answer)
        self.transport.write(frame)
        return await answer

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self._open.done():
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            self.buffer = rest
            if not head.startswith(b"HTTP/1.1 101"):
                self._open.set_exception(ConnectionError(head.decode("latin-1")))
                return
            self._open.set_result(None)
        self._frames()

    def _frames(self) -> None:
        buffer, offset = self.buffer, 0
        while len(buffer) - offset >= 2:
            length, start = buffer[offset + 1], offset + 2
            if length == _LENGTH_16_BIT:
                length, start = int.from_bytes(buffer[start : start + 2], "big"), start + 2
            elif length == _LENGTH_64_BIT:
                length, start = int.from_bytes(buffer[start : start + 8], "big"), start + 8
            if len(buffer) < start + length:
                break
            self._frame(buffer[offset] & 0x0F, buffer[start : start + length])
            offset = start + length
        self.buffer = buffer[offset:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == OPCODE_TEXT:
            found = _messages.decode(payload)
            for message in found if isinstance(found, list) else (found,):
                self._take(message)
        elif opcode == _OPCODE_PING:
            self.transport.write(_frame_of(_PONG, payload))
        elif opcode == _OPCODE_CLOSE:
            self._end(ConnectionError(f"closed: {int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}"))

    def _take(self, message: Message) -> None:
        if self._echoes:
            self._echoes.popleft().set_result(message)
        elif message.ok is not None and isinstance(message.id, int):
            answer = self._waiting.pop(message.id, None)
            if answer is not None and not answer.done():  # who asked may have given up
                answer.set_result(message)
        elif self._told is not None:
            self._told(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(ConnectionError(str(exc)))

    def _end(self, error: ConnectionError) -> None:
        waiting: list[asyncio.Future[Any]] = [self._open, *self._waiting.values(), *self._echoes]
        self._waiting.clear()
        self._echoes.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)


def frame_of(message: Any) -> bytes:
    """Write a message as a client's frame; its mask is 0, which changes no byte and costs nothing."""
    return _frame_of(_TEXT, msgspec.json.encode(message))


def _frame_of(first: int, payload: bytes) -> bytes:
    if len(payload) < _LENGTH_16_BIT:
        return bytes((first, _MASKED | len(payload), 0, 0, 0, 0)) + payload
    return bytes((first, _MASKED | _LENGTH_16_BIT)) + len(payload).to_bytes(2, "big") + bytes(4) + payload
