"""Who wears a venue out in a measurement: `python -m tests.performance.abusers PORT KIND`, its task on standard input.

One process does one thing as fast as it is answered, from an address of its own, until its standard input ends; then it
writes what it met. It runs at the lowest priority: clients and venue share the machine, and the venue's cost is meant.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import cycle

import msgspec
import uvloop

from tests.performance.clients import Http, Socket, frame_of, request_of

SOURCE = "127.0.0.2"
CONNECTIONS = 8
DRIPPING = 100
_PAUSE_S = 0.05
_DRIP_S = 0.1
_PINGS = bytes((0x89, 0x81, 0, 0, 0, 0, 0x78)) * 1_000
_NICE_MOST = 19


class Task(msgspec.Struct):
    """What is done: the requests to send over HTTP, in turn; the messages to send on a socket, and who opens it."""

    requests: list[bytes] = msgspec.field(default_factory=list)
    messages: list[dict[str, str]] = msgspec.field(default_factory=list)
    token: str = ""


Met = Counter[str]


class Stranger(Http):
    """Asks over HTTP; what comes for a request that was given up is passed over."""

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing() and not self._answer.done():
            super().data_received(data)


async def _http(port: int, task: Task, met: Met) -> None:
    _, client = await asyncio.get_running_loop().create_connection(Stranger, "127.0.0.1", port, local_addr=(SOURCE, 0))
    try:
        for request in cycle(task.requests):
            status, _body = await client.ask(request)
            met[str(status)] += 1
    finally:
        client.transport.abort()


async def _socket_open(port: int, task: Task) -> Socket:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Socket, "127.0.0.1", port, local_addr=(SOURCE, 0))
    try:
        await client.upgrade(token=task.token)
    except BaseException:
        client.transport.abort()
        raise
    return client


async def _socket(port: int, task: Task, met: Met) -> None:
    client = await _socket_open(port, task)
    try:
        for number, message in enumerate(cycle(task.messages)):
            answer = await client.ask(number, frame_of({"id": number, **message}))
            met["ok" if answer.ok else "refused"] += 1
    finally:
        client.transport.abort()


async def _pings(port: int, _task: Task, met: Met) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(SOURCE, 0))
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    reading = asyncio.create_task(_read_all(reader))
    try:
        writer.write(request_of("GET", "/ws/v1/", headers=handshake))
        while not reading.done():
            writer.write(_PINGS)
            await writer.drain()
            met["thousand pings"] += 1
        raise ConnectionError
    finally:
        reading.cancel()
        writer.transport.abort()


async def _connections(port: int, task: Task, met: Met) -> None:
    while True:
        (await _socket_open(port, task)).transport.abort()
        met["opened"] += 1


async def _drip(port: int, _task: Task, met: Met) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(SOURCE, 0))
    reading = asyncio.create_task(_read_all(reader))
    try:
        writer.write(b"GET /health HTTP/1.1\r\nX: ")
        while not reading.done():
            writer.write(b"x")
            met["bytes"] += 1
            await asyncio.wait((reading,), timeout=_DRIP_S)
        raise ConnectionError
    finally:
        reading.cancel()
        writer.transport.abort()


async def _read_all(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


KINDS: dict[str, tuple[Callable[[int, Task, Met], Awaitable[None]], int]] = {
    "http": (_http, CONNECTIONS),
    "socket": (_socket, CONNECTIONS),
    "pings": (_pings, 1),
    "connections": (_connections, CONNECTIONS),
    "drip": (_drip, DRIPPING),
}
"""What can be done, and on how many connections at once."""


async def _again(kind: str, port: int, task: Task, met: Met) -> None:
    """Do it, and when the venue has had enough, come again."""
    while True:
        try:
            await KINDS[kind][0](port, task, met)
        except (ConnectionError, OSError, msgspec.DecodeError):
            met["cut"] += 1
            await asyncio.sleep(_PAUSE_S)


async def abuse(port: int, kind: str, task: Task) -> Met:
    """Do it on all connections until the standard input ends; return what was met."""
    met: Met = Counter()
    doing = [asyncio.create_task(_again(kind, port, task, met)) for _ in range(KINDS[kind][1])]
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)
    ended = [each for each in doing if each.done()]
    for each in doing:
        each.cancel()
    await asyncio.gather(*doing, return_exceptions=True)
    for each in ended:
        each.result()
    return met


if __name__ == "__main__":
    os.nice(_NICE_MOST)
    asked = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    told = uvloop.run(abuse(int(sys.argv[1]), sys.argv[2], asked))
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
