import itertools

import pytest

from apps.orders.lifecycle import (
    OPEN,
    TERMINAL,
    TRANSITIONS,
    OrderEvent,
    OrderStatus,
    TransitionForbiddenError,
    event_of_cancel,
    event_of_fill,
    transition,
)
from apps.orders.reasons import Reason

PRODUCT = list(itertools.product((None, *OrderStatus), OrderEvent))


@pytest.mark.parametrize(("status", "event"), PRODUCT)
def test_each_status_takes_an_event_as_the_table_says_or_not_at_all(
    status: OrderStatus | None, event: OrderEvent
) -> None:
    if (status, event) in TRANSITIONS:
        assert transition(status, event) is TRANSITIONS[status, event]
    else:
        with pytest.raises(TransitionForbiddenError, match=event.value):
            transition(status, event)


def test_nothing_leads_out_of_a_terminal_status() -> None:
    assert not {status for status, _ in TRANSITIONS if status in TERMINAL}


def test_a_status_is_open_or_terminal() -> None:
    assert set(OrderStatus) == OPEN | TERMINAL
    assert not OPEN & TERMINAL


def test_every_open_status_can_end_by_each_way_there_is() -> None:
    for status in OPEN:
        assert TRANSITIONS[status, OrderEvent.CANCEL] is OrderStatus.CANCELED
        assert TRANSITIONS[status, OrderEvent.EXPIRE] is OrderStatus.EXPIRED


def test_an_order_begins_accepted_or_rejected() -> None:
    assert {event for status, event in TRANSITIONS if status is None} == {OrderEvent.ACCEPT, OrderEvent.REJECT}


def test_a_fill_that_leaves_nothing_fills_the_order() -> None:
    assert event_of_fill(leaves=0) is OrderEvent.FILL_ALL
    assert event_of_fill(leaves=1) is OrderEvent.FILL_PART


def test_only_a_quote_remainder_counts_as_filled() -> None:
    assert event_of_cancel(reason=Reason.QUOTE_REMAINDER) is OrderEvent.CANCEL_REMAINDER
    assert event_of_cancel(reason=Reason.USER_REQUESTED) is OrderEvent.CANCEL
