"""What reaches a web server and is no plain request: told to it by bytes, on each of the two."""

import json
import os
import re
import socket
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.support.venue import Venue, venue_open

# A window so long that it does not end in a test.
LIMITS = "market-address=24/3600"
TICKER = "GET /api/v1/instruments/AAPL-USD/ticker/ HTTP/1.1"
ROOT_PATHS = (b"/api", b"/api/v1/instruments/AAPL-USD", b"/", b"%ff", b"\xff")


class Raw(NamedTuple):
    """An answer, read by hand."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("venue") / "var"
    with venue_open(folder, WEB_SERVER=request.param, CIFT_RATE_LIMITS=LIMITS) as opened:
        yield opened


def sent(venue: Venue, request: bytes, *, whole: bool = True) -> Raw:
    """Send bytes as they are; read until the venue closes, or no more than the answer's head."""
    with socket.create_connection(("127.0.0.1", venue.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while whole or b"\r\n\r\n" not in answer:
            part = connection.recv(65_536)
            if not part:
                break
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    return Raw(int(line.split(" ")[1]), headers, body)


def asked(venue: Venue, line: str, *headers: bytes) -> bytes:
    given = (line.encode(), b"Host: 127.0.0.1:%d" % venue.port, *headers, b"", b"")
    return b"\r\n".join(given)


def test_no_header_tells_the_venue_it_stands_elsewhere_and_evades_its_limits(venue: Venue) -> None:
    rooted = [(b"Daphne-Root-Path: " + path,) for path in ROOT_PATHS]
    answers = [sent(venue, asked(venue, TICKER, b"Connection: close", *headers)) for headers in (*rooted, *rooted)]

    # All of them are this call, and each takes a place of its limit.
    assert [answer.status for answer in answers] == [200] * 8 + [429] * 2
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"market-address";q=24;w=3600'}
    assert json.loads(answers[0].body)["symbol"] == "AAPL-USD"
    moved = sent(venue, asked(venue, "GET /x/health HTTP/1.1", b"Connection: close", b"Daphne-Root-Path: /x"))
    assert moved.status == 404


@pytest.mark.parametrize("path", [b"/x", b"/ws", b"\xff"])
def test_nor_a_socket(venue: Venue, path: bytes) -> None:
    headers = (*upgrade_headers(), b"Daphne-Root-Path: " + path)

    assert sent(venue, asked(venue, "GET /ws/v1/ HTTP/1.1", *headers), whole=False).status == 101


def upgrade_headers() -> tuple[bytes, ...]:
    """What makes a request a socket's handshake."""
    key = b"Sec-WebSocket-Key: " + b64encode(os.urandom(16))
    return b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13", key


REFUSED_HANDSHAKES: dict[str, tuple[int, str, str, tuple[bytes, ...]]] = {
    "another address": (404, "not_found", "/ws/v2/", ()),
    "the address without its slash": (404, "not_found", "/ws/v1", ()),
    "an address of requests": (404, "not_found", "/health", ()),
    "another host": (400, "invalid", "/ws/v1/", (b"Host: evil.example",)),
    "a page of another site": (403, "forbidden", "/ws/v1/", (b"Origin: https://evil.example",)),
}


@pytest.mark.parametrize("name", REFUSED_HANDSHAKES)
def test_a_handshake_that_is_refused_is_told_why_as_a_problem(venue: Venue, name: str) -> None:
    status, code, path, headers = REFUSED_HANDSHAKES[name]
    host = () if any(header.startswith(b"Host") for header in headers) else (b"Host: localhost",)
    lines = (f"GET {path} HTTP/1.1".encode(), *host, *upgrade_headers(), *headers, b"X-Request-ID: mine-1", b"", b"")
    before = refusals(venue, code)

    answer = sent(venue, b"\r\n".join(lines))

    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    assert answer.headers["connection"].lower() == "close"
    problem: dict[str, Any] = json.loads(answer.body)
    assert (problem["code"], problem["status"], problem["request_id"]) == (code, status, "mine-1")
    assert len(answer.body) == int(answer.headers["content-length"])
    assert refusals(venue, code) == before + 1


def refusals(venue: Venue, code: str) -> float:
    """How often the venue has refused with a code, by its own count."""
    shown = sent(venue, asked(venue, "GET /metrics HTTP/1.1", b"Connection: close"))
    assert shown.status == 200
    found = re.search(rb'\ncift_refusals_total{code="%b"} (\S+)' % code.encode(), shown.body)
    return float(found.group(1)) if found else 0.0


NO_REQUESTS: dict[str, tuple[int, bytes]] = {
    "no request line": (400, b"\x16\x03\x01\x02\x00\r\n\r\n"),
    "a header without a colon": (400, b"GET /health HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"),
    "a length that is none": (400, b"POST /api/v1/orders/ HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n"),
    "two framings": (
        400,
        b"POST /api/v1/orders/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "a chunk without a size": (
        400,
        b"POST /api/v1/orders/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ),
    "a name no header has": (400, b"GET /health HTTP/1.1\r\nHost: x\r\nna me: 1\r\n\r\n"),
    "letters no address has": (400, b"GET /\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    "letters no query has": (400, b"GET /api/v1/?a=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
}


@pytest.mark.parametrize("name", NO_REQUESTS)
def test_what_is_no_request_is_told_so_as_a_problem(venue: Venue, name: str) -> None:
    status, request = NO_REQUESTS[name]

    answer = sent(venue, request)

    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    problem: dict[str, Any] = json.loads(answer.body)
    assert (problem["code"], problem["status"]) == ("invalid", status)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["server"] == "cift"
    assert venue.get("/health")[0] == 200
