"""Connections that mean to wear a server out, by bytes, on each of the two servers."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.client import connect

from cift.servers.inbound import HELD_S_MAX
from cift.stack.certificates import certificates_ensure
from tests.support.abusers import (
    Met,
    close_code_read,
    fragment_flood,
    header_drip,
    hello_drip,
    message_flood,
    newline_drip,
    ping_flood,
    pong_flood,
    silence,
    upgraded,
)
from tests.support.bareserver import BareServer, bare_server
from tests.support.waiting import until

FLOODS = (ping_flood, pong_flood, fragment_flood, message_flood)
HEAD_S, IDLE_S = 1, 2
OF_ADDRESS, ALL = 20, 30
ANONYMOUS = 8
LIVED_S_MAX = 15.0


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def flooded(request: pytest.FixtureRequest) -> Iterator[BareServer]:
    with bare_server(request.param, CIFT_RATE_LIMITS="frames-socket=2000/1") as opened:
        yield opened


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def server(request: pytest.FixtureRequest) -> Iterator[BareServer]:
    with bare_server(
        request.param,
        CIFT_HEAD_SECONDS=str(HEAD_S),
        CIFT_IDLE_SECONDS=str(IDLE_S),
        CIFT_CONNECTIONS=str(ALL),
        CIFT_CONNECTIONS_PER_ADDRESS=str(OF_ADDRESS),
        CIFT_SOCKETS_ANONYMOUS=str(ANONYMOUS),
    ) as opened:
        yield opened


def url_of(server: BareServer) -> str:
    return f"ws://127.0.0.1:{server.port}/ws/v1/"


def asked(server: BareServer, *, source: str = "127.0.0.1") -> bytes:
    """Ask on a connection of its own; give the whole answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30, source_address=(source, 0)) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


def test_who_floods_a_socket_with_frames_of_any_kind_is_closed_and_one_beside_is_answered(flooded: BareServer) -> None:
    async def floods() -> tuple[list[Met], int]:
        flooding = [asyncio.create_task(flood(url_of(flooded), 8 * HELD_S_MAX)) for flood in FLOODS]
        answers = 0
        async with connect(url_of(flooded)) as beside:
            while not all(task.done() for task in flooding):
                async with asyncio.timeout(HELD_S_MAX):
                    await (await beside.ping())
                answers += 1
        return await asyncio.gather(*flooding), answers

    met, answers = asyncio.run(floods())

    assert {each.close_code for each in met} == {4029}, met
    assert answers >= len(FLOODS)


def test_who_asks_for_nothing_is_not_waited_for_however_often_a_byte_comes(server: BareServer) -> None:
    async def lived() -> list[list[float]]:
        where, most = ("127.0.0.1", server.port, 3), LIVED_S_MAX
        return await asyncio.gather(*(kind(*where, seconds=most) for kind in (header_drip, silence, newline_drip)))

    dripped, silent, newlines = asyncio.run(lived())

    assert all(HEAD_S * 0.9 <= seconds < LIVED_S_MAX for seconds in (*dripped, *silent)), (dripped, silent)
    assert all(seconds < LIVED_S_MAX for seconds in newlines), newlines


@pytest.mark.parametrize("web_server", ["daphne", "uvicorn"])
def test_a_tls_handshake_that_does_not_end_is_not_waited_for(tmp_path: Path, web_server: str) -> None:
    files = certificates_ensure(tmp_path)
    given = {"CIFT_TLS_CERTIFICATE": str(files["certificate"]), "CIFT_TLS_KEY": str(files["key"])}

    async def lived(port: int) -> list[list[float]]:
        where, most = ("127.0.0.1", port, 3), LIVED_S_MAX
        return await asyncio.gather(*(kind(*where, seconds=most) for kind in (silence, hello_drip)))

    with bare_server(web_server, CIFT_HEAD_SECONDS=str(HEAD_S), **given) as opened:
        silent, dripped = asyncio.run(lived(opened.port))

    assert all(HEAD_S * 0.9 <= seconds < LIVED_S_MAX for seconds in (*silent, *dripped)), (silent, dripped)


def test_a_head_that_does_not_end_is_answered_408(server: BareServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


def test_a_socket_of_no_use_is_closed(server: BareServer) -> None:
    async def closed() -> int | None:
        async with upgraded(url_of(server)) as (reader, _):
            return await close_code_read(reader)

    assert asyncio.run(closed()) == 4010


def test_connections_are_bounded_and_who_is_refused_is_told_so(server: BareServer) -> None:
    with ExitStack() as open_ones:

        def fill(source: str, count: int) -> None:
            for _ in range(count):
                open_ones.enter_context(
                    socket.create_connection(("127.0.0.1", server.port), timeout=30, source_address=(source, 0))
                )

        fill("127.0.0.1", OF_ADDRESS)
        of_address = asked(server)
        fill("127.0.0.2", ALL - OF_ADDRESS)
        of_all = asked(server, source="127.0.0.3")

    assert of_address.startswith(b"HTTP/1.1 429 ")
    assert b'"code":"rate_limited"' in of_address
    assert of_all.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"overloaded"' in of_all
    assert all(b"\r\nRetry-After: 1\r\n" in answer for answer in (of_address, of_all))
    _wait_answered(server)


def test_sockets_without_a_login_are_bounded(server: BareServer) -> None:
    async def codes() -> list[int]:
        async with asyncio.TaskGroup() as group, asyncio.timeout(30):
            opened = [await connect(url_of(server)) for _ in range(ANONYMOUS + 1)]
            group.create_task(opened[-1].wait_closed())
        for each in opened:
            await each.close()
        return [each.close_code or 0 for each in opened]

    assert asyncio.run(codes()) == [1000] * ANONYMOUS + [1013]


def test_without_descriptors_the_server_waits_and_goes_on_afterwards(server: BareServer) -> None:
    process = psutil.Process(server.pid)
    # Those of the tests before would give descriptors back meanwhile.
    until(lambda: all(each.status == psutil.CONN_LISTEN for each in process.net_connections("tcp")))
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    with ExitStack() as open_ones:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (process.num_fds() + 3, before[1]))
        worked = process.cpu_times()
        for _ in range(10):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        with pytest.raises(TimeoutError), socket.create_connection(("127.0.0.1", server.port), timeout=0.8) as waiting:
            waiting.recv(1)
        later = process.cpu_times()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)

    assert later.user + later.system - worked.user - worked.system < 0.4
    _wait_answered(server)


def _wait_answered(server: BareServer) -> None:
    """Ask until there is room again."""
    for _ in range(50):
        if asked(server).startswith(b"HTTP/1.1 200 "):
            return
    raise AssertionError("the server does not answer")
