"""Which codes an operation is documented to answer, held against the code behind it."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from cift.wire.reasons import Reason
from tests.support.raised import codes_raised
from tests.support.schema import METHODS, SERVICE_CODES, codes_documented

REASONS = {reason.code for reason in Reason}

OPENING = "an opening that fails is done again later; who registers is told where nothing was done at all"
IN_ITS_PLACE = "told in the place of the command it is about"
NOT_ANSWERED = {
    ("post", "/api/v1/auth/register/", "conflict"): OPENING,
    ("post", "/api/v1/auth/email/confirm/", "conflict"): OPENING,
    ("post", "/api/v1/auth/email/confirm/", "venue_unavailable"): OPENING,
    ("post", "/api/v1/auth/token/", "conflict"): OPENING,
    ("post", "/api/v1/auth/token/", "venue_unavailable"): OPENING,
    ("post", "/api/v1/orders/batch/", "duplicate_client_order_id"): IN_ITS_PLACE,
    ("post", "/api/v1/orders/batch/", "order_terminal"): IN_ITS_PLACE,
}
"""Codes raised behind an operation that it does not answer, and why."""


def views(patterns: Any, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        whole = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, whole)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            yield whole.replace("<str:", "{").replace(">", "}"), pattern.callback.cls


def calls() -> Iterator[tuple[str, str, set[str], Any]]:
    """Give each described call: its method and address, the codes raised behind it, and its description."""
    for path, view in views(get_resolver().url_patterns):
        for method in METHODS:
            call = getattr(getattr(view, method, None), "call", None)
            if call is not None:
                yield method, path, codes_raised(f"{view.__module__}.{view.__name__}.{method}"), call


def test_what_is_raised_behind_an_operation_is_documented() -> None:
    missing = {
        (method, path, code) for method, path, raised, _ in calls() for code in raised - codes_documented(method, path)
    }

    assert missing == set(NOT_ANSWERED)


def test_no_operation_documents_what_nothing_behind_it_raises() -> None:
    idle = {
        (method, path, code)
        for method, path, raised, call in calls()
        for code in set(call.errors) - raised - SERVICE_CODES - REASONS
    }

    assert not idle
