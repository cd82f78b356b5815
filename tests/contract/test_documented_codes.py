"""Which codes an operation is documented to answer, held against the code behind it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from cift.errors.codes import CODES
from cift.errors.extras import ERROR_EXTRAS, EXTRAS, error_extras_of
from cift.wire.reasons import Reason
from tests.support.raised import codes_raised
from tests.support.schema import METHODS, PROBLEM, SERVICE_CODES, codes_documented, extras_of, operations, schema

REASONS = {reason.code for reason in Reason}

OF_BACKENDS = {"history_unavailable"}
"""Codes a backend raises that a setting names, which the source of a view does not show."""

OPENING = "an opening that fails is done again later; who registers is told where nothing was done at all"
IN_ITS_PLACE = "told in the place of the command it is about"
NOT_ANSWERED = {
    ("post", "/api/v1/auth/register/", "conflict"): OPENING,
    ("post", "/api/v1/auth/email/confirm/", "conflict"): OPENING,
    ("post", "/api/v1/auth/email/confirm/", "venue_unavailable"): OPENING,
    ("post", "/api/v1/auth/token/", "conflict"): OPENING,
    ("post", "/api/v1/auth/token/", "venue_unavailable"): OPENING,
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
    """Return each described call: its method and address, the codes raised behind it, and its description."""
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
        for code in set(call.errors) - raised - SERVICE_CODES - REASONS - OF_BACKENDS
    }

    assert not idle


def test_what_an_operation_s_errors_bring_is_of_the_table() -> None:
    told = [
        (path, method, code, set(names))
        for method, path, _, call in calls()
        for code, names in call.error_extras.items()
    ]

    assert len(told) > 50
    for path, method, code, names in told:
        assert names <= set(error_extras_of(code).may), (method, path, code)
    assert set(ERROR_EXTRAS) <= set(CODES)
    assert {name for brings in ERROR_EXTRAS.values() for name in brings.all} == set(EXTRAS)


EXAMPLES: list[tuple[str, str, str, set[str]]] = [
    ("post", "/api/v1/orders/", "outcome_unknown", {"client_order_id", "resolve_after"}),
    ("post", "/api/v1/orders/", "insufficient_funds", {"client_order_id", "sequence"}),
    ("post", "/api/v1/orders/", "instrument_unknown", {"client_order_id"}),
    ("post", "/api/v1/orders/", "rate_limited", {"retry_after"}),
    ("post", "/api/v1/orders/", "invalid", set()),
    ("patch", "/api/v1/orders/{order_id}/", "outcome_unknown", {"id", "client_order_id", "resolve_after"}),
    ("patch", "/api/v1/orders/{order_id}/", "projection_behind", {"sequence", "consistency_token"}),
    ("delete", "/api/v1/orders/{order_id}/", "order_terminal", {"id", "client_order_id", "order_status"}),
    ("delete", "/api/v1/orders/", "outcome_unknown", {"resolve_after"}),
    ("delete", "/api/v1/orders/", "deadline_passed", {"sequence"}),
    ("post", "/api/v1/orders/batch/", "outcome_unknown", {"client_order_ids", "resolve_after"}),
    ("post", "/api/v1/orders/batch/", "batch_member_refused", {"sequence", "reason", "client_order_id"}),
    ("get", "/api/v1/orders/", "projection_behind", set()),
]


@pytest.mark.parametrize(("method", "path", "code", "names"), EXAMPLES)
def test_an_example_of_an_error_brings_what_such_an_error_does(
    method: str, path: str, code: str, names: set[str]
) -> None:
    response = schema()["paths"][path][method]["responses"][str(CODES[code].status)]
    example = response["content"][PROBLEM]["examples"][code]["value"]

    assert extras_of(example) == names


def test_the_api_s_answers_are_documented_with_their_headers() -> None:
    for path, method, operation in operations():
        for status, response in operation["responses"].items():
            limited = status not in {"408", "413"}
            assert ({"RateLimit-Policy", "RateLimit"} <= response["headers"].keys()) is limited, (method, path, status)
            comes_again = status in {"429", "503"}
            assert ("Retry-After" in response["headers"]) is comes_again, (method, path, status)
