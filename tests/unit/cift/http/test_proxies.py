from typing import Any

import pytest
from pytest_django import Settings

from cift.http.proxies import proxies_trusted


async def seen(
    headers: dict[str, str], *, peer: str, kind: str = "http", scheme: str = "http"
) -> tuple[str, str, list[bytes]]:
    told: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        told.append((scope["client"][0], scope["scheme"], [name for name, _ in scope["headers"]]))

    scope = {
        "type": kind,
        "scheme": scheme,
        "client": (peer, 4_711),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await proxies_trusted(application)(scope, None, None)
    client, seen_scheme, names = told[0]
    return client, seen_scheme, names


@pytest.fixture
def proxies(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.1", "192.168.0.0/16"]


async def test_a_trusted_proxy_tells_the_client_s_address_and_scheme(proxies: None) -> None:
    client, scheme, _ = await seen({"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}, peer="10.0.0.1")

    assert (client, scheme) == ("203.0.113.7", "https")


async def test_a_stranger_s_forged_headers_are_ignored(proxies: None) -> None:
    client, scheme, _ = await seen({"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"}, peer="198.51.100.9")

    assert (client, scheme) == ("198.51.100.9", "http")


async def test_what_a_client_adds_in_front_of_the_proxies_own_words_is_ignored(proxies: None) -> None:
    forwarded = "127.0.0.1, 203.0.113.7, 192.168.3.4"

    assert (await seen({"X-Forwarded-For": forwarded}, peer="10.0.0.1"))[0] == "203.0.113.7"


async def test_without_trusted_proxies_nobody_is_believed() -> None:
    client, scheme, _ = await seen({"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}, peer="127.0.0.1")

    assert (client, scheme) == ("127.0.0.1", "http")


async def test_a_socket_s_scheme_is_told_in_its_own_words(proxies: None) -> None:
    _, scheme, _ = await seen({"X-Forwarded-Proto": "https"}, peer="10.0.0.1", kind="websocket", scheme="ws")

    assert scheme == "wss"


@pytest.mark.parametrize("peer", ["10.0.0.1", "198.51.100.9"])
async def test_nothing_behind_sees_such_a_header(proxies: None, peer: str) -> None:
    headers = {"Host": "example.com", "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil", "Forwarded": "for=1"}

    assert (await seen({**headers, "X-Real-IP": "1.2.3.4"}, peer=peer))[2] == [b"host"]
