"""Who may see the venue's inside over `/ready` and `/metrics`, and that nobody else does."""

import asyncio
from io import BytesIO
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission
from django.core.handlers.asgi import ASGIRequest
from django.db import OperationalError
from django.http import HttpRequest
from django.test import AsyncClient, AsyncRequestFactory
from pytest_django import Settings

from apps.accounts.models import User
from cift.http.proxies import is_local, proxies_trusted
from cift.monitoring.access import Operators, may_see_inside
from cift.processes.shared_calls import SharedCall

pytestmark = pytest.mark.usefixtures("sqlite")

HOST = (b"host", b"localhost:8000")


STRANGER: tuple[set[str], int] = ({"status"}, 401)
INSIDE: tuple[set[str], int] = ({"status", "version", "checks"}, 200)


async def seen(client: AsyncClient, **headers: str) -> tuple[set[str], int]:
    """Return what a client is told of readiness, and the status of its scrape."""
    ready = await client.get("/ready", headers=headers)
    assert ready.status_code == 503
    return set(ready.json()), (await client.get("/metrics", headers=headers)).status_code


async def test_a_stranger_is_told_whether_the_venue_is_ready_and_nothing_else() -> None:
    assert await seen(AsyncClient()) == STRANGER

    refused = await AsyncClient().get("/metrics")
    assert (refused.json()["code"], refused["WWW-Authenticate"]) == ("unauthenticated", "Bearer")
    assert b"cift_writer" not in refused.content


async def test_who_shows_the_token_sees_all(settings: Settings) -> None:
    assert await seen(AsyncClient(), Authorization=f"Bearer {settings.METRICS_TOKEN}") == INSIDE
    assert await seen(AsyncClient(), Authorization=f"bearer {settings.METRICS_TOKEN}") == INSIDE


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer x", "Basic {}", "{}", "Bearer {}x", "Bearer {} x", "Bearer \u00e9"]
)
async def test_a_wrong_token_shows_nothing(settings: Settings, header: str) -> None:
    assert await seen(AsyncClient(), Authorization=header.format(settings.METRICS_TOKEN)) == STRANGER


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", ""])
async def test_without_a_token_set_an_empty_one_is_none(settings: Settings, header: str) -> None:
    settings.METRICS_TOKEN = ""

    assert await seen(AsyncClient(), Authorization=header) == STRANGER


@pytest.mark.parametrize(
    ("flags", "permission", "may"),
    [
        ({"is_staff": True}, "view_venuestate", True),
        ({"is_staff": True, "is_superuser": True}, None, True),
        ({"is_staff": True}, "view_order", False),
        ({}, "view_venuestate", False),
        ({"is_staff": True, "is_active": False}, "view_venuestate", False),
    ],
)
async def test_an_operator_who_may_open_the_overview_sees_all(
    *, flags: dict[str, bool], permission: str | None, may: bool
) -> None:
    client = AsyncClient()

    def log_in() -> None:
        user = User.objects.create_user(email="operator@example.com", password="x", **flags)
        if permission:
            user.user_permissions.add(Permission.objects.get(codename=permission))
        client.force_login(user)

    await sync_to_async(log_in, thread_sensitive=False)()

    assert await seen(client) == (INSIDE if may else STRANGER)


@pytest.mark.parametrize(
    ("peer", "headers", "local"),
    [
        ("127.0.0.1", [HOST], True),
        ("127.4.5.6", [(b"host", b"127.0.0.1")], True),
        ("::1", [(b"host", b"[::1]:8000")], True),
        ("::ffff:127.0.0.1", [HOST], True),
        ("203.0.113.7", [HOST], False),
        ("", [HOST], False),
        ("127.0.0.1", [(b"host", b"venue.example")], False),
        ("127.0.0.1", [], False),
        ("127.0.0.1", [HOST, HOST], False),
        ("127.0.0.1", [HOST, (b"X-Forwarded-For", b"203.0.113.7")], False),
        ("127.0.0.1", [HOST, (b"x-forwarded-for", b"127.0.0.1")], False),
        ("127.0.0.1", [HOST, (b"forwarded", b"for=127.0.0.1")], False),
        ("127.0.0.1", [HOST, (b"x-real-ip", b"127.0.0.1")], False),
        ("127.0.0.1", [HOST, (b"via", b"1.1 proxy")], False),
    ],
)
@pytest.mark.parametrize("proxies", [[], ["127.0.0.1"]])
async def test_a_request_is_local_only_if_no_proxy_can_have_passed_it_on(
    *, settings: Settings, peer: str, headers: list[tuple[bytes, bytes]], local: bool, proxies: list[str]
) -> None:
    settings.TRUSTED_PROXIES = proxies
    found: list[bool] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(is_local(scope))

    scope = {"type": "http", "scheme": "http", "client": (peer, 1) if peer else None, "headers": headers}
    await proxies_trusted(application)(scope, None, None)

    assert found == [local]


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("local", [True, False])
async def test_this_machine_sees_all_only_where_the_settings_say_so(
    *, settings: Settings, allowed: bool, local: bool
) -> None:
    settings.MONITORING_LOCAL = allowed
    found: list[bool] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(await may_see_inside(ASGIRequest(scope, BytesIO())))

    scope = {**AsyncRequestFactory().get("/ready").scope, "headers": [HOST]}
    scope["client"] = ("127.0.0.1" if local else "203.0.113.7", 1)
    await proxies_trusted(application)(scope, None, None)

    assert found == [allowed and local]


async def test_while_the_database_cannot_tell_nobody_is_an_operator(settings: Settings) -> None:
    client = AsyncClient()
    client.cookies[settings.SESSION_COOKIE_NAME] = "invented"
    settings.MONITORING_OPERATORS = {"default": {"BACKEND": f"{__name__}.Unknown"}}

    assert await seen(client) == STRANGER


class Unknown(Operators):
    """Asks a database that does not answer."""

    def may_watch(self, request: HttpRequest) -> bool:
        raise OperationalError(request.path)


async def test_a_shared_call_runs_once_for_all_who_wait_and_again_for_who_comes_later() -> None:
    begun, go_on = 0, asyncio.Event()

    async def call() -> int:
        nonlocal begun
        begun += 1
        await go_on.wait()
        return begun

    shared = SharedCall(call)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(shared()) for _ in range(5)]
        await asyncio.sleep(0)
        asked.append(group.create_task(shared()))
        await asyncio.sleep(0)
        go_on.set()

    assert [task.result() for task in asked] == [1] * 6
    assert await shared() == 2


async def test_what_a_shared_call_returned_is_kept_for_a_while_and_what_it_raised_is_not() -> None:
    begun = 0

    async def call() -> int:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise OperationalError
        return begun

    shared = SharedCall(call, keep_s=0.05)
    with pytest.raises(OperationalError):
        await shared()

    assert [await shared(), await shared()] == [2, 2]
    await asyncio.sleep(0.06)
    assert await shared() == 3
