"""The door's limits, by the application every web server serves."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import AsyncRequestFactory
from pytest_django import Settings

from cift.errors.application import ApplicationError
from cift.http.limits import RefusalPace, calls_limited, standing_of
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
    start: dict[str, Any] = sent[0] if sent else {"headers": ()}
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


async def test_who_does_not_heed_refusals_is_answered_late(settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "refusals-address": (2, 3600)}
    pace = RefusalPace(held_max=1, refusal_s=3600)
    errors = [ApplicationError("rate_limited") for _ in range(4)]
    waiting = [asyncio.create_task(pace.wait("203.0.113.9", error)) for error in errors]
    other = asyncio.create_task(pace.wait("203.0.113.10", ApplicationError("rate_limited")))
    fault = asyncio.create_task(pace.wait("203.0.113.9", ApplicationError("not_found")))

    # The first two have places; the third waits; the fourth is one too many to wait.
    await asyncio.gather(waiting[0], waiting[1], waiting[3], other, fault)

    assert [task.done() for task in waiting] == [True, True, False, True]
    assert [error.headers.get("Connection") for error in errors] == [None, None, None, "close"]
    waiting[2].cancel()
    await asyncio.gather(waiting[2], return_exceptions=True)
    # Its place to wait is free again.
    later = asyncio.create_task(pace.wait("203.0.113.9", ApplicationError("rate_limited")))
    await asyncio.sleep(0)
    assert not later.done()
    later.cancel()


@pytest.mark.usefixtures("few")
async def test_one_network_of_ipv6_counts_as_one_address() -> None:
    found = [await asked("/metrics", f"2001:db8:7:1::{number}") for number in (1, 2)]

    assert [reached for _status, _headers, reached in found] == [True, False]
