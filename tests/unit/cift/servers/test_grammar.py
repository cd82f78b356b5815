"""What is handed on of a head; what is refused is asked of both servers in tests/integration."""

import pytest

from cift.servers.grammar import head_read

HOST = b"Host: a.example\r\n"


@pytest.mark.parametrize(
    ("head", "plain"),
    [
        (b"GET /a?b HTTP/1.1\r\n" + HOST + b"\r\n", None),
        (b"GET /a HTTP/1.1\r\n" + HOST + b"Connection: keep-alive\r\n\r\n", None),
        (
            b"GET http://b.example/a HTTP/1.1\r\n" + HOST + b"A: b\r\n\r\n",
            b"GET /a HTTP/1.1\r\nA: b\r\nhost: b.example\r\n\r\n",
        ),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A:\t b \t\r\n\r\n", b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n\r\n"),
        (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", b"OPTIONS / HTTP/1.1\r\n" + HOST + b"\r\n"),
        (b"GET / HTTP/1.0\r\nExpect: tea\r\n\r\n", b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"),
        (
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: te, close\r\nConnection: x\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n",
        ),
        (
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + HOST + b"connection: keep-alive\r\n\r\n",
        ),
    ],
)
def test_a_head_is_handed_on_in_its_plainest_form(head: bytes, plain: bytes | None) -> None:
    assert head_read(head).plain == (head if plain is None else plain)


@pytest.mark.parametrize(
    ("line", "upgrades"),
    [
        (b"GET / HTTP/1.1", True),
        (b"POST / HTTP/1.1", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.1\r\nContent-Length: 1", False),
    ],
)
def test_a_handshake_is_a_get_of_http_1_1_without_a_body(line: bytes, upgrades: bool) -> None:  # noqa: FBT001 - a case's
    head = line + b"\r\n" + HOST + b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"

    read = head_read(head)

    assert read.upgrades is upgrades
    assert (read.plain == head) is upgrades
