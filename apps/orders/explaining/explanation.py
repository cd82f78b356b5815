"""One order explained: what it wanted, the book it met, why it did or did not trade, and each of its events."""

from typing import Any

import msgspec

from apps.marketdata.reference import references
from apps.orders.codes import Side
from apps.orders.events import OrderAccepted, OrderRejected
from apps.orders.explaining.book import Level, book_before
from apps.orders.explaining.story import Story, story_read
from apps.orders.explaining.words import Teller
from apps.orders.orderevents import order_event_body
from apps.orders.shapes import OrderBody, OrderEventBody, order_body
from apps.orders.state import OrderState
from cift.times import time_format

DEPTH = 5
DEPTH_MAX = 1_000


class EventTold(OrderEventBody, kw_only=True):
    """One event as clients see it, the number of its batch, and what it did in words."""

    batch: int
    text: str


class BookTold(msgspec.Struct):
    """The book before the event with `before_sequence`; levels are price, quantity, orders, the best first."""

    before_sequence: int
    last_price: str | None
    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]


class Explanation(msgspec.Struct):
    """An order's whole life; `deadline` is when its command would have been too late."""

    order: OrderBody
    deadline: str | None
    book: BookTold
    why: list[str]
    events: list[EventTold]


class NoSuchOrderError(LookupError):
    """There is no order to explain; the text is the line the operator reads."""


def explain(order_id: int, *, shard: int, depth: int = DEPTH) -> Explanation:
    """Explain an order from the journal.

    Raises:
        NoSuchOrderError: it has none with this id, or the tables do not know its instrument.
        JournalUnavailableError: it cannot be read.

    """
    story = story_read(order_id, shard=shard)
    if story is None:
        raise NoSuchOrderError(f"the journal has no order {order_id}")
    first = story.first
    reference = references.read_id(first.instrument)
    if reference is None:
        # Without units there is nothing to tell it in.
        raise NoSuchOrderError(f"order {order_id} was for instrument {first.instrument}, which is not listed here")
    book = book_before(shard=shard, instrument=first.instrument, sequence=first.sequence)
    teller = Teller(story, book, reference)

    def levels(side: Side) -> list[tuple[str, str, int]]:
        return [_level(each) for each in book.levels(side, depth=depth)]

    def _level(level: Level) -> tuple[str, str, int]:
        return reference.price_format(level.price), reference.quantity_format(level.quantity), level.orders

    last_price = None if book.last_price is None else reference.price_format(book.last_price)
    state = _state(story)
    return Explanation(
        order=order_body(state, reference),
        deadline=time_format(story.submit.deadline) if story.submit.deadline else None,
        book=BookTold(first.sequence, last_price, levels(Side.BUY), levels(Side.SELL)),
        why=teller.why(),
        events=[
            EventTold(
                **msgspec.structs.asdict(order_event_body(state, told.at, told.event, reference)),
                batch=told.number,
                text=teller.event(told.event),
            )
            for told in story.events
        ],
    )


def _state(story: Story) -> OrderState:
    """Fold the events: the order as it stands."""
    state = OrderState.of_event(story.first, at=story.events[0].at)
    for told in story.events[1:]:
        if not isinstance(told.event, OrderAccepted | OrderRejected):
            state.apply(told.event, at=told.at)
    return state


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Give an explanation as plain values."""
    told: dict[str, Any] = msgspec.to_builtins(explanation)
    return told
