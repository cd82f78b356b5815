"""What an HTTP call costs an address: the limit that counts it, and how many of its places it takes.

A place stands for about 5 ms of processor time (100 ms under `auth`, whose window is a minute), measured call by call
on a busy machine of two cores; docs/reference/limits.md has the table. A cost is made of what can be seen at the door:
the address, the method, the query and the body's size.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_API = "/api/v1/"
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_TRIES = frozenset({"POST", "DELETE"})
"""With these a password or a code may be tried."""

PROGRAM = 1
"""A call answered in the event loop, before Django."""

PAGE = 1
"""A short answer of Django's that reads nothing."""

_API_CALL = 3
_HTML = 2
_HASH = 4

_ROWS_PER_PLACE = 200
_HTML_ROWS_PER_PLACE = 50
BODY_BYTES_PER_PLACE = 8 * 1024
"""Of JSON to be parsed."""

_LIMIT = re.compile(rb"(?:^|&)limit=([0-9]{1,9})(?=&|$)")
_ROWS_MAX = 1_500
_ROWS_DEFAULT = 100

_PAGES: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"/ready"), 2),
    (re.compile(r"/metrics"), 5),
    (re.compile(r"/api/schema/(socket/)?"), 2),
    (re.compile(r"/admin/login/"), 3),
    (re.compile(r"/admin/.+"), 10),
    (re.compile(r"/account/.+"), 3),
    (re.compile(r"/"), 2),
)
"""Places of what is no call of the API; the first that fits counts, else it is a page."""

_CALLS: tuple[tuple[re.Pattern[str], int], ...] = ((re.compile(r"orders/[^/]+/events/"), 10),)

_PASSWORD_CALLS = re.compile(
    r"auth/(token|register|email/confirm|password(/reset/confirm)?|second-factor(/confirm|/verify)?)/"
)
_PASSWORD_FORMS = re.compile(
    r"/admin/(login|password_change)/|/api/login/login/|/account/(password|second-factor|reset|confirm)/.*"
)


class Cost(NamedTuple):
    """Which kind of limit counts a call, and how many places it takes."""

    kind: str
    places: int


def call_kind(method: str, path: str) -> str:
    """Name the kind of an HTTP call, as limits name it."""
    if not path.startswith(_API):
        return "auth" if method == "POST" and _PASSWORD_FORMS.fullmatch(path) else "pages"
    call = path[len(_API) :]
    if call.startswith("auth/"):
        return "auth"
    if call.startswith(("instruments/", "tickers/", "time/")):
        return "market"
    return "orders" if call.startswith("orders/") and method in _CHANGES else "reads"


def program_cost(method: str, path: str, query: bytes, body_bytes: int) -> Cost:
    """Return the cost of a call that is answered before Django."""
    return Cost(call_kind(method, path), PROGRAM + _of_rows(query) + body_bytes // BODY_BYTES_PER_PLACE)


def django_cost(method: str, path: str, query: bytes, body_bytes: int) -> Cost:
    """Return the cost of a call that Django answers, but for its page in HTML."""
    kind = call_kind(method, path)
    if kind == "auth":
        hashes = method in _TRIES and (not path.startswith(_API) or _PASSWORD_CALLS.fullmatch(path[len(_API) :]))
        return Cost(kind, _HASH if hashes else 1)
    if kind == "pages":
        return Cost(kind, next((places for pattern, places in _PAGES if pattern.fullmatch(path)), PAGE))
    call = path[len(_API) :]
    places = next((places for pattern, places in _CALLS if pattern.fullmatch(call)), _API_CALL)
    return Cost(kind, places + _of_rows(query) + body_bytes // BODY_BYTES_PER_PLACE)


def html_places(query: bytes) -> int:
    """Return the places of an answer's page in HTML, beside those of the call."""
    return _HTML + _rows(query) // _HTML_ROWS_PER_PLACE


def _of_rows(query: bytes) -> int:
    return _rows(query) // _ROWS_PER_PLACE if query else 0


def _rows(query: bytes) -> int:
    """Return how many rows a page may have; a limit that is refused costs like one that is not."""
    found = _LIMIT.findall(unquote_to_bytes(query) if b"%" in query else query)
    return max((min(int(limit), _ROWS_MAX) for limit in found), default=_ROWS_DEFAULT)
