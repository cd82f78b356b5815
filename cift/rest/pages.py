"""Cursor pages over a unique key: `{"results", "next", "previous"}`; no count, no offset, so no page is slow."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from cift.errors.application import ApplicationError, FieldError

RowT = TypeVar("RowT")
ModelT = TypeVar("ModelT", bound=Model)

_CURSOR = re.compile(rb"([on])([0-9]{1,19})(?:\.([0-9]{1,19}))?")
_CURSOR_LENGTH_MAX = 64

Key = tuple[int, ...]
"""A row's place in a list: its unique key, of one part or two."""


class PageRequest(Protocol):
    """What a page needs of a request, to give the addresses of those beside it."""

    @property
    def query_params(self) -> QueryDict:
        """The query."""

    @property
    def path(self) -> str:
        """The list's own path."""

    def build_absolute_uri(self, location: str) -> str:
        """Return the address of a path on the host that was asked."""


class PageAsk(NamedTuple):
    """Which page is asked for: that after a key, or before it (`newer`); without a key the newest."""

    limit: int
    key: Key | None
    newer: bool


def page_ask(read: Mapping[str, Any], *, parts: int = 1) -> PageAsk:
    """Read which page a query asks for, of a list whose key has so many parts.

    Raises:
        ApplicationError: `invalid`: the cursor is none of this list's.

    """
    if read["cursor"] is None:
        return PageAsk(limit=read["limit"], key=None, newer=False)
    newer, key = _cursor_read(read["cursor"], parts=parts)
    return PageAsk(limit=read["limit"], key=key, newer=newer)


def rows_paged(
    rows: QuerySet[ModelT], ask: PageAsk, *, key: Sequence[str], least: int | None = None, before: int | None = None
) -> QuerySet[ModelT]:
    """Keep what a page holds and one row more, in the order the page is read.

    `key` names the parts of the key, `least` and `before` bound its first one besides.
    """
    name, *others = key
    bounds = key_bounds(ask, least=least, before=before)
    rows = rows.filter(**{f"{name}__{way}": bound for way, bound in bounds})
    if others and ask.key is not None:
        way = "gt" if ask.newer else "lt"
        rows = rows.filter(Q(**{f"{name}__{way}": ask.key[0]}) | Q(**{f"{others[0]}__{way}": ask.key[1]}))
    return rows.order_by(*(part if ask.newer else f"-{part}" for part in key))[: ask.limit + 1]


def key_bounds(ask: PageAsk, *, least: int | None, before: int | None) -> Iterator[tuple[str, int]]:
    """Return the lookups that bound a key's first part, one a side: of two, an index is walked to one alone."""
    lower = [] if least is None else [least]
    upper = [] if before is None else [before]
    if ask.key is not None:
        first, shared = ask.key[0], len(ask.key) > 1
        if ask.newer:
            lower.append(first if shared else first + 1)
        else:
            upper.append(first + 1 if shared else first)
    if lower:
        yield "gte", max(lower)
    if upper:
        yield "lt", min(upper)


def page_answer(
    found: Sequence[RowT],
    ask: PageAsk,
    request: PageRequest,
    *,
    shape: Callable[[RowT], Any],
    key_of: Callable[[RowT], Key],
) -> dict[str, Any]:
    """Return one page, newest first, of what was found: in the order it was read, one row more than asked for."""
    more, kept = len(found) > ask.limit, list(found[: ask.limit])
    if ask.newer:
        kept.reverse()
    older_there, newer_there = (bool(kept), more) if ask.newer else (more, ask.key is not None and bool(kept))
    return {
        "results": [shape(row) for row in kept],
        "next": cursor_url(request, key_of(kept[-1]), newer=False) if older_there else None,
        "previous": cursor_url(request, key_of(kept[0]), newer=True) if newer_there else None,
    }


def cursor_url(request: PageRequest, key: Key, *, newer: bool) -> str:
    """Return the address of the page after a key, or before it."""
    text = ("n" if newer else "o") + ".".join(map(str, key))
    token = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    query = {name: value for name, value in request.query_params.items() if name not in {"cursor", "at_least"}}
    return request.build_absolute_uri(f"{request.path}?{urlencode({**query, 'cursor': token})}")


def _cursor_read(cursor: str, *, parts: int) -> tuple[bool, Key]:
    try:
        padded = cursor[:_CURSOR_LENGTH_MAX].encode("ascii") + b"=" * (-len(cursor) % 4)
        match = _CURSOR.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error):
        match = None
    key = () if match is None else tuple(int(part) for part in match.groups()[1:] if part is not None)
    if match is None or len(key) != parts or max(key) >= 2**63:
        error = FieldError(field="cursor", code="malformed", detail="This is no cursor of this list.")
        raise ApplicationError("invalid", errors=[error])
    return match.group(1) == b"n", key
