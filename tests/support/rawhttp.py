"""HTTP by bytes: what is sent is what is written here, and an answer is read as RFC 9112 has it."""

import socket
from typing import NamedTuple


class RawAnswer(NamedTuple):
    """An answer; the names of its headers in lower case."""

    status: int
    phrase: str
    headers: dict[str, str]
    body: bytes


def exchange(port: int, *parts: bytes) -> bytes:
    """Send bytes; return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.settimeout(30)
        for part in parts:
            connection.sendall(part)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


def answers_in(received: bytes, *, bodiless: bool = False) -> list[RawAnswer]:
    """Read answers that stand one after the other; `bodiless`: they are to HEAD."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        version, status, phrase = line.split(" ", 2)
        assert version == "HTTP/1.1", line
        pairs = [(name.lower(), value.strip()) for name, _, value in (each.partition(":") for each in lines)]
        headers = dict(pairs)
        repeated = {name for name in headers if [each for each, _ in pairs].count(name) > 1}
        assert repeated <= {"set-cookie", "vary"}, repeated
        body = b""
        if not bodiless and int(status) not in (100, 204, 304):
            # No answer of the venue's is of unknown length.
            length = int(headers["content-length"])
            body, received = received[:length], received[length:]
            assert len(body) == length, received
        found.append(RawAnswer(int(status), phrase, headers, body))
    return found
