"""The id a client looks up by what it was not told, and what it is told of a change that is done and cannot be read."""

from typing import Any

import msgspec
import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from rest_framework.test import APIClient

from apps.accounts.models import Account, User
from apps.orders.entry import answers, order_cache
from apps.orders.entry.order_cache import order_terms
from apps.orders.models import Order
from apps.orders.reasons import Reason
from apps.orders.state import OrderTerms
from cift.bus.base import RequestTimeout
from cift.errors.application import ApplicationError
from cift.orderservice.consistency import place_of
from cift.times import time_parse
from tests.support.buses import ScriptedBus
from tests.support.scripted import ORDER, raising


@pytest.fixture
def client(bus: ScriptedBus) -> APIClient:
    user = User.objects.create_user("trader@example.com", "a long password")
    Account.objects.filter(pk=3).update(owner_id=user.pk)
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.mark.parametrize("known", ["in memory", "by the tables"])
@pytest.mark.parametrize(
    ("method", "body"), [("patch", {"quantity": "1"}), ("delete", None)], ids=["amend", "cancel by id"]
)
def test_an_unknown_outcome_of_one_order_names_the_id_it_is_looked_up_by(
    bus: ScriptedBus, client: APIClient, method: str, body: Any, known: str
) -> None:
    order, other = (Order.objects.filter(account_id=account).latest("id") for account in (3, 4))
    bus.respond_with = raising(RequestTimeout("late"))
    if known == "in memory":
        async_to_sync(order_terms.find)([order.pk, other.pk])

    answer = getattr(client, method)(f"/api/v1/orders/{order.pk}/", body, format="json").json()
    batch = {"orders": [{"op": "cancel", "id": str(order.pk)}, {"op": "cancel", "client_order_id": "x"}, ORDER]}
    whole = client.post("/api/v1/orders/batch/", batch, format="json").json()
    stranger_s = client.delete(f"/api/v1/orders/{other.pk}/").json()

    assert (answer["code"], answer["id"], answer["client_order_id"]) == (
        "outcome_unknown", str(order.pk), order.client_order_id,
    )  # fmt: skip
    assert whole["client_order_ids"] == [order.client_order_id, "x", "one"]
    assert stranger_s["code"] == "outcome_unknown"
    assert "client_order_id" not in stranger_s, "it is another's"


def test_an_unknown_outcome_is_told_though_the_tables_cannot_be_read(
    bus: ScriptedBus, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus.respond_with = raising(RequestTimeout("late"))
    monkeypatch.setattr(order_cache, "order_terms_read", locked)

    answer = client.delete("/api/v1/orders/77/")

    assert (answer.status_code, answer.json()["code"], answer.json()["id"]) == (504, "outcome_unknown", "77")
    assert "resolve_after" in answer.json()


def locked(*_arguments: Any) -> Any:
    raise OperationalError("locked")


def behind(*_arguments: Any) -> Any:
    raise ApplicationError("projection_behind")


def telling(*events: list[Any]) -> Any:
    section = b"".join(msgspec.msgpack.encode(event) for event in events)
    reply = msgspec.msgpack.encode([10**6, 1, section])
    return lambda _subject, _payload: msgspec.msgpack.encode([reply])


def test_a_first_answer_that_cannot_be_read_is_one_to_look_up(bus: ScriptedBus, client: APIClient) -> None:
    duplicate = [3, 900, 3, "one", 10**9, 0, True]
    bus.respond_with = telling(duplicate)
    lone = client.post("/api/v1/orders/", ORDER, format="json").json()
    bus.respond_with = telling(duplicate, [17, 901, 3, 1, 0])
    (item,) = client.post("/api/v1/orders/batch/", {"orders": [ORDER]}, format="json").json()["results"]

    for error in (lone, item["error"]):
        assert (error["code"], error["client_order_id"]) == ("outcome_unknown", "one")
        assert time_parse(error["resolve_after"]) > 0


def remembered() -> tuple[int, OrderTerms]:
    """What is in memory of the order that `changes` change."""
    order_id = Order.objects.filter(account_id=3).latest("id").pk
    terms = order_terms.get(order_id)
    assert terms is not None
    return order_id, terms


@pytest.fixture
def changes(client: APIClient) -> list[tuple[Any, Any, int]]:
    """What the order service tells of a cancel, an amendment and a mass cancel, who asks, and the last sequence."""
    order = Order.objects.filter(account_id=3).latest("id")
    async_to_sync(order_terms.find)([order.pk])
    one = f"/api/v1/orders/{order.pk}/"
    canceled = [13, 900, 1, 1, 3, order.pk, order.instrument_id, int(Reason.USER_REQUESTED), 1, 15_000, 1, 0, 0, 0]
    swept = [*canceled[:7], int(Reason.MASS_CANCEL), *canceled[8:]]
    amended = [14, 900, 1, 1, 3, order.pk, order.instrument_id, 15_000, 1, 1, True, 0, 0, 0]
    return [
        (telling(amended), lambda: client.patch(one, {"quantity": "1"}, format="json"), 900),
        (telling(canceled), lambda: client.delete(one), 900),
        (telling(swept, [16, 901, 3, 1, False]), lambda: client.delete("/api/v1/orders/?all=true"), 901),
    ]


@pytest.mark.parametrize(("unread", "code"), [(locked, "database_busy"), (behind, "projection_behind")])
def test_what_is_done_and_cannot_be_told_is_said_to_be_done(
    bus: ScriptedBus, changes: list[tuple[Any, Any, int]], monkeypatch: pytest.MonkeyPatch, unread: Any, code: str
) -> None:
    order_id, terms = remembered()
    monkeypatch.setattr(order_cache, "order_terms_read", unread)
    for respond, ask, sequence in changes:

        def forgetting(*asked: Any, respond: Any = respond) -> Any:
            order_terms.forget()
            return respond(*asked)

        order_terms.keep(order_id, terms)
        bus.respond_with = forgetting
        answer = ask()
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert answer.json()["detail"].startswith("It is done")
        assert answer.json()["sequence"] == sequence
        assert place_of(answer.json()["consistency_token"]).number == 10**6


def test_a_change_of_an_order_in_memory_is_told_without_any_read(
    bus: ScriptedBus, changes: list[tuple[Any, Any, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id, terms = remembered()
    monkeypatch.setattr(answers, "orders_current", locked)
    monkeypatch.setattr(order_cache, "order_terms_read", locked)
    statuses = []
    for respond, ask, _ in changes:
        order_terms.keep(order_id, terms)
        bus.respond_with = respond
        answer = ask()
        assert answer.status_code == 200
        (order,) = answer.json().get("results", [answer.json()])
        statuses.append(order["status"])
    assert statuses == ["new", "canceled", "canceled"]
    assert len(order_terms) == 0, "what has ended is forgotten"


@pytest.mark.parametrize(("unread", "code"), [(locked, "database_busy"), (behind, "projection_behind")])
def test_why_a_change_was_refused_cannot_always_be_told(
    bus: ScriptedBus, client: APIClient, monkeypatch: pytest.MonkeyPatch, unread: Any, code: str
) -> None:
    monkeypatch.setattr(answers, "orders_current", unread)
    bus.respond_with = telling([4, 902, 3, int(Reason.ORDER_UNKNOWN), 12, ""])

    refused = client.delete("/api/v1/orders/77/").json()

    assert refused["code"] == code
    assert {"sequence", "consistency_token"}.isdisjoint(refused), "nothing was done"
