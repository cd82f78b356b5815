import json
from typing import Any

import pytest
from pytest_django import Settings

from cift.http.handshakes import ANSWER_EXTENSION, handshakes_checked


async def refusal(
    headers: list[tuple[bytes, bytes]], *, path: str = "/ws/v1/", **more: Any
) -> list[dict[str, Any]] | None:
    """What a handshake is refused with; None if it is not."""
    reached: list[bool] = []
    sent: list[dict[str, Any]] = []

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(True)

    told = iter(({"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}))

    async def receive() -> dict[str, Any]:
        return next(told)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    scope = {"type": "websocket", "path": path, "headers": headers, **more}
    await handshakes_checked(application, path="/ws/v1/")(scope, receive, send)
    assert bool(reached) != bool(sent)
    return sent or None


async def lets_in(origin: str | None, *, host: str = "venue.example:8000", scheme: str | None = "ws") -> bool:
    headers = [(b"host", host.encode())] + ([] if origin is None else [(b"origin", origin.encode())])
    named = {} if scheme is None else {"scheme": scheme}
    return await refusal(headers, **named) is None


@pytest.mark.parametrize("origin", [None, "http://venue.example:8000", "http://VENUE.example:8000"])
async def test_programs_and_the_venue_s_own_pages_are_let_in(origin: str | None) -> None:
    assert await lets_in(origin)


async def test_a_port_that_goes_without_saying_is_the_same_port() -> None:
    assert await lets_in("https://venue.example", host="venue.example", scheme="wss")
    assert await lets_in("https://venue.example", host="venue.example:443", scheme="wss")
    assert not await lets_in("https://venue.example:8443", host="venue.example", scheme="wss")


async def test_a_server_that_names_no_scheme_has_the_plain_one() -> None:
    assert await lets_in("http://venue.example:8000", scheme=None)
    assert not await lets_in("http://evil.example", scheme=None)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://venue.example",
        "http://venue.example.evil.example:8000",
        "http://evil.example:8000",
        "null",
        "",
        "file://",
        "http://venue.example:99999",
        "http://[bad",
    ],
)
async def test_pages_of_other_sites_are_refused(origin: str) -> None:
    assert not await lets_in(origin)


async def test_an_origin_of_the_settings_is_let_in(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://terminal.example"]

    assert await lets_in("https://terminal.example")


@pytest.mark.parametrize(
    "host", [None, b"", b"evil.example", b"venue.example.evil.example", b"venue.example:x", b"\xff"]
)
async def test_a_host_that_is_not_the_venue_s_is_refused(settings: Settings, host: bytes | None) -> None:
    settings.ALLOWED_HOSTS = ["venue.example"]

    assert await refusal([] if host is None else [(b"host", host)]) == [{"type": "websocket.close"}]
    assert await refusal([(b"host", b"venue.example:8000")]) is None


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [
        ([(b"host", b"evil.example")], "/ws/v1/", 400, "invalid"),
        ([(b"host", b"venue.example")], "/ws/v1", 404, "not_found"),
        ([(b"host", b"venue.example"), (b"origin", b"https://evil.example")], "/ws/v1/", 403, "forbidden"),
    ],
)
async def test_a_server_that_can_say_more_than_403_says_why_as_a_problem(
    settings: Settings, headers: list[tuple[bytes, bytes]], path: str, status: int, code: str
) -> None:
    settings.ALLOWED_HOSTS = ["venue.example"]

    answer = await refusal([*headers, (b"x-request-id", b"mine-1")], path=path, extensions={ANSWER_EXTENSION: {}})

    assert answer is not None
    start, body = answer
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    assert body["type"] == "websocket.http.response.body"
    problem = json.loads(body["body"])
    assert (problem["code"], problem["request_id"]) == (code, "mine-1")
