"""Cursor pages over a unique key: `{"results", "next", "previous"}`; no count, no offset, so no page is slow."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from django.db.models import Model, QuerySet
from rest_framework.request import Request

from cift.errors import ApplicationError, FieldError

RowT = TypeVar("RowT", bound=Model)

_CURSOR = re.compile(rb"([on])([0-9]{1,19})")
_CURSOR_LENGTH_MAX = 64


def page_answer(
    rows: QuerySet[RowT],
    shape: Callable[[RowT], msgspec.Struct],
    request: Request,
    *,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """Give one page, newest first by primary key.

    Raises:
        ApplicationError: `invalid`: the cursor is none of ours.

    """
    newer, key = _cursor_read(cursor) if cursor is not None else (False, None)
    if newer:
        found = list(rows.filter(pk__gt=key).order_by("pk")[: limit + 1])
    elif key is not None:
        found = list(rows.filter(pk__lt=key).order_by("-pk")[: limit + 1])
    else:
        found = list(rows.order_by("-pk")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if newer:
        found.reverse()
    older_there, newer_there = (bool(found), more) if newer else (more, key is not None and bool(found))
    return {
        "results": [msgspec.to_builtins(shape(row)) for row in found],
        "next": _url(request, "o", found[-1].pk) if older_there else None,
        "previous": _url(request, "n", found[0].pk) if newer_there else None,
    }


def _url(request: Request, direction: str, key: int) -> str:
    token = base64.urlsafe_b64encode(f"{direction}{key}".encode()).decode().rstrip("=")
    query = {name: value for name, value in request.query_params.items() if name not in {"cursor", "at_least"}}
    return request.build_absolute_uri(f"{request.path}?{urlencode({**query, 'cursor': token})}")


def _cursor_read(cursor: str) -> tuple[bool, int]:
    try:
        padded = cursor[:_CURSOR_LENGTH_MAX].encode("ascii") + b"=" * (-len(cursor) % 4)
        match = _CURSOR.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error):
        match = None
    if match is None or int(match.group(2)) >= 2**63:
        error = FieldError(field="cursor", code="malformed", detail="This is no cursor of this list.")
        raise ApplicationError("invalid", errors=[error])
    return match.group(1) == b"n", int(match.group(2))
