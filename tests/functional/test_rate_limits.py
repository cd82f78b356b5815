"""Limits hold for all ways together, with many requests at once, on each web server."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.traders import DjangoWay, RestWay, SocketWay, Trader
from tests.support.venue import Venue, venue_open

LIMIT = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "1"}
# Windows so long that none ends in a test.
LIMITS = "orders-account=12/3600,reads-account=6/3600,market-address=6/3600,messages-address=300/3600"


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("venue") / "var"
    with venue_open(folder, WEB_SERVER=request.param, CIFT_RATE_LIMITS=LIMITS) as opened:
        yield opened


@pytest.fixture(scope="module")
def traders(venue: Venue) -> tuple[Trader, Trader]:
    first, second = venue.logins()
    return Trader(venue, first), Trader(venue, second)


def test_of_many_orders_at_once_by_all_ways_the_account_s_places_pass(traders: tuple[Trader, Trader]) -> None:
    trader = traders[0]
    ways = (RestWay.headers, DjangoWay.headers)

    def order(number: int) -> int:
        return httpx.post(
            f"{trader.base}orders/", json=LIMIT, headers={**trader.headers, **ways[number % 2]}, timeout=30
        ).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(order, range(24)))

    assert (statuses.count(201), statuses.count(429)) == (12, 12)

    with trader.socket() as socket:
        told = [way.ask("order.submit", LIMIT) for way in (RestWay(trader), DjangoWay(trader), SocketWay(socket))]
    assert [status for status, _ in told] == [429, 429, 429]
    for _, body in told:
        assert (body["code"], set(body)) == ("rate_limited", {"code", "detail", "retry_after"})
        assert 0 < body["retry_after"] <= 300


def test_every_kind_of_call_tells_how_one_stands(traders: tuple[Trader, Trader]) -> None:
    trader = traders[1]
    for headers in (RestWay.headers, DjangoWay.headers):
        entered = trader.rest.post("orders/", json=LIMIT, headers=headers)
        read = trader.rest.get("orders/77/", headers=headers)
        book = trader.rest.get("instruments/AAPL-USD/book/", headers=headers)
        assert (entered.status_code, read.status_code, book.status_code) == (201, 404, 200)
        assert entered.headers["RateLimit-Policy"] == '"orders-account";q=12;w=3600'
        assert entered.headers["RateLimit"].startswith('"orders-account";r=')
        assert read.headers["RateLimit-Policy"] == '"reads-account";q=6;w=3600'
        assert book.headers["RateLimit-Policy"] == '"market-address";q=6;w=3600'
    login = httpx.post(f"{trader.base}auth/token/", json={"email": "a@b.c", "password": "x"}, timeout=30)
    assert '"login-' in login.headers["RateLimit-Policy"]
    assert "RateLimit" in trader.rest.get("orders/").headers


def test_a_batch_counts_its_commands(traders: tuple[Trader, Trader]) -> None:
    # Two of twelve are gone by the test before this one.
    for headers in (RestWay.headers, DjangoWay.headers):
        answer = traders[1].rest.post("orders/batch/", json={"orders": [LIMIT] * 11}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")

    assert traders[1].call("POST", "orders/batch/", json={"orders": [LIMIT] * 5})[0] == 200


def test_public_data_is_limited_by_address(traders: tuple[Trader, Trader]) -> None:
    address = f"{traders[0].base}instruments/AAPL-USD/book/"
    answers: list[httpx.Response] = []
    while not answers or answers[-1].status_code == 200:
        answers.append(httpx.get(address))
        assert len(answers) < 10

    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "rate_limited")
    assert int(answers[-1].headers["Retry-After"]) == answers[-1].json()["retry_after"]
    assert httpx.get(address, headers={"Accept": "text/html"}).status_code == 429


def test_a_socket_that_does_not_heed_refusals_is_closed(traders: tuple[Trader, Trader]) -> None:
    answers: list[dict[str, Any]] = []
    with connect(traders[0].socket_url, additional_headers=traders[0].headers) as socket:
        with suppress(ConnectionClosed):
            for number in range(500):
                # What cannot be read counts as what can.
                socket.send(json.dumps({"id": number, "op": "ping"}) if number % 2 else "not JSON")
        with suppress(ConnectionClosed):
            while True:
                found = json.loads(socket.recv(timeout=30))
                answers += found if isinstance(found, list) else [found]

    told = ["ok" if answer["ok"] else answer["error"]["code"] for answer in answers]
    assert socket.close_code == 4029
    assert told[-100:] == ["rate_limited"] * 100
    # Those before had their places: 300 in all, of which the tests before took some.
    assert 0 < told[:-100].count("ok") < len(told) - 100 <= 300
    assert set(told[:-100]) == {"ok", "invalid"}
