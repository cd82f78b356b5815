"""The plain order's short way: it takes nothing the long way refuses, and reads what it takes as the long way does."""

import asyncio
import json
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.gateways.socket.fields import ENVELOPE, FIELDS
from apps.marketdata.reference import InstrumentReference, references
from apps.orders.commands import SubmitOrder
from apps.orders.entry.fast_order import plain_order
from apps.orders.entry.fields import params_read
from apps.orders.entry.reading import submit_read
from cift.errors.application import ApplicationError
from cift.strictjson import JsonInvalidError, json_parse

AT = 1_700_000_000_000_000_000
PARAMS = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.5", "price": "60000.25"}
BTC_USD = InstrumentReference(
    id=4, symbol="BTC-USD", base="BTC", quote="USD", price_scale=2, base_scale=8, quote_scale=6
)


@pytest.fixture(autouse=True)
def _reference(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    references.keep([BTC_USD])
    # The table is not asked for others.
    monkeypatch.setattr(references, "_is_time", lambda: False)
    yield
    references.forget()


def long_way(message: str) -> tuple[object, SubmitOrder] | None:
    """Read a message as a session does without the short way."""
    try:
        found = json_parse(message)
        if not isinstance(found, dict):
            return None
        read = params_read({name: found.get(name) for name in ENVELOPE}, ENVELOPE)
        rest = {name: value for name, value in found.items() if name not in ENVELOPE}
        params = params_read(rest, FIELDS["order.submit"])["params"]
        order = asyncio.run(submit_read(params, account=3, at=AT))
    except (JsonInvalidError, ApplicationError):
        return None
    return read["id"], order


def agrees(message: str) -> None:
    plain = plain_order(message, account=3, at=AT)
    if plain is None:
        return
    found = long_way(message)
    assert found is not None, message
    request_id, order = found
    if '"client_order_id"' not in message:
        order = msgspec.structs.replace(order, id=plain.order.id)
    assert (plain.id, plain.order) == (request_id, order)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"client_order_id": "mine-1"},
        {"time_in_force": "ioc", "self_trade_prevention": "cancel_both"},
        {"post_only": True},
        {"post_only": False, "client_order_id": "a"},
    ],
)
@pytest.mark.parametrize("request_id", [7, "seven"])
def test_a_plain_order_goes_the_short_way(more: dict[str, object], request_id: int | str) -> None:
    message = json.dumps({"id": request_id, "op": "order.submit", "params": {**PARAMS, **more}})

    assert plain_order(message, account=3, at=AT) is not None
    agrees(message)


@pytest.mark.parametrize(
    "message",
    [
        '{"id": 1, "id": 2, "op": "order.submit", "params": %s}',
        '{"id": 1.0, "op": "order.submit", "params": %s}',
        '{"id": true, "op": "order.submit", "params": %s}',
        '{"id": 1, "op": "order.submit", "op": "order.submit", "params": %s}',
        '{"id": 1, "op": "order.submit", "params": {}, "params": %s}',
        '{"id": 1, "op": "order.submit", "more": 1, "params": %s}',
        '{"id": 1, "op": "order.amend", "params": %s, "x": "order.submit"}',
        '{"op": "order.submit", "params": %s}',
        '[{"id": 1, "op": "order.submit", "params": %s}]',
        '{"id": 1, "op": "order.submit", "params": %s} {}',
    ],
)
def test_what_is_not_understood_in_every_part_goes_the_long_way(message: str) -> None:
    assert plain_order(message % json.dumps(PARAMS), account=3, at=AT) is None


NAMES = [*PARAMS, "client_order_id", "time_in_force", "self_trade_prevention", "post_only", "deadline", "quote_amount"]
VALUES = [
    "buy", "sell", "limit", "market", "gtc", "ioc", "fok", "cancel_oldest", "BTC-USD", "ETH-USD", "0.5", "1",
    "-1", "01", "1e5", "0.123456789", "9" * 19, "9" * 20, "", " ", "a b", "é", "\u0661", "x" * 65, 1, 1.5,
    True, None, [], {},
]  # fmt: skip
MEMBERS = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES).map(json.dumps))
CHANGES = st.lists(MEMBERS, max_size=3)


@given(CHANGES, st.booleans(), st.sampled_from(["1", '"a"', "1e0", "-0", "12345678901234567890", '"\\u0041"', "null"]))
def test_whatever_is_said_the_two_ways_agree(changes: list[tuple[str, str]], repeat: bool, request_id: str) -> None:  # noqa: FBT001 - a drawn value
    members = {name: json.dumps(value) for name, value in PARAMS.items()}
    if not repeat:
        members.update(changes)
    pairs = [*members.items(), *(changes if repeat else [])]
    params = ", ".join(f'"{name}": {value}' for name, value in pairs)

    agrees(f'{{"id": {request_id}, "op": "order.submit", "params": {{{params}}}}}')
