"""A request's head, held to one grammar before a web server's own parser sees it (RFC 9112, sections 2 to 7).

The two servers' parsers differ in what they refuse, and in what they read out of what they let through. Here a head is
refused once, for both, and what is handed on is plain: an origin-form target, HTTP/1.1, one Host, one framing.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from cift.errors.application import ApplicationError

TARGET_BYTES_MAX = 8 * 1024
"""The longest request target taken; a longer one is 414."""

HEAD_BYTES_MAX = 16 * 1024
"""The largest head taken, request line included; a larger one is 431. Twisted's parser takes no more either."""

HEADERS_MAX = 100
"""The most header lines taken; more are 431."""

METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"QUERY"})
"""The methods an application gets to see, to serve or to answer 405; any other is 501."""

_LENGTH_DIGITS_MAX = 15
_REMEMBERED_BYTES_MAX = 1024
_LINE_BYTES_MAX = TARGET_BYTES_MAX + 64

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_FIELDS = rb"(?:%b:[\t\x20-\x7e\x80-\xff]*\r\n)*" % _TOKEN
_HEAD = re.compile(rb"(%b) ([\x21-\x7e]+) HTTP/(\d)\.(\d)\r\n(%b)\r\n" % (_TOKEN, _FIELDS))
_NOTED = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"})
_TRAILER = re.compile(rb"%b:[\t\x20-\x7e\x80-\xff]*" % _TOKEN)
_REQUEST_ID = re.compile(rb"^x-request-id:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_NEVER = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n|\Z)")
_AUTHORITY = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~%!$&'()*+,;=-]+)(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)

_PLAIN_CONNECTIONS: tuple[list[bytes], ...] = ([], [b"close"], [b"keep-alive"])


class Head(NamedTuple):
    """What is handed on of a head, and what a connection has to know of its request."""

    plain: bytes
    """The head as a parser gets it."""
    length: int
    """The body's length; 0 without a body, and where `chunked`."""
    chunked: bool
    """Whether the body comes in chunks."""
    continues: bool
    """Whether the client waits for `100 Continue` before it sends its body."""
    upgrades: bool
    """Whether this is a socket's handshake: what follows is none of HTTP."""
    closes: bool
    """Whether this is the connection's last request."""


def no_request(detail: str = "This is no HTTP request.") -> ApplicationError:
    """Return the error of what is no request of HTTP, which no application gets to see."""
    return ApplicationError("invalid", detail)


def head_end(held: bytearray, *, begin: int) -> int:
    """Find where a head that may not be whole yet ends; 0 for nowhere yet.

    `begin`: the bytes looked at before.

    Raises:
        ApplicationError: whatever may come, this will be no head, or a head too large.

    """
    last = held.find(b"\r\n\r\n", max(begin - 3, 0))
    if last >= 0 and last + 4 <= _LINE_BYTES_MAX:
        # Short and whole, as nearly all are: the grammar says all there is to say.
        return last + 4
    seen = len(held) if last < 0 else last + 4
    # A CR at the end of what was looked at before is looked at again with what follows it.
    if _NEVER.search(held, max(begin - 1, 0), seen):
        raise no_request()
    line = held.find(b"\r\n", 0, _LINE_BYTES_MAX)
    if line < 0 and seen >= _LINE_BYTES_MAX:
        raise ApplicationError("uri_too_long")
    if seen > HEAD_BYTES_MAX:
        raise ApplicationError("headers_too_large")
    return 0 if last < 0 else seen


def head_read(head: bytes) -> Head:
    """Judge a whole head, its empty line included.

    Raises:
        ApplicationError: `invalid`, `uri_too_long`, `headers_too_large`, `not_implemented`, `expectation_failed`,
            `payload_too_large`.

    """
    # A client's requests begin alike: what was read of the latest short heads is remembered.
    return _remembered(head) if len(head) <= _REMEMBERED_BYTES_MAX else _judged(head)


@lru_cache(maxsize=256)
def _remembered(head: bytes) -> Head:
    return _judged(head)


def _judged(head: bytes) -> Head:
    found = _HEAD.fullmatch(head)
    if found is None:
        raise no_request()
    method, target, major, minor, fields = found.groups()
    if len(target) > TARGET_BYTES_MAX:
        raise ApplicationError("uri_too_long")
    if fields.count(b"\n") > HEADERS_MAX:
        raise ApplicationError("headers_too_large")
    if major != b"1":
        raise no_request("This is no version of HTTP/1.")
    if method not in METHODS:
        raise ApplicationError("not_implemented")
    noted: dict[bytes, list[bytes]] = {}
    for line in fields.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if (lower := name.lower()) in _NOTED:
            noted.setdefault(lower, []).append(value.strip(b" \t"))
    old = minor == b"0"
    path, authority = _target_read(method, target, noted.get(b"host", []), old=old)
    length, chunked = _framing_read(noted, old=old)
    continues = _expectation_read(noted, old=old) and bool(length or chunked)
    tokens = _tokens(noted.get(b"connection", []))
    upgrades = _is_handshake(method, noted, tokens) and not (old or length or chunked)
    closes = old or b"close" in tokens
    lines: dict[bytes, bytes | None] = {} if authority is None else {b"host": authority}
    lines |= _hop_lines(noted, tokens, old=old, upgrades=upgrades)
    # Most heads are plain as they come. Of tabs around a value, one parser leaves the last.
    plain_now = path == target and minor == b"1" and not lines and b"\t" not in fields
    plain = head if plain_now else _rewritten(method, path, fields, lines)
    return Head(plain, length, chunked, continues, upgrades, closes)


def request_id_in(head: bytes) -> str | None:
    """Find the request's id in a head, whatever else is wrong with it."""
    found = _REQUEST_ID.search(head)
    return None if found is None else found.group(1).decode("latin-1")


def is_trailer(line: bytes) -> bool:
    """Return whether a line after the last chunk is a field."""
    return _TRAILER.fullmatch(line) is not None


def _target_read(method: bytes, target: bytes, hosts: list[bytes], *, old: bool) -> tuple[bytes, bytes | None]:
    """Return the target as a path with its query, and the host where the target has it (RFC 9112, 3.2)."""
    if len(hosts) > 1 or (not hosts and not old):
        raise no_request("A request has one Host header.")
    if hosts and not _AUTHORITY.fullmatch(hosts[0]):
        raise no_request("The Host header is malformed.")
    if b"#" in target:
        raise no_request("A request target has no fragment.")
    if target.startswith(b"/"):
        return target, None
    if target == b"*" and method == b"OPTIONS":
        # What is asked of the server as a whole is answered as of its root.
        return b"/", None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _AUTHORITY.fullmatch(absolute.group(1)):
        raise no_request("The request target is malformed.")
    authority, path = absolute.groups()
    return (path if path.startswith(b"/") else b"/" + path), authority


def _framing_read(noted: dict[bytes, list[bytes]], *, old: bool) -> tuple[int, bool]:
    """Return the body's length and whether it comes in chunks (RFC 9112, 6)."""
    lengths, codings = noted.get(b"content-length", []), noted.get(b"transfer-encoding", [])
    if codings:
        names = _tokens(codings)
        if lengths or old or not names or names[-1] != b"chunked" or names.count(b"chunked") > 1:
            raise no_request("The length of the body is said in two ways, or in none that counts.")
        if len(names) > 1:
            raise ApplicationError("not_implemented", "Of transfer codings only chunked is understood.")
        return 0, True
    if not lengths:
        return 0, False
    if len(lengths) > 1 or not lengths[0].isdigit():
        raise no_request("A request has one Content-Length, a whole number.")
    digits = lengths[0].lstrip(b"0")
    if len(digits) > _LENGTH_DIGITS_MAX:
        raise ApplicationError("payload_too_large")
    return int(digits or b"0"), False


def _expectation_read(noted: dict[bytes, list[bytes]], *, old: bool) -> bool:
    """Return whether `100 Continue` is expected; of an older client nothing is (RFC 9110, 10.1.1)."""
    expected = _tokens(noted.get(b"expect", []))
    if old or not expected:
        return False
    if set(expected) != {b"100-continue"}:
        raise ApplicationError("expectation_failed")
    return True


def _hop_lines(
    noted: dict[bytes, list[bytes]], tokens: list[bytes], *, old: bool, upgrades: bool
) -> dict[bytes, bytes | None]:
    """Return what a parser is told in place of the headers that concern the connection."""
    lines: dict[bytes, bytes | None] = {}
    if b"expect" in noted:
        # Met here: one server would send its 100 with the head, the other when the body is asked for.
        lines[b"expect"] = None
    if upgrades:
        return lines
    if b"upgrade" in noted:
        # A switch may be declined (RFC 9110, 7.8); a parser that makes half of it loses the body.
        lines[b"upgrade"] = None
    if old or tokens not in _PLAIN_CONNECTIONS or len(noted.get(b"connection", [])) > 1:
        lines[b"connection"] = b"close" if old or b"close" in tokens else b"keep-alive"
    return lines


def _is_handshake(method: bytes, noted: dict[bytes, list[bytes]], tokens: list[bytes]) -> bool:
    upgrade = [value.lower() for value in noted.get(b"upgrade", [])]
    return method == b"GET" and upgrade == [b"websocket"] and b"upgrade" in tokens


def _tokens(values: list[bytes]) -> list[bytes]:
    return [token for value in values for part in value.split(b",") if (token := part.strip(b" \t").lower())]


def _rewritten(method: bytes, path: bytes, fields: bytes, lines: dict[bytes, bytes | None]) -> bytes:
    """Write a head anew; `lines`: what is said in place of the headers of a name, None for nothing."""
    kept = [line.partition(b":")[::2] for line in fields.split(b"\r\n") if line]
    told = [(name, value.strip(b" \t")) for name, value in kept if name.lower() not in lines]
    told += [(name, value) for name, value in lines.items() if value is not None]
    written = [name + b": " + value for name, value in told]
    return b"\r\n".join((method + b" " + path + b" HTTP/1.1", *written, b"", b""))
