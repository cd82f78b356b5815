"""A plain order's answer written as text is the one that all others are made as."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.codes import Side
from apps.marketdata.reference import InstrumentReference, references
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.entry.answers import submitted_now, taken
from apps.orders.events import AnyEvent, OrderAccepted, OrderCanceled, OrderReduced, Trade
from apps.orders.reasons import Reason
from apps.orders.services import Outcome

BTC_USD = InstrumentReference(
    id=4, symbol='B"C-USD', base="BTC", quote="U\\D", price_scale=2, base_scale=8, quote_scale=6
)
AT = 1_700_000_000_123_456_789
ORDER_ID, OTHER_ID = 77 << 20, 55 << 20


@pytest.fixture(autouse=True)
def _reference() -> Iterator[None]:
    references.keep([BTC_USD])
    yield
    references.forget()


def accepted(**changes: object) -> OrderAccepted:
    begun = OrderAccepted(
        sequence=77, account_sequence=5, instrument_sequence=6, account=3, order_id=ORDER_ID, id="mine-1", instrument=4,
        side=Side.BUY, type=OrderType.LIMIT, tif=TimeInForce.GTC, flags=0, stp=SelfTradePrevention.DEFAULT,
        price=6_000_025, quantity=1_000, quote_amount=0, maker_ppm=10, taker_ppm=20,
    )  # fmt: skip
    return msgspec.structs.replace(begun, **changes)


def trade(sequence: int, *, quantity: int, leaves: int, notional: int, fee: int) -> Trade:
    return Trade(
        sequence=sequence, instrument_sequence=sequence, instrument=4, price=6_000_000, quantity=quantity,
        taker_side=Side.BUY, maker_order_id=OTHER_ID, maker_account=9, maker_account_sequence=1, maker_leaves=0,
        maker_filled_notional=1, maker_fee=1, maker_fee_total=1, taker_order_id=ORDER_ID, taker_account=3,
        taker_account_sequence=sequence, taker_leaves=leaves, taker_filled_notional=notional, taker_fee=fee,
        taker_fee_total=fee * 2,
    )  # fmt: skip


def canceled(order_id: int) -> OrderCanceled:
    return OrderCanceled(
        sequence=90, account_sequence=9, instrument_sequence=9, account=3, order_id=order_id, instrument=4,
        reason=Reason.SELF_TRADE_PREVENTION, quantity=1, price=6_000_000, order_quantity=1, filled_quantity=0,
        filled_notional=0, fee_total=0,
    )  # fmt: skip


def both(*events: AnyEvent) -> tuple[bytes | None, bytes]:
    outcome = Outcome(number=12, at=AT, events=events)
    text, made = taken(outcome), submitted_now(outcome)
    assert made is not None
    return None if text is None else msgspec.json.encode(text.body), msgspec.json.encode(made.body)


TERMS = st.fixed_dictionaries(
    {
        "side": st.sampled_from(Side),
        "tif": st.sampled_from(TimeInForce),
        "stp": st.sampled_from(SelfTradePrevention),
        "flags": st.integers(0, 1),
        "price": st.integers(1, 10**9),
    }
)


@given(st.integers(0, 10**15), st.lists(st.integers(1, 10**6), max_size=4), st.sampled_from((True, False)), TERMS)
def test_it_is_the_same_byte_for_byte(rest: int, quantities: list[int], others: object, terms: dict[str, Any]) -> None:
    leaves = sum(quantities) + rest
    events: list[AnyEvent] = [accepted(quantity=leaves, **terms)]
    for place, quantity in enumerate(quantities, start=78):
        leaves -= quantity
        events.append(trade(place, quantity=quantity, leaves=leaves, notional=quantity * 7, fee=quantity // 3))
    if others:
        events.insert(1, canceled(OTHER_ID))

    text, made = both(*events)

    assert text == made


def test_an_order_that_was_ended_or_cut_is_answered_the_long_way() -> None:
    reduced = OrderReduced(
        sequence=90, account_sequence=9, instrument_sequence=9, account=3, order_id=ORDER_ID, instrument=4, quantity=1,
        leaves=999,
    )  # fmt: skip
    for event in (canceled(ORDER_ID), reduced):
        assert both(accepted(), event)[0] is None
    assert both(accepted(type=OrderType.MARKET, price=0, tif=TimeInForce.IOC))[0] is None
