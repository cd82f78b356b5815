"""What an event says of an order as a whole is held against all the order's events before it."""

from collections.abc import Iterator

import msgspec
import pytest

from apps.orders.auditing.audit_events import EventChecker
from apps.orders.auditing.audit_report import Invariant, ViolationError
from apps.orders.events import AnyEvent, OrderAmended, OrderCanceled
from tests.support.shard import events_made

FILLED = ("filled_quantity", "filled_notional", "fee_total")


@pytest.fixture(scope="module")
def events() -> list[AnyEvent]:
    return [event for _, section in events_made(600) for event in section]


def changes_of_filled_orders(events: list[AnyEvent], kind: type[AnyEvent]) -> Iterator[int]:
    for place, event in enumerate(events):
        if isinstance(event, kind) and isinstance(event, OrderCanceled | OrderAmended) and event.filled_quantity:
            yield place


def test_true_events_are_taken(events: list[AnyEvent]) -> None:
    checker = EventChecker()
    for event in events:
        checker.take(event)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        *((OrderCanceled, field) for field in ("quantity", "price", "order_quantity", *FILLED)),
        *((OrderAmended, field) for field in ("leaves", *FILLED)),
    ],
)
def test_an_event_that_says_otherwise_is_found(events: list[AnyEvent], kind: type[AnyEvent], field: str) -> None:
    place = next(changes_of_filled_orders(events, kind))
    checker = EventChecker()
    for event in events[:place]:
        checker.take(event)
    changed = msgspec.structs.replace(events[place], **{field: getattr(events[place], field) + 1})

    with pytest.raises(ViolationError) as caught:
        checker.take(changed)

    assert caught.value.invariant is Invariant.QUANTITY_ACCOUNTED
    assert caught.value.sequence == changed.sequence
