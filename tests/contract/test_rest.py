"""REST's contract besides order entry: reads, pages, tokens, and what every answer has."""

import re
import uuid
from typing import Any

import httpx
import pytest

from tests.support.traders import Trader

SELL = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "1"}
PROBLEM = {"type", "title", "status", "detail", "code", "request_id"}


def test_orders_are_paged_newest_first_both_ways(traders: tuple[Trader, Trader]) -> None:
    trader = traders[0]
    orders = [trader.submit(**SELL) for _ in range(7)]
    newest_first = [order["id"] for order in reversed(orders)]
    token = orders[-1]["consistency_token"]

    status, first = trader.call("GET", "orders/", params={"limit": "3", "status": "new", "at_least": token})
    assert (status, first["previous"]) == (200, None)
    second = trader.rest.get(first["next"]).json()
    third = trader.rest.get(second["next"]).json()

    assert [row["id"] for page in (first, second, third) for row in page["results"]] == newest_first
    assert third["next"] is None
    back = trader.rest.get(third["previous"]).json()
    assert back["results"] == second["results"]
    again = trader.rest.get(back["previous"]).json()
    assert (again["results"], again["previous"]) == (first["results"], None)


def test_a_read_with_a_token_sees_the_write(traders: tuple[Trader, Trader]) -> None:
    for _ in range(10):
        order = traders[0].submit(**SELL)
        status, page = traders[0].call("GET", "orders/", params={"limit": "1", "at_least": order["consistency_token"]})
        assert (status, page["results"][0]["id"]) == (200, order["id"])
        canceled = traders[0].call("DELETE", f"orders/{order['id']}/")[1]
        params = {"at_least": canceled["consistency_token"]}
        assert traders[0].call("GET", f"orders/{order['id']}/", params=params)[1]["status"] == "canceled"


def test_what_is_answered_is_what_is_listed(traders: tuple[Trader, Trader]) -> None:
    order = traders[0].submit(**SELL)

    status, listed = traders[0].call("GET", f"orders/{order['id']}/", params={"at_least": order["consistency_token"]})

    assert status == 200
    assert {**listed, "fills": [], "consistency_token": order["consistency_token"]} == order
    assert traders[0].call("GET", f"orders/by-client-order-id/{order['client_order_id']}/") == (200, listed)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"symbol": "AAPL-USD"}, 2),
        ({"symbol": "BTC-USD"}, 0),
        ({"symbol": "NO-SUCH"}, 0),
        ({"side": "sell"}, 1),
        ({"side": "buy", "status": "new"}, 1),
        ({"status": "expired"}, 0),
        ({"end": "2020-01-01T00:00:00Z"}, 0),
    ],
)
def test_orders_are_filtered(traders: tuple[Trader, Trader], query: dict[str, str], count: int) -> None:
    trader, mark = traders[0], uuid.uuid4().hex[:12]
    first = trader.submit(**SELL, client_order_id=f"{mark}-1")
    last = trader.submit(**{**SELL, "side": "buy", "price": "189"}, client_order_id=f"{mark}-2")
    window = {"start": first["created_at"], "at_least": last["consistency_token"], **query}

    status, page = trader.call("GET", "orders/", params=window)

    assert status == 200
    assert len([row for row in page["results"] if row["client_order_id"].startswith(mark)]) == count


def test_a_status_no_order_can_have_is_no_filter(traders: tuple[Trader, Trader]) -> None:
    status, told = traders[0].call("GET", "orders/", params={"status": "pending_trigger"})

    assert status == 400
    assert [(error["field"], error["code"]) for error in told["errors"]] == [("status", "not_a_choice")]
    assert "pending_trigger" not in told["errors"][0]["detail"]


def test_an_order_is_found_by_the_client_s_id(traders: tuple[Trader, Trader]) -> None:
    order = traders[0].submit(**SELL)
    query = {"client_order_id": order["client_order_id"], "at_least": order["consistency_token"]}

    assert [row["id"] for row in traders[0].call("GET", "orders/", params=query)[1]["results"]] == [order["id"]]
    assert traders[1].call("GET", "orders/", params=query)[1]["results"] == []


def test_open_orders_are_all_that_is_live_and_nothing_else(traders: tuple[Trader, Trader]) -> None:
    seller, buyer = traders
    seller.call("DELETE", "orders/", params={"all": "true"})
    untouched = seller.submit(**{**SELL, "price": "191"})
    part_filled = seller.submit(**{**SELL, "price": "190", "quantity": "3"})
    filled = buyer.submit(**{**SELL, "side": "buy", "price": "190"})
    gone = seller.submit(**{**SELL, "price": "192"})
    token = seller.call("DELETE", f"orders/{gone['id']}/")[1]["consistency_token"]

    for query in ({}, {"symbol": SELL["symbol"]}, {"side": "sell"}):
        given = {**query, "status": "open", "at_least": token}
        found = seller.call("GET", "orders/", params=given)[1]["results"]
        assert [(row["id"], row["status"]) for row in found] == [
            (part_filled["id"], "partially_filled"),
            (untouched["id"], "new"),
        ]
    named = {"status": "open", "client_order_id": gone["client_order_id"], "at_least": token}
    assert seller.call("GET", "orders/", params=named)[1]["results"] == []
    named["client_order_id"] = untouched["client_order_id"]
    assert [row["id"] for row in seller.call("GET", "orders/", params=named)[1]["results"]] == [untouched["id"]]
    theirs = buyer.call("GET", "orders/", params={"status": "open", "at_least": token})[1]["results"]
    assert filled["id"] not in [row["id"] for row in theirs]
    assert seller.call("GET", "orders/", params={"status": "live"})[1]["errors"][0]["code"] == "not_a_choice"


@pytest.mark.parametrize("path", ["orders/", "fills/", "balances/", "positions/"])
@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"limit": "0"}, "limit", "out_of_range"),
        ({"limit": "501"}, "limit", "out_of_range"),
        ({"limit": "x"}, "limit", "malformed"),
        ({"cursor": "x"}, "cursor", "malformed"),
        ({"at_least": "x"}, "at_least", "malformed"),
        # A batch far ahead of all there are, in the form of a token nobody has signed: it waits for nothing.
        ({"at_least": "MC45OTk5OTk5OTk"}, "at_least", "malformed"),
        ({"at_least": "MC45OTk5OTk5OTkuMDAwMDAwMDAwMDAwMDAwMA"}, "at_least", "malformed"),
        ({"page": "2"}, "page", "unknown_field"),
    ],
)
def test_a_list_s_query_is_read_strictly(
    traders: tuple[Trader, Trader], path: str, query: dict[str, str], field: str, code: str
) -> None:
    status, body = traders[0].call("GET", path, params=query)

    assert (status, body["code"]) == (400, "invalid")
    assert [(error["field"], error["code"]) for error in body["errors"]] == [(field, code)]


def test_a_parameter_given_twice_is_refused(traders: tuple[Trader, Trader]) -> None:
    assert traders[0].call("GET", "orders/?side=buy&side=sell")[0] == 400
    assert traders[0].call("DELETE", "orders/?side=buy&side=sell")[0] == 400


@pytest.mark.parametrize(
    "path", ["orders/", "orders/1/", "orders/by-client-order-id/x/", "fills/", "balances/", "positions/"]
)
def test_private_reads_need_a_login(traders: tuple[Trader, Trader], path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}):
        answer = httpx.get(traders[0].base + path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "orders/77/", 404, "not_found"),
        ("GET", "orders/0/", 404, "not_found"),
        ("GET", "orders/-1/", 404, "not_found"),
        ("GET", "orders/99999999999999999999/", 404, "not_found"),
        ("GET", "orders/by-client-order-id/no-such/", 404, "not_found"),
        ("GET", "orders/by-client-order-id/%00/", 404, "not_found"),
        ("GET", "instruments/NO-SUCH/", 404, "not_found"),
        ("GET", "instruments/NO-SUCH/book/", 404, "not_found"),
        ("GET", "nothing/", 404, "not_found"),
        ("PUT", "orders/", 405, "method_not_allowed"),
        ("GET", "instruments/AAPL-USD/book/?depth=0", 400, "invalid"),
        ("GET", "instruments/AAPL-USD/book/?depth=1.5", 400, "invalid"),
    ],
)
def test_what_is_not_there_is_told_as_a_problem(
    traders: tuple[Trader, Trader], method: str, path: str, status: int, code: str
) -> None:
    answer = traders[0].rest.request(method, path)

    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) - {"errors"} == PROBLEM


def test_every_answer_names_its_request(traders: tuple[Trader, Trader]) -> None:
    for path in ("instruments/", "orders/77/", "nothing/"):
        answer = traders[0].rest.get(path, headers={"X-Request-Id": "my-request.1"})
        assert answer.headers["X-Request-Id"] == "my-request.1"
        assert answer.json().get("request_id", "my-request.1") == "my-request.1"
    answer = traders[0].rest.get("instruments/", headers={"X-Request-Id": "a b"})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid"),
        (b'{"symbol": "AAPL-USD", "symbol": "BTC-USD"}', "application/json", 400, "invalid"),
        (b'{"price": NaN}', "application/json", 400, "invalid"),
        (b"[" * 50_000, "application/json", 400, "invalid"),
        (b'{"price": ' + b"9" * 100_000 + b"}", "application/json", 400, "invalid"),
        (b"\xff\xfe", "application/json", 400, "invalid"),
        (b'{"symbol": "\xed\xa0\x80"}', "application/json", 400, "invalid"),
        (b'{"client_order_id": "\\ud800"}', "application/json", 400, "invalid"),
        (b"symbol=AAPL-USD", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b'{"a": "' + b"x" * 300_000 + b'"}', "application/json", 413, "payload_too_large"),
    ],
)
def test_a_body_of_no_use_is_refused(
    traders: tuple[Trader, Trader], content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = traders[0].rest.post("orders/", content=content, headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_id_is_in_the_address_alone(traders: tuple[Trader, Trader]) -> None:
    order = traders[0].submit(**SELL)

    status, body = traders[0].call("PATCH", f"orders/{order['id']}/", json={"id": order["id"], "quantity": "1"})

    assert (status, body["errors"][0]["code"]) == (400, "unknown_field")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"email": "demo@cift.localhost"}, 400),
        ({"email": "demo@cift.localhost", "password": 7}, 400),
        ({"email": "demo@cift.localhost", "password": "x", "more": 1}, 400),
        ({"email": "no address", "password": "x"}, 400),
        ({"email": "demo@cift.localhost", "password": "wrong"}, 401),
        ({"email": "nobody@cift.localhost", "password": "wrong"}, 401),
    ],
)
def test_a_login_that_is_none_is_refused(traders: tuple[Trader, Trader], body: dict[str, Any], status: int) -> None:
    answer = httpx.post(traders[0].base + "auth/token/", json=body, timeout=30)

    assert answer.status_code == status


def test_instruments_are_public(traders: tuple[Trader, Trader]) -> None:
    page = httpx.get(traders[0].base + "instruments/").json()
    symbols = [row["symbol"] for row in page["results"]]

    assert set(symbols) == {"AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD"}
    for row in page["results"]:
        assert httpx.get(traders[0].base + f"instruments/{row['symbol']}/").json() == row
        assert row["fee_tiers"][0]["tier"] == 0
        assert row["status"] == "continuous"


def test_a_position_is_what_was_traded(traders: tuple[Trader, Trader]) -> None:
    def position(trader: Trader, token: str) -> int:
        rows = trader.call("GET", "positions/", params={"at_least": token})[1]["results"]
        return next((int(row["quantity"]) for row in rows if row["symbol"] == "MSFT-USD"), 0)

    token = traders[0].submit(**{**SELL, "symbol": "MSFT-USD", "price": "400"})["consistency_token"]
    before = [position(trader, token) for trader in traders]
    traders[1].submit(**{**SELL, "symbol": "MSFT-USD", "price": "400", "side": "buy"})
    token = traders[1].submit(**{**SELL, "symbol": "MSFT-USD", "price": "420"})["consistency_token"]

    assert [position(trader, token) - was for trader, was in zip(traders, before, strict=True)] == [-1, 1]


def test_an_address_without_its_slash_leads_to_the_one_with_it_and_keeps_the_method(
    traders: tuple[Trader, Trader],
) -> None:
    order = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "180", "quantity": "1"}
    answer = httpx.post(traders[0].base + "orders", json=order, headers=traders[0].headers, timeout=30)
    followed = httpx.post(
        traders[0].base + "orders", json=order, headers=traders[0].headers, timeout=30, follow_redirects=True
    )

    assert (answer.status_code, answer.headers["location"]) == (308, "/api/v1/orders/")
    assert followed.status_code == 201, followed.text
