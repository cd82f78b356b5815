"""A read's query: its parameters by a table of fields, like a body's, and the token it waits for."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from cift.errors.application import ApplicationError, FieldError
from cift.fields import Field, FieldInvalidError, Kind, fields_read, moment
from cift.orderservice.consistency import place_of
from cift.orderservice.journal import journal_reads

LIMIT_MAX = 500
LIMIT_DEFAULT = 100

_FORMAT = "format"
"""REST framework's own parameter, which chooses the renderer."""


def integer(*, least: int, most: int) -> Kind:
    """Read a whole number within bounds from a query's text."""

    def parse(value: Any) -> int:
        if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) is None:
            raise FieldInvalidError("malformed", "A whole number is wanted.")
        if not least <= int(value) <= most:
            raise FieldInvalidError("out_of_range", f"{least} to {most}.")
        return int(value)

    return Kind(parse, {"type": "integer", "minimum": least, "maximum": most})


opaque = Kind(str, {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"})
"""Takes a text as it is: what it names is for its reader to say."""


PAGE_FIELDS: Mapping[str, Field] = {
    "limit": Field(integer(least=1, most=LIMIT_MAX), default=LIMIT_DEFAULT),
    "cursor": Field(opaque),
}

SPAN_FIELDS: Mapping[str, Field] = {"start": Field(moment), "end": Field(moment)}
"""From a time on, and before a time."""

AT_LEAST_FIELDS: Mapping[str, Field] = {"at_least": Field(opaque)}


def query_read(query: QueryDict, table: Mapping[str, Field], *, with_empty: bool = False) -> dict[str, Any]:
    """Read a query's parameters; an empty one is left out, or read as it is where something is done.

    Raises:
        ApplicationError: `invalid`, with every fault.

    """
    errors: list[FieldError] = []
    read = fields_read(query_given(query, with_empty=with_empty), table, errors)
    if errors:
        raise ApplicationError("invalid", errors=errors)
    return read


def query_given(query: QueryDict, *, with_empty: bool = False) -> dict[str, Any]:
    """Take a query's parameters; an empty one is left out of a read, and kept where it would widen what is done.

    Raises:
        ApplicationError: `invalid`: one is given more than once.

    """
    errors = [
        FieldError(field=name[:64], code="malformed", detail="Given more than once.")
        for name, values in query.lists()
        if len(values) > 1
    ]
    if errors:
        raise ApplicationError("invalid", errors=errors)
    return {name: value for name, value in query.items() if (with_empty or value != "") and name != _FORMAT}


def query_none(query: QueryDict) -> None:
    """Refuse a query, an empty parameter too, where all there is to say is in the address and the body.

    Raises:
        ApplicationError: `invalid`: it has a parameter.

    """
    query_read(query, {}, with_empty=True)


def sequence_at(at: int | None) -> int | None:
    """Return the first sequence of a time or later; None for no time."""
    return None if at is None else journal_reads["default"].sequence_at(at)


def read_wait(token: str | None, *, account: int | None = None) -> None:
    """Wait until the tables have what a token names, and all an account was told whose own is read.

    Raises:
        ApplicationError: `invalid`, `projection_behind`.

    """
    place = None if token is None else place_of(token)
    if account is not None:
        journal_reads["default"].told_wait(account)
    if place is not None:
        journal_reads["default"].projection_wait(place, account=account)
