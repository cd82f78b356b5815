"""Every case of order entry has one answer, whichever way it came."""

import uuid
from typing import Any

import pytest

from tests.support.traders import DjangoWay, RestWay, SocketWay, Trader, Way

pytestmark = pytest.mark.usefixtures("traders")

LIMIT = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "10"}

ORDER_FIELDS = {
    "id", "client_order_id", "symbol", "side", "type", "time_in_force", "post_only", "self_trade_prevention",
    "quantity", "quote_amount", "price", "status", "filled_quantity", "canceled_quantity", "leaves_quantity",
    "average_price", "fee", "fee_asset", "reason", "created_at", "updated_at", "sequence",
}  # fmt: skip


def an_id() -> str:
    return f"t-{uuid.uuid4().hex}"


def test_a_new_order_is_answered_as_it_stands(way: Way) -> None:
    client_order_id = an_id()

    status, body = way.ask("order.submit", {**LIMIT, "client_order_id": client_order_id})

    assert status == 201
    assert set(body) == ORDER_FIELDS | {"fills", "consistency_token"}
    assert body["client_order_id"] == client_order_id
    assert (body["status"], body["quantity"], body["leaves_quantity"]) == ("new", "10", "10")
    assert (body["price"], body["time_in_force"], body["fills"]) == ("190.5", "gtc", [])


def test_an_order_without_an_id_is_given_one(way: Way) -> None:
    status, body = way.ask("order.submit", LIMIT)

    assert status == 201
    assert body["client_order_id"].startswith("v-")


def test_the_same_order_again_gets_the_first_answer_again(way: Way) -> None:
    order = {**LIMIT, "client_order_id": an_id()}
    first = way.ask("order.submit", order)

    again = way.ask("order.submit", order)

    assert (first[0], again[0]) == (201, 200)
    assert again[1] == first[1]


def test_the_first_answer_stays_what_it_was(way: Way) -> None:
    order = {**LIMIT, "client_order_id": an_id()}
    first = way.ask("order.submit", order)[1]
    assert way.ask("order.cancel", {"id": first["id"]})[0] == 200

    assert way.ask("order.submit", order) == (200, first)


def test_another_order_under_the_same_id_is_a_conflict(way: Way) -> None:
    client_order_id = an_id()
    way.ask("order.submit", {**LIMIT, "client_order_id": client_order_id})

    status, body = way.ask("order.submit", {**LIMIT, "quantity": "11", "client_order_id": client_order_id})

    assert (status, body["code"]) == (409, "duplicate_client_order_id")
    assert body["client_order_id"] == client_order_id


def test_a_rejection_is_remembered_too(way: Way) -> None:
    order = {**LIMIT, "price": "500", "client_order_id": an_id()}
    first = way.ask("order.submit", order)

    assert (first[0], first[1]["code"]) == (422, "price_outside_band")
    assert way.ask("order.submit", order) == first


REFUSED = {
    "price_outside_band": {**LIMIT, "price": "250"},
    "quantity_too_large": {**LIMIT, "quantity": "1000001"},
    "notional_too_small": {**LIMIT, "price": "0.01", "side": "buy", "quantity": "1"},
    "price_invalid": {**LIMIT, "price": "0"},
    "quantity_invalid": {**LIMIT, "quantity": "0"},
    "insufficient_funds": {**LIMIT, "quantity": "900000"},
    "instrument_unknown": {**LIMIT, "symbol": "NONE-USD"},
    "deadline_passed": {**LIMIT, "deadline": "2020-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_the_engine_refuses_is_answered_with_its_reason(way: Way, code: str) -> None:
    client_order_id = an_id()

    status, body = way.ask("order.submit", {**REFUSED[code], "client_order_id": client_order_id})

    assert (status, body["code"]) == (422, code)
    assert body["client_order_id"] == client_order_id
    # What no instrument has is refused at the edge, before the writer, which numbers what it does.
    assert ("sequence" in body) is (code != "instrument_unknown")
    assert isinstance(body.get("sequence", 0), int)


def test_an_order_refused_without_an_id_is_told_the_one_it_was_given(way: Way) -> None:
    for order in (REFUSED["instrument_unknown"], REFUSED["price_outside_band"]):
        assert way.ask("order.submit", order)[1]["client_order_id"].startswith("v-")


INVALID: list[tuple[Any, list[tuple[str, str]]]] = [
    ({}, [("symbol", "required"), ("side", "required"), ("type", "required")]),
    ([], [("", "wrong_type")]),
    ({**LIMIT, "more": 1}, [("more", "unknown_field")]),
    ({**LIMIT, "price": 190.5}, [("price", "wrong_type")]),
    ({**LIMIT, "price": 190}, [("price", "wrong_type")]),
    ({**LIMIT, "price": "1e2"}, [("price", "malformed")]),
    ({**LIMIT, "price": "NaN"}, [("price", "malformed")]),
    ({**LIMIT, "price": "190.505"}, [("price", "malformed")]),
    ({**LIMIT, "quantity": "1" * 60_000}, [("quantity", "malformed")]),
    ({**LIMIT, "quantity": "99999999999999999999"}, [("quantity", "malformed")]),
    ({**LIMIT, "quantity": "9999999999999999999"}, [("quantity", "out_of_range")]),
    ({**LIMIT, "side": "hold"}, [("side", "not_a_choice")]),
    ({**LIMIT, "type": None}, [("type", "required")]),
    ({**LIMIT, "post_only": "yes"}, [("post_only", "wrong_type")]),
    ({**LIMIT, "client_order_id": "ä"}, [("client_order_id", "malformed")]),
    ({**LIMIT, "client_order_id": "a\u0000"}, [("client_order_id", "malformed")]),
    ({**LIMIT, "client_order_id": "a" * 65}, [("client_order_id", "out_of_range")]),
    ({**LIMIT, "client_order_id": ""}, [("client_order_id", "malformed")]),
    ({**LIMIT, "price": None}, [("price", "required")]),
    ({**LIMIT, "quote_amount": "100"}, [("quote_amount", "invalid")]),
    ({**LIMIT, "type": "market"}, [("price", "invalid")]),
    (
        {"symbol": "AAPL-USD", "side": "buy", "type": "market", "quantity": "1", "quote_amount": "1"},
        [("quote_amount", "invalid")],
    ),
    ({"symbol": "AAPL-USD", "side": "buy", "type": "market"}, [("quantity", "required")]),
    ({**LIMIT, "deadline": "soon"}, [("deadline", "malformed")]),
]


@pytest.mark.parametrize(("params", "faults"), INVALID, ids=range(len(INVALID)))
def test_what_has_not_the_form_of_an_order_is_told_field_by_field(
    way: Way, params: Any, faults: list[tuple[str, str]]
) -> None:
    status, body = way.ask("order.submit", params)

    assert (status, body["code"]) == (400, "invalid")
    assert [(error["field"], error["code"]) for error in body["errors"]] == faults


def test_an_order_that_trades_is_answered_with_its_fills(way: Way, traders: tuple[Trader, Trader]) -> None:
    traders[1].submit(symbol="AAPL-USD", side="buy", type="limit", price="190.4", quantity="4")

    status, body = way.ask("order.submit", {**LIMIT, "price": "190.3", "time_in_force": "ioc"})

    assert status == 201
    assert (body["status"], body["reason"]) == ("canceled", "immediate_or_cancel")
    assert (body["filled_quantity"], body["canceled_quantity"], body["average_price"]) == ("4", "6", "190.4")
    (fill,) = body["fills"]
    assert (fill["price"], fill["quantity"], fill["liquidity"]) == ("190.4", "4", "taker")
    assert (fill["order_id"], fill["fee"], fill["fee_asset"]) == (body["id"], body["fee"], "USD")


def test_a_market_order_by_quote_amount_buys_what_it_pays_for(way: Way, traders: tuple[Trader, Trader]) -> None:
    traders[1].submit(symbol="AAPL-USD", side="sell", type="limit", price="190.4", quantity="4")

    status, body = way.ask(
        "order.submit", {"symbol": "AAPL-USD", "side": "buy", "type": "market", "quote_amount": "400"}
    )

    assert (status, body["status"], body["reason"]) == (201, "filled", "quote_remainder")
    assert (body["filled_quantity"], body["quantity"], body["quote_amount"]) == ("2", None, "400")


def test_a_post_only_order_that_would_trade_is_refused(way: Way, traders: tuple[Trader, Trader]) -> None:
    traders[1].submit(symbol="AAPL-USD", side="buy", type="limit", price="190.4", quantity="4")

    status, body = way.ask("order.submit", {**LIMIT, "price": "190.4", "post_only": True})

    assert (status, body["code"]) == (422, "post_only_would_cross")


def test_an_order_is_amended(way: Way) -> None:
    order = way.ask("order.submit", LIMIT)[1]

    status, body = way.ask("order.amend", {"id": order["id"], "quantity": "7", "price": "190.6"})

    assert status == 200
    assert set(body) == ORDER_FIELDS | {"fills", "consistency_token"}
    assert (body["quantity"], body["price"], body["status"]) == ("7", "190.6", "new")
    assert body["client_order_id"] == order["client_order_id"]


def test_an_amend_that_trades_is_answered_with_its_fills(way: Way, traders: tuple[Trader, Trader]) -> None:
    traders[1].submit(symbol="AAPL-USD", side="buy", type="limit", price="190.2", quantity="4")
    order = way.ask("order.submit", LIMIT)[1]

    status, body = way.ask("order.amend", {"id": order["id"], "price": "190.2"})

    assert (status, body["status"], body["filled_quantity"]) == (200, "partially_filled", "4")
    assert [fill["quantity"] for fill in body["fills"]] == ["4"]


def test_an_amend_to_no_quantity_ends_the_order(way: Way) -> None:
    order = way.ask("order.submit", LIMIT)[1]

    status, body = way.ask("order.amend", {"id": order["id"], "quantity": "0"})

    assert (status, body["status"], body["reason"]) == (200, "canceled", "amended_below_filled")
    assert (body["canceled_quantity"], body["leaves_quantity"]) == ("10", "0")


@pytest.mark.parametrize(
    "change", [{"quantity": "4"}, {"quantity": "3"}, {"quantity": "0"}, {"quantity": "4", "price": "191"}]
)
def test_an_amend_to_what_is_filled_or_less_ends_the_rest(
    way: Way, traders: tuple[Trader, Trader], change: dict[str, str]
) -> None:
    traders[1].submit(symbol="AAPL-USD", side="buy", type="limit", price="190.5", quantity="4")
    order = way.ask("order.submit", LIMIT)[1]
    assert (order["status"], order["filled_quantity"]) == ("partially_filled", "4")

    status, body = way.ask("order.amend", {"id": order["id"], **change})

    assert (status, body["status"], body["reason"]) == (200, "canceled", "amended_below_filled")
    quantities = [body[f"{name}_quantity"] for name in ("filled", "canceled", "leaves")]
    assert (body["quantity"], body["price"], quantities) == ("10", "190.5", ["4", "6", "0"])
    assert traders[0].call("GET", f"orders/{order['id']}/")[1]["status"] == "canceled"
    status, body = way.ask("order.amend", {"id": order["id"], "quantity": "0"})
    assert (status, body["code"], body["order_status"]) == (409, "order_terminal", "canceled")


def test_so_does_one_in_a_batch(way: Way) -> None:
    order = way.ask("order.submit", LIMIT)[1]
    members = [{"op": "amend", "id": order["id"], "quantity": "0"}, {**LIMIT, "client_order_id": f"{order['id']}-2"}]

    status, body = way.ask("order.batch", {"orders": members})

    assert status == 200
    ended, entered = (each["order"] for each in body["results"])
    assert (ended["status"], ended["reason"], ended["leaves_quantity"]) == ("canceled", "amended_below_filled", "0")
    assert entered["status"] == "new"


def test_an_amend_below_nothing_is_refused(way: Way) -> None:
    order = way.ask("order.submit", LIMIT)[1]

    status, body = way.ask("order.amend", {"id": order["id"], "quantity": "-1"})

    assert (status, body["code"]) in {(400, "invalid"), (422, "quantity_invalid")}


def test_an_amount_that_makes_no_lot_says_so(way: Way, traders: tuple[Trader, Trader]) -> None:
    traders[1].submit(symbol="AAPL-USD", side="sell", type="limit", price="189", quantity="4")

    status, body = way.ask(
        "order.submit", {"symbol": "AAPL-USD", "side": "buy", "type": "market", "quote_amount": "100"}
    )

    assert (status, body["status"], body["reason"]) == (201, "canceled", "quantity_below_lot")


def test_an_amend_of_nothing_and_one_off_the_grid_are_refused(way: Way) -> None:
    order = way.ask("order.submit", LIMIT)[1]

    assert way.ask("order.amend", {"id": order["id"]})[1]["errors"][0]["code"] == "required"
    assert way.ask("order.amend", {"id": order["id"], "price": "190.505"})[1]["errors"][0]["field"] == "price"
    assert way.ask("order.amend", {"id": order["id"], "price": "500"})[1]["code"] == "price_outside_band"
    assert way.ask("order.amend", {"id": order["id"], "side": "buy"})[1]["errors"][0]["code"] == "unknown_field"


@pytest.mark.parametrize("by", ["id", "client_order_id"])
def test_an_order_is_canceled_and_then_it_is_terminal(way: Way, by: str) -> None:
    order = way.ask("order.submit", LIMIT)[1]

    status, body = way.ask("order.cancel", {by: order[by]})
    assert (status, body["status"], body["reason"]) == (200, "canceled", "user_requested")
    assert (body["id"], body["canceled_quantity"], body["leaves_quantity"]) == (order["id"], "10", "0")

    status, body = way.ask("order.cancel", {by: order[by]})
    assert (status, body["code"], body["order_status"]) == (409, "order_terminal", "canceled")
    if by == "id":
        status, body = way.ask("order.amend", {"id": order["id"], "quantity": "5"})
        assert (status, body["code"]) == (409, "order_terminal")


@pytest.mark.parametrize("by", ["id", "client_order_id"])
def test_a_cancel_that_comes_behind_its_deadline_does_nothing(way: Way, by: str) -> None:
    order = way.ask("order.submit", LIMIT)[1]
    cancel = {by: order[by]}

    status, body = way.ask("order.cancel", {**cancel, "deadline": "2020-01-01T00:00:00Z"})
    assert (status, body["code"]) == (422, "deadline_passed")
    status, body = way.ask("order.cancel", {**cancel, "deadline": "soon"})
    assert [(error["field"], error["code"]) for error in body["errors"]] == [("deadline", "malformed")]
    status, body = way.ask("order.cancel_all", {"all": True, "deadline": "2020-01-01T00:00:00Z"})
    assert (status, body["code"]) == (422, "deadline_passed")

    status, body = way.ask("order.cancel", {**cancel, "deadline": "2099-01-01T00:00:00Z"})
    assert (status, body["status"]) == (200, "canceled")


def test_another_account_s_order_is_not_there(way: Way, traders: tuple[Trader, Trader]) -> None:
    order = traders[1].submit(symbol="AAPL-USD", side="buy", type="limit", price="190", quantity="4")

    for op, params in (
        ("order.cancel", {"id": order["id"]}),
        ("order.cancel", {"client_order_id": order["client_order_id"]}),
        ("order.amend", {"id": order["id"], "quantity": "1"}),
        ("order.cancel", {"id": "8999999999999999999"}),
        ("order.amend", {"id": "1", "quantity": "1"}),
    ):
        status, body = way.ask(op, params)
        assert (status, body["code"]) == (404, "not_found")
        assert set(body) == {"code", "detail"}
    assert traders[1].call("GET", f"orders/by-client-order-id/{order['client_order_id']}/")[1]["status"] == "new"


def test_all_orders_that_fit_are_canceled(way: Way) -> None:
    orders = [
        way.ask("order.submit", {**LIMIT, **more})[1]
        for more in ({}, {"side": "buy", "price": "189"}, {"symbol": "MSFT-USD", "price": "400"}, {"price": "191"})
    ]
    assert all("id" in order for order in orders), orders

    status, body = way.ask("order.cancel_all", {"symbol": "AAPL-USD", "side": "sell"})

    assert (status, set(body)) == (200, {"count", "more", "results", "consistency_token"})
    assert (body["count"], body["more"]) == (2, False)
    assert {order["id"] for order in body["results"]} == {orders[0]["id"], orders[3]["id"]}
    assert all(set(order) == ORDER_FIELDS for order in body["results"])
    assert {order["reason"] for order in body["results"]} == {"mass_cancel"}
    assert len(way.ask("order.cancel_all", {"all": True})[1]["results"]) == 2
    assert way.ask("order.cancel_all", {"all": True})[1]["results"] == []


def test_canceling_everything_has_to_be_said(way: Way) -> None:
    order = way.ask("order.submit", LIMIT)[1]
    for params, code in (
        ({}, "required"),
        ({"all": False}, "required"),
        ({"deadline": "2099-01-01T00:00:00Z"}, "required"),
        ({"all": True, "symbol": "AAPL-USD"}, "invalid"),
        ({"all": True, "side": "sell"}, "invalid"),
        ({"all": "yes"}, "wrong_type"),
        ({"all": ""}, "wrong_type"),
    ):
        status, body = way.ask("order.cancel_all", params)
        assert (status, body["code"]) == (400, "invalid"), params
        assert [(error["field"], error["code"]) for error in body["errors"]] == [("all", code)], params
    answered = way.ask("order.cancel_all", {"side": "sell", "all": False})[1]["results"]
    assert [canceled["id"] for canceled in answered] == [order["id"]]


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_an_address_would_lose_is_no_id(way: Way, name: str) -> None:
    status, body = way.ask("order.submit", {**LIMIT, "client_order_id": name})
    assert (status, [(error["field"], error["code"]) for error in body["errors"]]) == (
        400,
        [("client_order_id", "malformed")],
    )
    status, body = way.ask("order.batch", {"orders": [{**LIMIT, "client_order_id": name}]})
    assert (status, body["errors"][0]["field"]) == (400, "orders.0.client_order_id")
    assert way.ask("order.cancel_all", {"all": True})[1]["results"] == []


def test_a_mass_cancel_is_read_strictly(way: Way) -> None:
    assert way.ask("order.cancel_all", {"symbol": "NONE-USD"})[1]["code"] == "instrument_unknown"
    assert way.ask("order.cancel_all", {"side": "up"})[1]["errors"][0]["code"] == "not_a_choice"
    assert way.ask("order.cancel_all", {"symbol": ""})[1]["errors"][0]["field"] == "symbol", "not all"
    assert way.ask("order.cancel_all", {"what": "x"})[1]["errors"][0]["code"] == "unknown_field"
    assert way.ask("order.cancel_all", {"price_min": "1"})[1]["errors"][0]["field"] == "price_min"


VOLATILE = {
    "id",
    "client_order_id",
    "sequence",
    "created_at",
    "updated_at",
    "consistency_token",
    "executed_at",
    "order_id",
}


def lasting(value: Any) -> Any:
    """Leave out what is another each time."""
    if isinstance(value, dict):
        return {name: lasting(inner) for name, inner in value.items() if name not in VOLATILE}
    if isinstance(value, list | tuple):
        return [lasting(inner) for inner in value]
    return value


def test_all_ways_give_the_same_answers(traders: tuple[Trader, Trader]) -> None:
    first, second = traders
    asked: list[tuple[str, Any]] = [
        ("order.submit", LIMIT),
        *[("order.submit", params) for params in REFUSED.values()],
        *[("order.submit", params) for params, faults in INVALID if faults],
        ("order.batch", {"orders": [LIMIT, {**LIMIT, "price": "500"}]}),
        ("order.batch", {"orders": [LIMIT, {**LIMIT, "price": "500"}], "atomic": True}),
        ("order.batch", {"orders": [REFUSED["instrument_unknown"], {"op": "amend", "id": "77", "price": "1"}]}),
        ("order.batch", {"orders": [LIMIT, {"op": "amend", "id": "77", "price": "1"}], "atomic": True}),
        ("order.submit", {"symbol": "AAPL-USD", "side": "buy", "type": "market", "quantity": "1"}),
        ("order.cancel_all", {"symbol": "AAPL-USD"}),
        ("order.cancel", {"id": "77"}),
        ("order.amend", {"id": "77", "price": "1"}),
    ]
    told = {}
    with first.socket() as socket:
        for way in (RestWay(first), DjangoWay(first), SocketWay(socket)):
            second.submit(symbol="AAPL-USD", side="sell", type="limit", price="190.1", quantity="1")
            told[way.name] = [lasting(way.ask(op, params)) for op, params in asked]

    for (op, params), *answers in zip(asked, told["programs"], told["django"], told["socket"], strict=True):
        assert answers[0] == answers[1] == answers[2], (op, params)
