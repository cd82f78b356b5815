"""Several commands in one request: an answer for each, in order, whichever way they came."""

import uuid
from typing import Any

import pytest

from tests.support.traders import Trader, Way

pytestmark = pytest.mark.usefixtures("traders")

LIMIT = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "10"}
NOTHING = {**LIMIT, "symbol": "NONE-USD"}


def an_id() -> str:
    return f"t-{uuid.uuid4().hex}"


def test_a_batch_is_answered_command_by_command(way: Way) -> None:
    kept = way.ask("order.submit", LIMIT)[1]
    repeated = {**LIMIT, "client_order_id": an_id()}
    first = way.ask("order.submit", repeated)[1]

    status, body = way.ask(
        "order.batch",
        {
            "orders": [
                {**LIMIT, "price": "190.8"},
                {**LIMIT, "price": "500"},
                {"op": "amend", "id": kept["id"], "quantity": "3"},
                {"op": "cancel", "client_order_id": kept["client_order_id"]},
                {"op": "cancel", "client_order_id": "nobody-s"},
                {"op": "submit", **repeated},
                {**repeated, "quantity": "1"},
            ]
        },
    )

    assert (status, set(body)) == (200, {"results", "consistency_token"})
    told = [
        (item["status"], item["order"] and item["order"]["status"], item["error"] and item["error"]["code"])
        for item in body["results"]
    ]
    assert [(status, code) for status, _, code in told] == [
        (201, None),
        (422, "price_outside_band"),
        (200, None),
        (200, None),
        (404, "not_found"),
        (200, None),
        (409, "duplicate_client_order_id"),
    ]
    assert body["results"][3]["order"]["status"] == "canceled"
    assert body["results"][5]["order"] == first


def test_a_batch_s_command_of_nothing_is_answered_in_its_place(way: Way, traders: tuple[Trader, Trader]) -> None:
    kept = way.ask("order.submit", LIMIT)[1]
    other = traders[1].submit(symbol="AAPL-USD", side="buy", type="limit", price="189", quantity="4")
    nothing = {**NOTHING, "client_order_id": an_id()}
    orders = [
        {"op": "amend", "id": "77", "quantity": "1"},
        {**LIMIT, "price": "190.8"},
        nothing,
        {"op": "amend", "id": other["id"], "quantity": "1"},
        {"op": "cancel", "id": kept["id"]},
        {"op": "cancel", "id": "77"},
        {"op": "amend", "id": kept["id"], "quantity": "1"},
    ]

    status, body = way.ask("order.batch", {"orders": orders})

    assert status == 200
    assert [(item["status"], item["error"] and item["error"]["code"]) for item in body["results"]] == [
        (404, "not_found"),
        (201, None),
        (422, "instrument_unknown"),
        (404, "not_found"),
        (200, None),
        (404, "not_found"),
        (409, "order_terminal"),
    ]
    assert body["results"][2]["error"]["client_order_id"] == nothing["client_order_id"]
    assert {"index", "client_order_id"}.isdisjoint(body["results"][3]["error"])
    assert traders[1].call("GET", f"orders/by-client-order-id/{other['client_order_id']}/")[1]["quantity"] == "4"


def test_a_batch_of_commands_of_nothing_alone_is_answered_without_the_writer(way: Way) -> None:
    orders = [{"op": "amend", "id": "77", "quantity": "1"}, NOTHING] * 50

    status, body = way.ask("order.batch", {"orders": orders})

    assert (status, body["consistency_token"]) == (200, None)
    assert [item["error"]["code"] for item in body["results"]] == ["not_found", "instrument_unknown"] * 50


def test_an_atomic_batch_with_a_command_of_nothing_is_refused_whole_and_names_it(way: Way) -> None:
    nothing = {**NOTHING, "client_order_id": an_id()}

    status, body = way.ask("order.batch", {"orders": [LIMIT, nothing], "atomic": True})
    assert (status, body["code"], body["index"]) == (422, "instrument_unknown", 1)
    assert body["client_order_id"] == nothing["client_order_id"]
    status, body = way.ask(
        "order.batch", {"orders": [LIMIT, LIMIT, {"op": "amend", "id": "77", "price": "1"}], "atomic": True}
    )
    assert (status, body["code"], body["index"]) == (404, "not_found", 2)
    assert way.ask("order.cancel_all", {"all": True})[1]["results"] == []


def test_a_batch_with_a_malformed_command_is_refused_whole(way: Way) -> None:
    orders = [LIMIT, NOTHING, {"op": "amend", "id": "x", "quantity": "1"}]

    status, body = way.ask("order.batch", {"orders": orders})

    assert (status, [(error["field"], error["code"]) for error in body["errors"]]) == (
        400,
        [("orders.2.id", "malformed")],
    )
    assert way.ask("order.cancel_all", {"all": True})[1]["results"] == []


def test_an_atomic_batch_is_applied_whole_or_not_at_all(way: Way) -> None:
    good, bad = {**LIMIT, "price": "190.8"}, {**LIMIT, "price": "500"}

    status, body = way.ask("order.batch", {"orders": [good, bad], "atomic": True})
    assert (status, body["code"], body["reason"]) == (422, "batch_member_refused", "price_outside_band")
    assert way.ask("order.cancel_all", {"all": True})[1]["results"] == []

    status, body = way.ask("order.batch", {"orders": [good, good], "atomic": True})
    assert (status, [item["status"] for item in body["results"]]) == (200, [201, 201])


def test_an_atomic_batch_sent_again_is_answered_as_it_was_the_first_time(way: Way) -> None:
    orders = [{**LIMIT, "client_order_id": an_id()}, {**LIMIT, "price": "190.8", "client_order_id": an_id()}]
    status, first = way.ask("order.batch", {"orders": orders, "atomic": True})
    assert (status, [item["status"] for item in first["results"]]) == (200, [201, 201])
    way.ask("order.cancel", {"client_order_id": orders[0]["client_order_id"]})

    for _ in range(2):
        status, again = way.ask("order.batch", {"orders": orders, "atomic": True, "deadline": "2020-01-01T00:00:00Z"})
        assert (status, [item["status"] for item in again["results"]]) == (200, [200, 200])
        assert [item["order"] for item in again["results"]] == [item["order"] for item in first["results"]]

    kept = orders[1]["client_order_id"]
    other = [{**orders[0], "quantity": "1"}, {"op": "cancel", "client_order_id": kept}]
    status, body = way.ask("order.batch", {"orders": other, "atomic": True})
    assert (status, body["code"]) == (422, "batch_member_refused")
    assert way.ask("order.cancel", {"client_order_id": kept})[1]["status"] == "canceled", "nothing was done"


def test_an_atomic_batch_s_outcome_is_remembered_under_its_id(way: Way) -> None:
    name, refused = an_id(), an_id()
    asked = {"orders": [LIMIT, {**LIMIT, "price": "190.8"}], "atomic": True, "client_batch_id": name}
    status, first = way.ask("order.batch", asked)
    assert (status, [item["status"] for item in first["results"]]) == (200, [201, 201])
    status, again = way.ask("order.batch", asked)
    assert (status, [item["status"] for item in again["results"]]) == (200, [200, 200])
    assert [item["order"] for item in again["results"]] == [item["order"] for item in first["results"]]
    assert len(way.ask("order.cancel_all", {"all": True})[1]["results"]) == 2, "one effect"

    bad = {"orders": [LIMIT, {**LIMIT, "price": "500"}], "atomic": True, "client_batch_id": refused}
    once, twice = way.ask("order.batch", bad), way.ask("order.batch", bad)
    assert (once[0], once[1]["code"], once[1]["reason"]) == (422, "batch_member_refused", "price_outside_band")
    assert (twice[0], twice[1]["sequence"]) == (422, once[1]["sequence"]), "the first answer again"

    status, body = way.ask("order.batch", {**asked, "orders": [LIMIT]})
    assert (status, body["code"], body["client_order_id"]) == (409, "duplicate_client_order_id", name)
    status, body = way.ask("order.batch", {"orders": [LIMIT], "client_batch_id": an_id()})
    assert (status, [(error["field"], error["code"]) for error in body["errors"]]) == (
        400,
        [("client_batch_id", "invalid")],
    )
    status, body = way.ask("order.batch", {**asked, "client_batch_id": ".."})
    assert (status, body["errors"][0]["field"]) == (400, "client_batch_id")


def test_a_batch_names_every_fault_of_its_members(way: Way) -> None:
    status, body = way.ask(
        "order.batch",
        {"orders": [{**LIMIT, "side": "x"}, {"op": "cancel"}, {"op": "fly"}, {**LIMIT, "price": "1e1"}, 7]},
    )

    assert (status, body["code"]) == (400, "invalid")
    assert [(error["field"], error["code"]) for error in body["errors"]] == [
        ("orders.0.side", "not_a_choice"),
        ("orders.1.id", "required"),
        ("orders.2.op", "not_a_choice"),
        ("orders.3.price", "malformed"),
        ("orders.4", "wrong_type"),
    ]


@pytest.mark.parametrize(
    ("orders", "code"), [([], "out_of_range"), ([LIMIT] * 101, "out_of_range"), ({}, "wrong_type")]
)
def test_a_batch_is_bounded(way: Way, orders: Any, code: str) -> None:
    status, body = way.ask("order.batch", {"orders": orders})

    assert (status, body["errors"][0]["code"]) == (400, code)
