"""Two servers, one behaviour: what RFC 9110 and 9112 ask of a server, asked of Daphne and of uvicorn by bytes."""

import json
import re
import socket
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import pytest

from cift.errors.codes import CODES
from tests.support.rawhttp import RawAnswer, answers_in, exchange
from tests.support.traders import Trader
from tests.support.venue import Venue

PHRASES = {
    200: "OK", 204: "No Content", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
    404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large", 414: "URI Too Long",
    415: "Unsupported Media Type", 417: "Expectation Failed", 422: "Unprocessable Content",
    431: "Request Header Fields Too Large", 501: "Not Implemented",
}  # fmt: skip
"""RFC 9110, section 15; RFC 6585 for 431."""

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n"
HEALTH = b"GET /health HTTP/1.1\r\n"
ORDER = b"POST /api/v1/auth/token/ HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
"""A call that reads its body whoever asks: `{}` is refused with 400 for what is missing in it."""

SEEN: dict[str, Any] = {}
"""What the first server answered to each case; the second is compared with it."""


class Case(NamedTuple):
    """What is sent, and what has to come back."""

    request: bytes
    status: int
    code: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012 - read alone


def get(path: bytes, *lines: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + CLOSE + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def asked(method: bytes, path: bytes, *lines: bytes) -> bytes:
    return get(path, *lines).replace(b"GET", method, 1)


def chunked(body: bytes) -> bytes:
    return ORDER + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n" + body


TARGETS = {
    "absolute form": Case(b"GET http://localhost/health HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 200),
    "absolute form without a path": Case(b"GET http://localhost HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 200),
    "absolute form, a query without a path": Case(
        b"GET HTTP://localhost?a=1 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 400, "invalid"
    ),
    "absolute form whose host is ours, and a Host that is not": Case(
        b"GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n", 200
    ),
    "absolute form whose host is not ours, and a Host that is": Case(
        get(b"http://evil.example/health"), 400, "invalid"
    ),
    "absolute form with a user": Case(get(b"http://me@localhost/health"), 400, "invalid"),
    "absolute form of another scheme": Case(get(b"ftp://localhost/health"), 400, "invalid"),
    "absolute form without Host": Case(b"GET http://localhost/health HTTP/1.1\r\n\r\n", 400, "invalid"),
    "neither form": Case(get(b"health"), 400, "invalid"),
    "an asterisk without OPTIONS": Case(get(b"*"), 400, "invalid"),
    "a fragment": Case(get(b"/health#top"), 400, "invalid"),
    "bytes no target has": Case(get(b"/\xff"), 400, "invalid"),
    "a target of 8 KiB": Case(get(b"/" + b"a" * (8 * 1024 - 1)), 404, "not_found"),
    "a target of more": Case(get(b"/" + b"a" * 8 * 1024), 414, "uri_too_long"),
    "a target that does not end": Case(b"GET /" + b"a" * 100_000, 414, "uri_too_long"),
    "an encoded slash": Case(get(b"/api/v1/instruments/AAPL%2FUSD/book/"), 404, "not_found"),
    "encoded dots": Case(get(b"/api/v1/%2e%2e/v1/instruments/"), 404, "not_found"),
    "dots": Case(get(b"/api/v1/../v1/instruments/"), 404, "not_found"),
    "two slashes": Case(get(b"//health"), 404, "not_found"),
    "two slashes and a host": Case(get(b"//evil.example/api/v1/instruments"), 404, "not_found"),
    "an encoded NUL": Case(get(b"/api/v1/instruments/AAPL-USD%00/book/"), 404, "not_found"),
    "an encoded NUL in a query": Case(get(b"/api/v1/instruments/?symbol=%00"), 400, "invalid"),
    "encoded bytes that are no text": Case(get(b"/api/v1/instruments/%ff/book/"), 404, "not_found"),
    "half an escape": Case(get(b"/api/v1/instruments/%4/book/"), 404, "not_found"),
}

HEADS = {
    "no Host": Case(HEALTH + b"\r\n", 400, "invalid"),
    "two Hosts": Case(HEALTH + HOST + HOST + b"\r\n", 400, "invalid"),
    "an empty Host": Case(HEALTH + b"Host:\r\n\r\n", 400, "invalid"),
    "a Host with a path": Case(HEALTH + b"Host: localhost/x\r\n\r\n", 400, "invalid"),
    "a Host with a user": Case(HEALTH + b"Host: me@localhost\r\n\r\n", 400, "invalid"),
    "a Host with a port that is none": Case(HEALTH + b"Host: localhost:x\r\n\r\n", 400, "invalid"),
    "a Host that is not ours": Case(HEALTH + b"Host: evil.example\r\n" + CLOSE + b"\r\n", 400, "invalid"),
    "bare LF": Case(b"GET /health HTTP/1.1\nHost: localhost\n\n", 400, "invalid"),
    "bare LF after one line": Case(HEALTH + HOST + b"A: b\n\r\n", 400, "invalid"),
    "bare CR": Case(HEALTH + HOST + b"A: b\rC: d\r\n\r\n", 400, "invalid"),
    "a folded line": Case(HEALTH + HOST + b"A: b\r\n c\r\n\r\n", 400, "invalid"),
    "a first line that is folded": Case(HEALTH + b" A: b\r\n" + HOST + b"\r\n", 400, "invalid"),
    "a space before a colon": Case(HEALTH + b"Host : localhost\r\n\r\n", 400, "invalid"),
    "a line without a colon": Case(HEALTH + HOST + b"nothing\r\n\r\n", 400, "invalid"),
    "a name no header has": Case(HEALTH + HOST + b"a(b): c\r\n\r\n", 400, "invalid"),
    "NUL in a value": Case(HEALTH + HOST + b"A: b\0c\r\n\r\n", 400, "invalid"),
    "a control character in a value": Case(HEALTH + HOST + b"A: b\x07c\r\n\r\n", 400, "invalid"),
    "NUL in a target": Case(b"GET /health\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "invalid"),
    "two spaces in a request line": Case(b"GET  /health HTTP/1.1\r\n" + HOST + b"\r\n", 400, "invalid"),
    "no version": Case(b"GET /health\r\n" + HOST + b"\r\n", 400, "invalid"),
    "another version": Case(b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n", 400, "invalid"),
    "another protocol": Case(b"GET /health ICY/1.1\r\n" + HOST + b"\r\n", 400, "invalid"),
    "a greeting of TLS": Case(b"\x16\x03\x01\x02\x00\x01", 400, "invalid"),
    "a later minor version": Case(b"GET /health HTTP/1.2\r\n" + HOST + CLOSE + b"\r\n", 200),
    "an empty line before": Case(b"\r\n" + get(b"/health"), 200),
    "bytes above ASCII in a value": Case(get(b"/health", b"A: \xe4"), 200),
    "a tab around a value": Case(HEALTH + b"Host:\t localhost \t\r\n" + CLOSE + b"\r\n", 200),
    "100 headers": Case(get(b"/health", *[b"A: b"] * 98), 200),
    "101 headers": Case(get(b"/health", *[b"A: b"] * 99), 431, "headers_too_large"),
    "a header of 16 KiB": Case(get(b"/health", b"A: " + b"b" * 16 * 1024), 431, "headers_too_large"),
    "headers that do not end": Case(HEALTH + HOST + b"A: " + b"b" * 100_000, 431, "headers_too_large"),
}

LENGTHS = {
    "a length and chunks": Case(
        ORDER + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "invalid"
    ),
    "two lengths that differ": Case(ORDER + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "invalid"),
    "two lengths in one line": Case(ORDER + b"Content-Length: 2, 3\r\n\r\n{}", 400, "invalid"),
    "a length that is none": Case(ORDER + b"Content-Length: many\r\n\r\n", 400, "invalid"),
    "a length below zero": Case(ORDER + b"Content-Length: -1\r\n\r\n", 400, "invalid"),
    "a length with a sign": Case(ORDER + b"Content-Length: +2\r\n\r\n{}", 400, "invalid"),
    "a length of 5,000 digits": Case(
        ORDER + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 413, "payload_too_large"
    ),
    "a length with zeros before it": Case(
        ORDER + CLOSE + b"Content-Length: 00000000000000000002\r\n\r\n{}", 400, "invalid"
    ),
    "a body too large": Case(
        ORDER + b"Content-Length: 262145\r\n\r\n" + b" " * 262_145, 413, "payload_too_large", {"connection": "close"}
    ),
    "a body too large in chunks": Case(
        chunked(b"20000\r\n" + b" " * 0x20000 + b"\r\n20001\r\n" + b" " * 0x20001 + b"\r\n0\r\n\r\n"),
        413,
        "payload_too_large",
        {"connection": "close"},
    ),
    "chunks": Case(chunked(b"1\r\n{\r\n1;name=value\r\n}\r\n0\r\nA: b\r\n\r\n"), 400, "invalid"),
    "a coding in capitals": Case(chunked(b"2\r\n{}\r\n0\r\n\r\n").replace(b"chunked", b"Chunked"), 400, "invalid"),
    "a chunk without a size": Case(chunked(b"\r\n{}\r\n"), 400, "invalid"),
    "a chunk of a size that is none": Case(chunked(b"zz\r\n{}\r\n"), 400, "invalid"),
    "a chunk of a size with a prefix": Case(chunked(b"0x2\r\n{}\r\n"), 400, "invalid"),
    "a chunk of a size with a sign": Case(chunked(b"-2\r\n{}\r\n"), 400, "invalid"),
    "a chunk of a size beyond all": Case(chunked(b"fffffffffffffffff\r\n{}\r\n"), 400, "invalid"),
    "a chunk ended by bare LF": Case(chunked(b"2\n{}\r\n"), 400, "invalid"),
    "a chunk longer than its size": Case(chunked(b"1\r\n{}\r\n"), 400, "invalid"),
    "a chunk's extension without end": Case(chunked(b"2;" + b"a" * 2_000), 400, "invalid"),
    "trailers without end": Case(chunked(b"0\r\n" + b"A: b\r\n" * 10_000), 431, "headers_too_large"),
    "a trailer that is none": Case(chunked(b"0\r\nA b\r\n\r\n"), 400, "invalid"),
    "another coding": Case(ORDER + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "not_implemented"),
    "chunks that are not the last coding": Case(ORDER + b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400, "invalid"),
    "no coding of chunks": Case(ORDER + b"Transfer-Encoding: identity\r\n\r\n", 400, "invalid"),
    "chunks of HTTP/1.0": Case(chunked(b"2\r\n{}\r\n0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "invalid"),
    "a body that is encoded": Case(
        ORDER + CLOSE + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        415,
        "unsupported_media_type",
        {"accept-encoding": "identity"},
    ),
    "a body that is encoded, in chunks": Case(
        chunked(b"2\r\n{}\r\n0\r\n\r\n").replace(b"\r\n\r\n", b"\r\nContent-Encoding: br\r\n\r\n", 1),
        415,
        "unsupported_media_type",
        {"accept-encoding": "identity"},
    ),
    "a body said to be as it is": Case(
        ORDER + CLOSE + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}", 400, "invalid"
    ),
    "an encoding of no body": Case(get(b"/health", b"Content-Encoding: gzip"), 200),
}

METHODS = {
    "an unknown method": Case(asked(b"BREW", b"/health"), 501, "not_implemented"),
    "a method in small letters": Case(asked(b"get", b"/health"), 501, "not_implemented"),
    "CONNECT": Case(b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n", 501, "not_implemented"),
    "TRACE": Case(asked(b"TRACE", b"/health"), 405, "method_not_allowed", {"allow": "GET, HEAD"}),
    "TRACE of a call": Case(asked(b"TRACE", b"/api/v1/instruments/"), 405, "method_not_allowed"),
    "a method not for this": Case(asked(b"DELETE", b"/health"), 405, "method_not_allowed", {"allow": "GET, HEAD"}),
    "a method not for a page": Case(asked(b"TRACE", b"/api/login/login/"), 405, "method_not_allowed"),
    "a method not for a file": Case(asked(b"DELETE", b"/static/none.css"), 405, "method_not_allowed"),
    "OPTIONS": Case(asked(b"OPTIONS", b"/health"), 204, "", {"allow": "GET, HEAD, OPTIONS"}),
    "OPTIONS of a call that asks who": Case(
        asked(b"OPTIONS", b"/api/v1/orders/"), 204, "", {"allow": "GET, POST, DELETE, HEAD, OPTIONS"}
    ),
    "OPTIONS with a token that is none": Case(
        asked(b"OPTIONS", b"/api/v1/balances/", b"Authorization: Bearer x"), 204, "", {"allow": "GET, HEAD, OPTIONS"}
    ),
    "OPTIONS of a file": Case(asked(b"OPTIONS", b"/static/none.css"), 204, "", {"allow": "GET, HEAD, OPTIONS"}),
    "OPTIONS of the server": Case(asked(b"OPTIONS", b"*"), 204, "", {"allow": "GET, HEAD, OPTIONS"}),
    "OPTIONS of nothing": Case(asked(b"OPTIONS", b"/nothing/"), 404, "not_found"),
    "an expectation": Case(get(b"/health", b"Expect: 100-continue, tea"), 417, "expectation_failed"),
    "an expectation in capitals": Case(get(b"/health", b"Expect: 100-Continue"), 200),
    "an upgrade to what is not spoken": Case(
        HEALTH + HOST + b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n", 200
    ),
    "an upgrade of a request with a body": Case(
        ORDER + b"Connection: upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n{}", 400, "invalid"
    ),
    "an upgrade that is not for this connection": Case(get(b"/health", b"Upgrade: websocket"), 200),
    "HTTP/1.0": Case(b"GET /health HTTP/1.0\r\n" + HOST + b"\r\n", 200, "", {"connection": "close"}),
    "HTTP/1.0 without Host": Case(b"GET /health HTTP/1.0\r\n\r\n", 200, "", {"connection": "close"}),
    "HTTP/1.0 that would stay": Case(
        b"GET /health HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n", 200, "", {"connection": "close"}
    ),
    "an expectation of HTTP/1.0": Case(b"GET /health HTTP/1.0\r\nExpect: tea\r\n\r\n", 200),
    "the last request": Case(get(b"/health"), 200, "", {"connection": "close"}),
    "the last request, among other tokens": Case(
        HEALTH + HOST + b"Connection: te, CLOSE\r\nConnection: x\r\n\r\n", 200, "", {"connection": "close"}
    ),
    "an address without its slash": Case(get(b"/api/v1/instruments"), 308),
}

CASES = {**TARGETS, **HEADS, **LENGTHS, **METHODS}


def essence(answer: RawAnswer) -> Any:
    """What of an answer is the same each time it is asked for."""
    changing = {"date", "expires", "x-request-id", "content-length", "ratelimit"}
    # The policy's parts come in any order.
    headers = {name: sorted(re.split(r"[; ]+", v)) for name, v in answer.headers.items() if name not in changing}
    body = re.sub(rb'"request_id": ?"[^"]*"', b"", answer.body) if answer.status >= 400 else b""
    return answer.status, answer.phrase, headers, body


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_answered_as_the_rfc_says_and_the_same_by_both_servers(running_venue: Venue, name: str) -> None:
    case = CASES[name]

    (answer,) = answers_in(exchange(running_venue.port, case.request))

    assert (answer.status, answer.phrase) == (case.status, PHRASES[case.status]), answer
    assert answer.headers["server"] == "cift"
    assert abs(parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert case.headers.items() <= answer.headers.items(), answer.headers
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["x-request-id"])
    assert (answer.status == 204) != ("content-length" in answer.headers)
    if case.status >= 400:
        problem = json.loads(answer.body)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (problem["status"], problem["request_id"]) == (case.status, answer.headers["x-request-id"])
        assert problem["code"] == case.code or not case.code
        assert problem["code"] in CODES
    if case.status == 405:
        assert answer.headers["allow"]
    assert essence(answer) == SEEN.setdefault(name, essence(answer))


def test_a_refused_order_is_unprocessable_content(sessions: tuple[Trader, Trader], running_venue: Venue) -> None:
    body = b'{"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "190", "quantity": "900000000"}'
    head = b"POST /api/v1/orders/ HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer %b\r\n%b%b"

    sent = head % (sessions[0].token.encode(), HOST, CLOSE) + b"Content-Length: %d\r\n\r\n" % len(body) + body
    (answer,) = answers_in(exchange(running_venue.port, sent))

    assert (answer.status, answer.phrase) == (422, PHRASES[422]), answer


def test_pipelined_requests_are_answered_one_at_a_time_in_their_order(running_venue: Venue) -> None:
    # More than is held at once, and the slowest first.
    padding = b"A: " + b"b" * 1_000 + b"\r\n"
    ids = [b"%d" % number for number in range(100)]
    requests = [HEALTH + HOST + padding + b"X-Request-Id: " + each + b"\r\n\r\n" for each in ids]
    requests[0] = requests[0].replace(b"/health", b"/ready", 1)
    body = ORDER + b"X-Request-Id: body\r\nContent-Length: 2\r\n\r\n{}"

    answers = answers_in(
        exchange(running_venue.port, b"".join(requests) + body + get(b"/health", b"X-Request-Id: last"))
    )

    assert [answer.headers["x-request-id"] for answer in answers] == [each.decode() for each in ids] + ["body", "last"]
    assert [answer.status for answer in answers] == [200] * 100 + [400, 200]


@pytest.mark.parametrize("fault", [HEALTH + b"\r\n", b"\0", b"GET /" + b"a" * 9_000])
def test_a_fault_in_the_second_request_does_not_take_the_first_answer(running_venue: Venue, fault: bytes) -> None:
    first, second = answers_in(exchange(running_venue.port, b"GET /ready HTTP/1.1\r\n" + HOST + b"\r\n" + fault))

    assert first.status == 200
    assert (second.status, second.headers["connection"]) == (414 if len(fault) > 9_000 else 400, "close")


def test_nothing_is_answered_behind_the_last_request(running_venue: Venue) -> None:
    assert len(answers_in(exchange(running_venue.port, get(b"/health") + get(b"/health")))) == 1


@pytest.mark.parametrize("path", [b"/health", b"/api/v1/instruments/AAPL-USD/", b"/static/cift/none.css", b"/nothing/"])
def test_head_has_the_headers_of_get_and_no_body(running_venue: Venue, path: bytes) -> None:
    (of_get,) = answers_in(exchange(running_venue.port, get(path)))
    (of_head,) = answers_in(exchange(running_venue.port, asked(b"HEAD", path)), bodiless=True)

    assert essence(of_head)[:3] == essence(of_get)[:3]
    assert of_head.headers["content-length"] == of_get.headers["content-length"]


def test_nor_has_a_head_that_is_refused(running_venue: Venue) -> None:
    (answer,) = answers_in(exchange(running_venue.port, b"HEAD /health HTTP/1.1\r\n\r\n"), bodiless=True)

    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_request_may_come_a_byte_at_a_time(running_venue: Venue) -> None:
    body = chunked(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")

    assert answers_in(exchange(running_venue.port, *[body[at : at + 1] for at in range(len(body))]))[0].status == 400


@pytest.mark.parametrize(
    ("framing", "body"), [(b"Content-Length: 2", b"{}"), (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n")]
)
def test_who_waits_for_100_is_told_to_go_on(running_venue: Venue, framing: bytes, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running_venue.port), timeout=30) as connection:
        connection.sendall(ORDER + CLOSE + b"Expect: 100-continue\r\n" + framing + b"\r\n\r\n")
        interim = connection.recv(65_536)
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert [each.status for each in answers_in(answer)] == [400]


def test_who_waits_with_too_much_is_told_so_instead(running_venue: Venue) -> None:
    head = ORDER + b"Expect: 100-continue\r\nContent-Length: 262145\r\n\r\n"

    assert [each.status for each in answers_in(exchange(running_venue.port, head))] == [413]


def test_the_id_of_a_refused_request_is_its_own(running_venue: Venue) -> None:
    (answer,) = answers_in(exchange(running_venue.port, HEALTH + b"X-Request-Id: mine-1\r\n\r\n"))

    assert json.loads(answer.body)["request_id"] == answer.headers["x-request-id"] == "mine-1"
