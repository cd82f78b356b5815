from typing import Any

import pytest
from pytest_django import Settings

from cift.http.origins import origins_own


async def lets_in(origin: str | None, *, host: str = "venue.example:8000", scheme: str | None = "ws") -> bool:
    reached: list[bool] = []
    sent: list[dict[str, Any]] = []

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(True)

    told = iter(({"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}))

    async def receive() -> dict[str, Any]:
        return next(told)

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    headers = [(b"host", host.encode())] + ([] if origin is None else [(b"origin", origin.encode())])
    named = {} if scheme is None else {"scheme": scheme}
    await origins_own(application)({"type": "websocket", **named, "headers": headers}, receive, send)
    assert bool(reached) != bool(sent)
    return bool(reached)


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
