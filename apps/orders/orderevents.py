"""What happened to one order, read from the journal, which alone remembers each event.

The tables say between which sequences an order's events lie; there the database looks for batches whose events hold the
order's id as it is encoded, and only those are decoded. A page goes through a bounded stretch of the journal: it may
hold fewer events than asked for, even none, and still have a next one.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from django.db.models import BinaryField, BooleanField, Func, Value

from apps.marketdata.reference import InstrumentReference
from apps.orders.codes import Liquidity, OrderType
from apps.orders.events import (
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    Trade,
    section_decode,
)
from apps.orders.lists import ORDER_ID_SEQUENCE_SHIFT
from apps.orders.models import JournalBatch, Order
from apps.orders.selectors import shard
from apps.orders.shapes import OrderEventBody, fill_body
from apps.orders.state import OrderChange, OrderState, fill_of, order_ids_of
from cift.rest.pages import PageAsk
from cift.times import time_format
from cift.wire.base import frame_split

SCANNED_BATCHES_MAX = 20_000
"""How much of the journal one page goes through."""

OrderEvent = OrderAccepted | OrderRejected | OrderChange


class _Holds(Func):
    """Whether bytes hold other bytes."""

    output_field = BooleanField()
    template = "position(%(expressions)s) > 0"
    arg_joiner = " in "

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Write it for SQLite, whose function takes its arguments the other way about."""
        turned = _Holds(*reversed(self.source_expressions))
        return turned.as_sql(compiler, connection, template="instr(%(expressions)s) > 0", arg_joiner=", ", **context)


class OrderEvents(NamedTuple):
    """A page's events with their times, in the order they were read; `edge`: how far the journal was gone through."""

    found: list[tuple[int, OrderEvent]]
    edge: int | None


def order_events(order: Order, ask: PageAsk) -> OrderEvents:
    """Read a page of an order's events, and one event more; an `edge` is given where the stretch ended before that."""
    first, last = order.id >> ORDER_ID_SEQUENCE_SHIFT, order.sequence
    if ask.key is not None:
        first, last = (max(first, ask.key[0] + 1), last) if ask.newer else (first, min(last, ask.key[0] - 1))
    if first > last:
        return OrderEvents([], None)
    lowest, highest = _number_of(first), _number_of(last)
    stretch = (
        (lowest, min(highest, lowest + SCANNED_BATCHES_MAX - 1))
        if ask.newer
        else (max(lowest, highest - SCANNED_BATCHES_MAX + 1), highest)
    )
    found = []
    for at, event in _events(order.id, stretch, newer=ask.newer):
        if first <= event.sequence <= last:
            found.append((at, event))
            if len(found) > ask.limit:
                return OrderEvents(found, None)
    if stretch == (lowest, highest):
        return OrderEvents(found, None)
    return OrderEvents(found, _edge(stretch, newer=ask.newer))


def _number_of(sequence: int) -> int:
    """Find the batch that holds a sequence."""
    rows = JournalBatch.objects.filter(shard=shard(), first_sequence__lte=sequence).order_by("-first_sequence")
    return rows.values_list("number", flat=True).first() or 1


def _edge(stretch: tuple[int, int], *, newer: bool) -> int:
    """Give the key a page goes on from behind a stretch."""
    rows = JournalBatch.objects.filter(shard=shard(), number=stretch[1] if newer else stretch[0])
    first, last = rows.values_list("first_sequence", "last_sequence").get()
    return int(last if newer else first)


def _events(order_id: int, stretch: tuple[int, int], *, newer: bool) -> Iterator[tuple[int, OrderEvent]]:
    # A literal has no type of its own on PostgreSQL.
    needle = Value(msgspec.msgpack.encode(order_id), output_field=BinaryField())
    rows = (
        JournalBatch.objects.filter(_Holds(needle, "events"), shard=shard(), number__range=stretch)
        .order_by("number" if newer else "-number")
        .values_list("at", "events")
    )
    for at, events in rows.iterator(chunk_size=100):
        of_order = [
            event
            for section in frame_split(bytes(events))
            for event in section_decode(section)
            if isinstance(event, OrderEvent) and order_id in event_order_ids(event)
        ]
        yield from ((at, event) for event in (of_order if newer else reversed(of_order)))


def event_order_ids(event: OrderEvent) -> tuple[int, ...]:
    """Name the orders an event is about."""
    return (event.order_id,) if isinstance(event, OrderAccepted | OrderRejected) else order_ids_of(event)


def order_event_body(
    order: Order | OrderState, at: int, event: OrderEvent, reference: InstrumentReference
) -> OrderEventBody:
    """Give an event's shape; what an order by quote amount has left or canceled is counted in the quote asset."""
    rest = reference.amount_format if order.quote_amount else reference.quantity_format
    body = OrderEventBody(event="", sequence=event.sequence, at=time_format(at))
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
