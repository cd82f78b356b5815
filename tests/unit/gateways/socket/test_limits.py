from types import SimpleNamespace

import pytest
from pytest_django import Settings

from apps.gateways.socket.limits import SocketLimits
from apps.gateways.socket.places import SocketPlaces
from cift.errors.application import ApplicationError
from cift.servers.frames import EXTENSION

TOKEN = [(b"Authorization", b"Bearer x")]


def limits(places: SocketPlaces, address: str, headers: list[tuple[bytes, bytes]] | None = None) -> SocketLimits:
    return SocketLimits({"client": (address, 1), "headers": headers or []}, places=places)


def refusal(entering: SocketLimits) -> str:
    with pytest.raises(ApplicationError) as raised:
        entering.handshake()
    return raised.value.code


def test_an_address_has_so_many_sockets_and_no_more(settings: Settings) -> None:
    settings.CONNECTIONS_PER_ADDRESS_MAX = 2
    places = SocketPlaces()
    entered = [limits(places, "192.0.2.1"), limits(places, "192.0.2.1")]
    for each in entered:
        each.handshake()

    assert refusal(limits(places, "192.0.2.1")) == "rate_limited"
    limits(places, "192.0.2.2").handshake()
    entered[0].leave()
    entered[0].leave()
    limits(places, "192.0.2.1").handshake()
    assert refusal(limits(places, "192.0.2.1")) == "rate_limited"


def test_so_many_sockets_have_no_login_but_who_brings_a_token_is_let_in(settings: Settings) -> None:
    settings.SOCKETS_ANONYMOUS_MAX = 2
    places = SocketPlaces()
    first, second = limits(places, "192.0.2.1"), limits(places, "192.0.2.2")
    first.handshake()
    second.handshake()

    refused = limits(places, "192.0.2.3")
    assert refusal(refused) == "overloaded"
    refused.leave()
    assert refusal(limits(places, "192.0.2.3")) == "overloaded"
    limits(places, "192.0.2.3", TOKEN).handshake()
    first.logged_in()
    first.logged_in()
    second.leave()
    limits(places, "192.0.2.4").handshake()
    assert refusal(limits(places, "192.0.2.5")) == "overloaded"


def test_a_socket_of_no_use_is_idle_after_a_while(settings: Settings) -> None:
    settings.IDLE_S_MAX = 60
    socket = limits(SocketPlaces(), "192.0.2.1")

    looked = [(0.0, False), (59.0, False), (59.5, True), (100.0, False), (159.0, False), (160.0, False)]

    assert [socket.is_idle(now, used=used) for now, used in looked] == [False] * 5 + [True]


def test_frames_count_for_the_address_the_handshake_comes_from() -> None:
    inbound = SimpleNamespace(address=None)

    SocketLimits({"client": ("2001:db8::1", 1), "extensions": {EXTENSION: {"inbound": inbound}}}, places=SocketPlaces())

    assert inbound.address == "2001:db8::/64"
