import asyncio
import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from cift.servers.acceptor import REST_S, Acceptor
from cift.servers.connections import Connections, Place


class Exhausted(socket.socket):
    """A listening socket for which the system has no descriptors left, at first."""

    fails = 0
    asked = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.asked += 1
        if self.fails:
            raise OSError(self.fails, "none left")
        return super().accept()


class Accepting:
    """An acceptor and what it was given."""

    def __init__(self, *, connections: Connections, speaks_tls: bool = False) -> None:
        self.listener = Exhausted()
        self.listener.bind(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.places: list[Place] = []
        self.held: list[socket.socket] = []
        self.acceptor = Acceptor(
            self.listener,
            self._connected,
            connections=connections,
            loop=asyncio.get_running_loop(),
            speaks_tls=speaks_tls,
        )
        self.acceptor.start()

    def _connected(self, connection: socket.socket, place: Place) -> None:
        self.held.append(connection)
        self.places.append(place)

    async def asked(self) -> bytes:
        """Connect, ask, and read all there is to read; nothing where the connection is kept."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            async with asyncio.timeout(0.3):
                return await reader.read()
        except TimeoutError:
            return b""
        finally:
            writer.close()


@pytest.fixture
def accepting() -> Iterator[list[Accepting]]:
    made: list[Accepting] = []
    yield made
    for each in made:
        for connection in each.held:
            connection.close()


@pytest.mark.parametrize(
    ("most", "of_address", "status", "code"),
    [(2, 9, b"503 Service Unavailable", b"overloaded"), (9, 2, b"429 Too Many Requests", b"rate_limited")],
)
async def test_one_connection_too_many_is_told_so_until_there_is_room(
    accepting: list[Accepting], most: int, of_address: int, status: bytes, code: bytes
) -> None:
    met = Accepting(connections=Connections(most=most, of_address=of_address))
    accepting.append(met)
    assert [await met.asked() for _ in range(2)] == [b"", b""]

    answer = await met.asked()
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in answer
    assert b'"code":"%b"' % code in answer
    met.places[0].leave()
    met.places[0].leave()
    assert await met.asked() == b""
    assert await met.asked() != b""
    met.acceptor.stop()


async def test_who_speaks_tls_is_not_answered_in_the_clear(accepting: list[Accepting]) -> None:
    met = Accepting(connections=Connections(most=1, of_address=1), speaks_tls=True)
    accepting.append(met)
    await met.asked()
    reader, writer = await asyncio.open_connection(*met.address)

    assert await reader.read() == b""
    writer.close()
    met.acceptor.stop()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
async def test_without_descriptors_nothing_is_tried_for_a_moment_and_then_all_goes_on(
    accepting: list[Accepting], number: int
) -> None:
    met = Accepting(connections=Connections(most=9, of_address=9))
    accepting.append(met)
    met.listener.fails = number

    assert await met.asked() == b""
    assert met.listener.asked == 1
    met.listener.fails = 0
    await asyncio.sleep(REST_S)

    assert len(met.held) == 1
    met.acceptor.stop()


async def test_a_trusted_proxy_is_not_bounded_as_one_address(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["192.0.2.0/24"]
    connections = Connections(most=5, of_address=1)

    for _ in range(3):
        connections.enter("192.0.2.7")
    connections.enter("198.51.100.1")

    with pytest.raises(Exception, match="most connections"):
        connections.enter("198.51.100.1")
