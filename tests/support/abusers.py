"""Strangers who mean to wear a venue out: each is an async function that does it for a while and tells what it met."""

import asyncio
import os
import struct
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

CONTINUATION, TEXT, PING, PONG, CLOSE = 0x0, 0x1, 0x9, 0xA, 0x8
FINAL = 0x80
_FRAMES_AT_ONCE = 1_000


class Met(NamedTuple):
    """What an abuser sent, and how it ended: the close code it was told, None where it was not closed."""

    frames: int
    close_code: int | None


def frame(first: int, payload: bytes = b"") -> bytes:
    """Write a client's frame under a mask of zeros (RFC 6455, 5.2); `first`: the opcode, and `FINAL`."""
    if len(payload) < 126:
        return struct.pack("!BB4x", first, 0x80 | len(payload)) + payload
    if len(payload) <= 0xFFFF:
        return struct.pack("!BBH4x", first, 0x80 | 126, len(payload)) + payload
    return struct.pack("!BBQ4x", first, 0x80 | 127, len(payload)) + payload


@asynccontextmanager
async def upgraded(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a socket by hand; `url`: as in `ws://localhost:8000/ws/v1/`."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        key = b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        yield reader, writer
    finally:
        writer.transport.abort()


async def close_code_read(reader: asyncio.StreamReader) -> int | None:
    """Read a server's frames up to the one that closes; None: the connection ended without one."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            first, length = await reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            payload = await reader.readexactly(length)
            if first & 0x0F == CLOSE:
                return int.from_bytes(payload[:2])
    return None


async def frame_flood(url: str, seconds: float, frames: bytes, *, count: int) -> Met:
    """Send the same frames as fast as they are taken, `count` of them in each piece, reading what comes."""
    async with upgraded(url) as (reader, writer):
        reading = asyncio.create_task(close_code_read(reader))
        sent = 0
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while not reading.done():
                    writer.write(frames)
                    draining = asyncio.ensure_future(writer.drain())
                    await asyncio.wait((draining, reading), return_when=asyncio.FIRST_COMPLETED)
                    sent += count
        if not reading.done():
            reading.cancel()
            return Met(sent, None)
        return Met(sent, reading.result())


async def ping_flood(url: str, seconds: float) -> Met:
    """Send pings of one byte: the least one can send for an answer."""
    return await frame_flood(url, seconds, frame(FINAL | PING, b"x") * _FRAMES_AT_ONCE, count=_FRAMES_AT_ONCE)


async def pong_flood(url: str, seconds: float) -> Met:
    """Send pongs nobody asked for."""
    return await frame_flood(url, seconds, frame(FINAL | PONG) * _FRAMES_AT_ONCE, count=_FRAMES_AT_ONCE)


async def fragment_flood(url: str, seconds: float) -> Met:
    """Send messages of many empty fragments each."""
    fragments = frame(TEXT) + frame(CONTINUATION) * (_FRAMES_AT_ONCE - 2) + frame(FINAL | CONTINUATION)
    return await frame_flood(url, seconds, fragments, count=_FRAMES_AT_ONCE)


async def message_flood(url: str, seconds: float) -> Met:
    """Send messages that are none of the venue's."""
    return await frame_flood(url, seconds, frame(FINAL | TEXT, b"x") * _FRAMES_AT_ONCE, count=_FRAMES_AT_ONCE)


async def header_drip(host: str, port: int, count: int, *, seconds: float = 15.0) -> list[float]:
    """Hold `count` connections open by a header that never ends, a byte a tenth of a second; give how long each lived.

    A time of `seconds` means it was never ended.
    """
    return list(
        await asyncio.gather(*(_drip(host, port, b"GET /health HTTP/1.1\r\nX: ", seconds) for _ in range(count)))
    )


async def silence(host: str, port: int, count: int, *, seconds: float = 15.0) -> list[float]:
    """Connect and say nothing; give how long each lived, s."""
    return list(await asyncio.gather(*(_drip(host, port, b"", seconds, byte=b"") for _ in range(count))))


async def hello_drip(host: str, port: int, count: int, *, seconds: float = 15.0) -> list[float]:
    """Begin a TLS handshake whose first message comes a byte at a time; give how long each lived, s."""
    # A record of 512 bytes, a client's hello in it, of TLS 1.2; what drips is its random number (RFC 8446, 4.1.2).
    begun = bytes.fromhex("1603010200010001fc0303")
    return list(await asyncio.gather(*(_drip(host, port, begun, seconds) for _ in range(count))))


async def newline_drip(host: str, port: int, count: int, *, seconds: float = 15.0) -> list[float]:
    """Ask once, then send line ends, which begin no request; give how long each lived, s."""
    request = f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    return list(await asyncio.gather(*(_drip(host, port, request, seconds, byte=b"\r\n") for _ in range(count))))


async def _drip(host: str, port: int, begin: bytes, seconds: float, *, byte: bytes = b"x") -> float:
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(host, port)
    began = loop.time()
    reading = asyncio.create_task(_read_all(reader))
    try:
        writer.write(begin)
        while loop.time() < began + seconds and not reading.done():
            writer.write(byte)
            await asyncio.wait((reading,), timeout=0.1)
        return min(loop.time() - began, seconds)
    finally:
        reading.cancel()
        writer.transport.abort()


async def _read_all(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass
