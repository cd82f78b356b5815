import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from cift.http.costs import call_kind, django_cost, html_places, program_cost
from cift.settings.ratelimits import EMBEDDED, PRODUCTION
from tests.support.schema import operations

KINDS = {"orders", "reads", "market", "auth", "pages"}


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/api/v1/orders/", "orders"),
        ("DELETE", "/api/v1/orders/7/", "orders"),
        ("GET", "/api/v1/orders/7/", "reads"),
        ("GET", "/api/v1/fills/", "reads"),
        ("GET", "/api/v1/instruments/AAPL-USD/book/", "market"),
        ("GET", "/api/v1/tickers/", "market"),
        ("GET", "/api/v1/time/", "market"),
        ("POST", "/api/v1/auth/token/", "auth"),
        ("POST", "/admin/login/", "auth"),
        ("POST", "/api/login/login/", "auth"),
        ("POST", "/admin/password_change/", "auth"),
        ("POST", "/account/reset/MQ/token/", "auth"),
        ("GET", "/admin/login/", "pages"),
        ("GET", "/api/schema/", "pages"),
        ("GET", "/health", "pages"),
        ("GET", "/metrics", "pages"),
        ("GET", "/static/cift/api.js", "pages"),
        ("BREW", "/nothing", "pages"),
    ],
)
def test_every_call_has_its_kind(method: str, path: str, kind: str) -> None:
    assert call_kind(method, path) == kind


def test_nothing_is_free_and_each_kind_has_a_limit() -> None:
    calls = [(method.upper(), path) for path, method, _operation in operations()]
    calls += [(method, path) for path in _pages(get_resolver().url_patterns) for method in ("GET", "POST")]
    for method, path in calls:
        for cost in (django_cost(method, path, b"", 0), program_cost(method, path, b"", 0)):
            assert cost.kind in KINDS
            assert cost.places >= 1
    assert {f"{kind}-address" for kind in KINDS} <= PRODUCTION.keys() == EMBEDDED.keys()


def _pages(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> list[str]:
    found = []
    for pattern in patterns:
        whole = prefix + str(pattern.pattern)
        found += _pages(pattern.url_patterns, whole) if isinstance(pattern, URLResolver) else [whole]
    return found


@pytest.mark.parametrize(
    ("method", "path", "times"),
    [
        # At least so many of the cheapest call's places: what was measured, rounded down.
        ("GET", "/metrics", 4),
        ("GET", "/ready", 2),
        ("GET", "/admin/login/", 3),
        ("GET", "/admin/orders_order/", 10),
        ("GET", "/api/v1/orders/7/events/", 10),
        ("GET", "/api/v1/balances/", 3),
        ("POST", "/api/v1/auth/token/", 4),
        ("POST", "/api/v1/auth/register/", 4),
        ("POST", "/api/v1/auth/password/reset/confirm/", 4),
        ("POST", "/api/v1/auth/second-factor/verify/", 4),
        ("POST", "/api/v1/auth/second-factor/", 4),
        ("DELETE", "/api/v1/auth/second-factor/", 4),
        ("POST", "/admin/login/", 4),
    ],
)
def test_a_costly_call_takes_places_by_its_cost(method: str, path: str, times: int) -> None:
    assert django_cost(method, path, b"", 0).places >= times * django_cost("GET", "/health", b"", 0).places


@pytest.mark.parametrize("query", [b"limit=500", b"symbol=X&limit=500", b"%6cimit=500", b"limit=1&limit=500"])
def test_a_long_page_costs_more_however_its_length_is_written(query: bytes) -> None:
    short = program_cost("GET", "/api/v1/orders/", b"", 0).places

    assert program_cost("GET", "/api/v1/orders/", query, 0).places == short + 2
    assert html_places(query) == html_places(b"limit=1") + 10
    assert program_cost("GET", "/api/v1/orders/", b"limit=99999", 0).places == short + 7
    assert program_cost("GET", "/api/v1/orders/", b"nolimit=500&limit=", 0).places == short


def test_a_body_costs_by_its_size() -> None:
    small, large = (program_cost("POST", "/api/v1/orders/", b"", size).places for size in (200, 256 * 1024))

    assert (small, large) == (1, 33)
    assert django_cost("POST", "/api/v1/orders/", b"", 256 * 1024).places > 32
