"""The door's limits, by the application every web server serves."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import AsyncRequestFactory
from pytest_django import Settings

from cift.http.limits import calls_limited, standing_of
from cift.ratelimits import rate_limits


@pytest.fixture
def few(settings: Settings) -> Iterator[None]:
    """Six places in an hour."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "pages-address": (6, 3600)}
    yield
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "pages-address": (1_000_000, 1)}


async def asked(path: str, address: str) -> tuple[int | None, dict[str, str], bool]:
    """Ask; return the status of a refusal, its headers, and whether the application was reached."""
    sent: list[dict[str, Any]] = []
    reached = False

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        nonlocal reached
        reached = standing_of(scope) is not None

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    scope = {**AsyncRequestFactory().get(path).scope, "client": (address, 1), "scheme": "http"}
    scope["headers"] = [*scope["headers"], (b"x-request-id", b"mine")]
    await calls_limited(application)(scope, None, send)
    start = sent[0] if sent else {"headers": ()}
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start.get("status"), headers, reached


@pytest.mark.usefixtures("few")
async def test_who_has_no_place_is_refused_before_django_and_told_when_to_come() -> None:
    found = [await asked("/metrics", "203.0.113.1"), await asked("/metrics", "203.0.113.1")]

    assert [(status, reached) for status, _headers, reached in found] == [(None, True), (429, False)]
    headers = found[1][1]
    assert headers["content-type"] == "application/problem+json"
    assert headers["ratelimit-policy"] == '"pages-address";q=6;w=3600'
    assert int(headers["retry-after"]) > 0
    assert headers["x-request-id"] == "mine"
    assert await asked("/health", "203.0.113.2") == (None, {}, True)
    assert len(rate_limits) > 0


@pytest.mark.usefixtures("few")
async def test_one_network_of_ipv6_counts_as_one_address() -> None:
    found = [await asked("/metrics", f"2001:db8:7:1::{number}") for number in (1, 2)]

    assert [reached for _status, _headers, reached in found] == [True, False]
