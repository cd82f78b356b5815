"""Bodies that are too slow or without end, on each web server."""

import json
import socket
from collections.abc import Iterator

import pytest

from tests.support.venue import Venue, venue_open

HEAD = b"POST /api/v1/orders/ HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: slow-1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("venue") / "var"
    with venue_open(folder, WEB_SERVER=request.param, CIFT_BODY_SECONDS="1") as opened:
        yield opened


def answered(connection: socket.socket) -> bytes:
    """Read until the venue closes."""
    answer = b""
    while part := connection.recv(65_536):
        answer += part
    return answer


@pytest.mark.parametrize("framing", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
def test_a_body_that_does_not_come_is_not_waited_for(venue: Venue, framing: bytes) -> None:
    with socket.create_connection(("127.0.0.1", venue.port), timeout=30) as connection:
        connection.sendall(HEAD + framing)
        answer = answered(connection)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    problem = json.loads(body)
    assert (problem["code"], problem["status"], problem["request_id"]) == ("request_timeout", 408, "slow-1")


def test_a_body_without_end_is_cut_off(venue: Venue) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", venue.port), timeout=30) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):  # noqa: PT011, PT012 - whichever write it is, and whichever way it fails
            for _ in range(100_000):
                connection.sendall(chunk)

    assert venue.get("/health")[0] == 200
