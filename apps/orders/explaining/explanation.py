"""One order explained: what it wanted, the book it met, why it did or did not trade, and each of its events."""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from apps.marketdata.codes import Side
from apps.marketdata.reference import InstrumentReference, references
from apps.orders import selectors
from apps.orders.events import OrderAccepted, OrderRejected
from apps.orders.explaining.book import BookMet, Level, book_before
from apps.orders.explaining.event_pages import order_event_body
from apps.orders.explaining.noted import Bounds, noted_read
from apps.orders.explaining.story import Story, story_read
from apps.orders.explaining.words import Teller
from apps.orders.ids import order_sequence
from apps.orders.matching.journal import Journal
from apps.orders.models import Order
from apps.orders.shapes import (
    BookMetBody,
    OrderBody,
    OrderCommandBody,
    OrderEventBody,
    OrderLifeBody,
    order_body,
    order_command_body,
)
from apps.orders.state import OrderState
from cift.times import time_format

DEPTH = 5
DEPTH_MAX = 1_000
TOLD_EVENTS_MAX = 1_000
"""Why an order with more events did or did not trade is shown to operators alone: all of them must be read for it."""

LIVES_KEPT_MAX = 1_024
"""How many lives a process keeps for those who ask for them again."""


class Explanation(msgspec.Struct):
    """An order's whole life; `deadline` is when its command would have been too late."""

    order: OrderBody
    deadline: str | None
    command: OrderCommandBody
    book: BookMetBody
    why: list[str]
    events: list[OrderEventBody]


class NoSuchOrderError(LookupError):
    """There is no order to explain; the text is the line the operator reads."""


def explain(order_id: int, *, shard: int, depth: int = DEPTH) -> Explanation:
    """Explain an order from the journal.

    Raises:
        NoSuchOrderError: it has none with this id, or the tables do not know its instrument.
        JournalUnavailableError: it cannot be read.

    """
    story = story_read(order_id, journal=Journal(shard))
    if story is None:
        raise NoSuchOrderError(f"the journal has no order {order_id}")
    first = story.first
    reference = references.read_id(first.instrument)
    if reference is None:
        # Without units there is nothing to tell it in.
        raise NoSuchOrderError(f"order {order_id} was for instrument {first.instrument}, which is not listed here")
    book = book_before(shard=shard, instrument=first.instrument, sequence=first.sequence)
    state = _state(story)
    return Explanation(
        order=order_body(state, reference),
        deadline=time_format(story.submit.deadline) if story.submit.deadline else None,
        command=order_command_body(story.submit, reference, in_batch=story.in_batch),
        book=_book(book, reference, before=first.sequence, depth=depth),
        why=Teller(story, book, reference).why(),
        events=[order_event_body(state, entry, reference) for entry in story.events],
    )


def order_life(order: Order, reference: InstrumentReference, *, events_max: int = TOLD_EVENTS_MAX) -> OrderLifeBody:
    """Return what stands beside the events of an order in the tables, as far as the tables are.

    Of one with more than `events_max` events, or some that must be looked for, only the command and the book.

    Raises:
        NoSuchOrderError: the journal does not have it.
        JournalUnavailableError: the journal cannot be read.

    """
    journal, entered = Journal(selectors.shard()), order_sequence(order.id)
    row = journal.holding(entered)
    if row is None:
        raise NoSuchOrderError(f"the journal has no order {order.id}")
    bounds = Bounds(entered, order.sequence, most=events_max + 1, newest=False)
    noted = noted_read(journal, order.id, account=order.account_id, bounds=bounds)
    whole = len(noted.sequences) <= events_max and not noted.gap
    return _life(_Life(order.id, journal.shard, row.chain, reference, order.sequence if whole else None))


class _Life(NamedTuple):
    """An order up to its event `last`, or (None) as it came; `chain` is that of its first batch."""

    order_id: int
    shard: int
    chain: bytes
    reference: InstrumentReference
    last: int | None


@lru_cache(maxsize=LIVES_KEPT_MAX)
def _life(wanted: _Life) -> OrderLifeBody:
    """Return the book: what the journal says up to an event never changes, and folding a book takes a while."""
    entered = order_sequence(wanted.order_id)
    story = story_read(wanted.order_id, journal=Journal(wanted.shard), last=wanted.last or entered)
    if story is None:
        raise NoSuchOrderError(f"the journal has no order {wanted.order_id}")
    book = book_before(shard=wanted.shard, instrument=story.first.instrument, sequence=entered)
    return OrderLifeBody(
        command=order_command_body(story.submit, wanted.reference, in_batch=story.in_batch),
        book=_book(book, wanted.reference, before=entered, depth=DEPTH),
        why=None if wanted.last is None else Teller(story, book, wanted.reference).why(),
    )


def _book(book: BookMet, reference: InstrumentReference, *, before: int, depth: int) -> BookMetBody:
    """Return the book's shape: levels alone, and of nobody."""

    def levels(side: Side) -> list[tuple[str, str, int]]:
        return [_level(each) for each in book.levels(side, depth=depth)]

    def _level(level: Level) -> tuple[str, str, int]:
        return reference.price_format(level.price), reference.quantity_format(level.quantity), level.orders

    last_price = None if book.last_price is None else reference.price_format(book.last_price)
    return BookMetBody(before, last_price, levels(Side.BUY), levels(Side.SELL))


def _state(story: Story) -> OrderState:
    """Fold the events: the order as it stands."""
    state = OrderState.of_event(story.first, at=story.events[0].at)
    for entry in story.events[1:]:
        if not isinstance(entry.event, OrderAccepted | OrderRejected):
            state.apply(entry.event, at=entry.at)
    return state


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain values."""
    body: dict[str, Any] = msgspec.to_builtins(explanation)
    return body
