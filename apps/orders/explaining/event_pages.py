"""A page of what happened to one order, read from the journal, which alone remembers each event.

The tables note the sequences of an order's events, so only the batches of a page's events are read. Where some may not
be noted (of a simulated order whose rows are leaving) the database looks for batches whose events hold the order's id
as it is encoded. Such a page goes through a bounded stretch of the journal: it may hold fewer events than asked for,
even none, and still have a next one.
"""

from typing import NamedTuple

from apps.marketdata.reference import InstrumentReference
from apps.orders.codes import Liquidity, OrderType
from apps.orders.events import OrderAccepted, OrderAmended, OrderCanceled, OrderReduced, OrderRejected, Trade
from apps.orders.explaining.noted import Bounds, OrderEventAt, events_at, events_of, noted_read, order_id_bytes
from apps.orders.explaining.words import event_text
from apps.orders.ids import order_sequence
from apps.orders.matching.journal import Journal
from apps.orders.models import Order
from apps.orders.selectors import shard
from apps.orders.shapes import OrderEventBody, fill_body
from apps.orders.state import OrderState, fill_of
from cift.rest.pages import PageAsk
from cift.times import time_format

SCANNED_BATCHES_MAX = 20_000
"""How much of the journal one page goes through where events may not be noted."""


class OrderEvents(NamedTuple):
    """A page's events in the order they were read; `edge`: how far the journal was gone through."""

    found: list[OrderEventAt]
    edge: int | None


def order_events(
    order: Order, ask: PageAsk, *, journal: Journal | None = None, scanned_max: int = SCANNED_BATCHES_MAX
) -> OrderEvents:
    """Read a page of an order's events, and one event more; an `edge` is given where the stretch ended before that.

    Where events must be looked for, a page goes through `scanned_max` batches at most.

    Raises:
        JournalUnavailableError: the journal cannot be read.

    """
    first, last = order_sequence(order.id), order.sequence
    if ask.key is not None:
        first, last = (max(first, ask.key[0] + 1), last) if ask.newer else (first, min(last, ask.key[0] - 1))
    if first > last:
        return OrderEvents([], None)
    journal = journal or Journal(shard())
    bounds = Bounds(first, last, most=ask.limit + 1, newest=not ask.newer)
    noted = noted_read(journal, order.id, account=order.account_id, bounds=bounds)
    if noted.gap >= (lowest := _number_of(journal, first)):
        return _looked_for(journal, order.id, bounds, (lowest, _number_of(journal, last)), scanned_max=scanned_max)
    found = [
        entry for entry in events_at(journal, order.id, noted.sequences) if entry.event.sequence in noted.sequences
    ]
    return OrderEvents(found if ask.newer else found[::-1], None)


def _number_of(journal: Journal, sequence: int) -> int:
    """Find the batch that holds a sequence."""
    row = journal.holding(sequence)
    return row.number if row is not None else 1


def _looked_for(
    journal: Journal, order_id: int, bounds: Bounds, between: tuple[int, int], *, scanned_max: int
) -> OrderEvents:
    """Look for events in a stretch of some batches, from the end the page begins at."""
    lowest, highest = between
    low, high = (
        (max(lowest, highest - scanned_max + 1), highest)
        if bounds.newest
        else (lowest, min(highest, lowest + scanned_max - 1))
    )
    rows = journal.with_bytes(order_id_bytes(order_id), after=low - 1, upto=high)
    found = [entry for row in rows for entry in events_of(row, order_id) if bounds.hold(entry.event.sequence)]
    if bounds.newest:
        found.reverse()
    edge = None
    if len(found) < bounds.most and (low, high) != between:
        batch = journal.get(low if bounds.newest else high)
        edge = None if batch is None else batch.first_sequence if bounds.newest else batch.last_sequence
    return OrderEvents(found[: bounds.most], edge)


def order_event_body(order: Order | OrderState, entry: OrderEventAt, reference: InstrumentReference) -> OrderEventBody:
    """Return an event's shape; what an order by quote amount has left or canceled is counted in the quote asset."""
    rest = reference.amount_format if order.quote_amount else reference.quantity_format
    event, at = entry.event, entry.at
    text = event_text(event, reference, order_id=order.id, by_amount=order.quote_amount != 0)
    body = OrderEventBody(event="", sequence=event.sequence, at=time_format(at), batch=entry.number, text=text)
    match event:
        case OrderAccepted() | OrderRejected():
            body.event = "accepted" if isinstance(event, OrderAccepted) else "rejected"
            body.price = reference.price_format(event.price) if event.type is OrderType.LIMIT else None
            body.quantity = None if event.quote_amount else reference.quantity_format(event.quantity)
            body.quote_amount = reference.amount_format(event.quote_amount) if event.quote_amount else None
            if isinstance(event, OrderRejected):
                body.reason = event.reason.code
            else:
                body.leaves_quantity = rest(event.quote_amount or event.quantity)
        case Trade():
            taker = event.taker_order_id == order.id
            fill = fill_of(event, liquidity=Liquidity.TAKER if taker else Liquidity.MAKER, at=at)
            body.event, body.fill = "fill", fill_body(fill, reference)
            body.leaves_quantity = rest(event.taker_leaves if taker else event.maker_leaves)
        case OrderAmended():
            body.event = "amended"
            body.price, body.quantity = reference.price_format(event.price), reference.quantity_format(event.quantity)
            body.leaves_quantity = rest(event.leaves)
        case OrderReduced():
            body.event, body.quantity, body.leaves_quantity = "reduced", rest(event.quantity), rest(event.leaves)
        case OrderCanceled():
            body.event, body.quantity, body.leaves_quantity = "canceled", rest(event.quantity), rest(0)
            body.reason = event.reason.code
    return body
