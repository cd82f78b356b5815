"""Where one order's events are in the journal, as far as the tables say it, and how a batch's are read.

An order's id holds the sequence of its first event. Its fills, its noted revisions and its row have the others', so
however long the journal is, only batches with an event of the order are read. Of a simulated order's some are not
noted: what has left the tables already.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from django.db.models import QuerySet

from apps.accounts.models import Account
from apps.orders.events import OrderAccepted, OrderRejected, section_decode
from apps.orders.ids import order_sequence
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.retention import place_of
from apps.orders.models import OPEN_STATUSES, Fill, Order, OrderRevision, Projection
from apps.orders.state import OrderChange, order_ids_of
from cift.wire.base import frame_split

OrderEvent = OrderAccepted | OrderRejected | OrderChange


class OrderEventAt(NamedTuple):
    """An event with its place: the batch's number and time, and which of the batch's commands made it, from 0."""

    number: int
    at: int
    command: int
    event: OrderEvent


class Noted(NamedTuple):
    """The sequences the tables note of an order, in order, the first event's included.

    Up to the batch `gap` there may be events that are not among them; behind the batch `projected` nothing is noted.
    """

    sequences: list[int]
    gap: int
    projected: int


class Bounds(NamedTuple):
    """Which of an order's events are wanted: of those from one sequence to another the oldest or the newest."""

    first: int
    last: int
    most: int
    newest: bool

    def hold(self, sequence: int) -> bool:
        """Return whether a sequence is inside."""
        return self.first <= sequence <= self.last


def noted_read(journal: Journal, order_id: int, *, account: int, bounds: Bounds | None = None) -> Noted:
    """Read what the tables note of an order of an account, all of it or inside some bounds.

    Raises:
        JournalUnavailableError: the journal cannot be read.

    """
    projected = Projection.objects.filter(shard=journal.shard).values_list("last_number", flat=True).first() or 0
    sequences = {order_sequence(order_id)}
    for rows, key in ((Fill.objects, "trade_id"), (OrderRevision.objects, "sequence")):
        sequences.update(_keys(rows.filter(order_id=order_id), key, bounds))
    # The row after what leaves with it or before it, and then how far that is: one that leaves meanwhile is noticed.
    row = Order.objects.filter(id=order_id).values_list("sequence", "status").first()
    if row is not None:
        sequences.add(row[0])
    kept = sorted(sequences) if bounds is None else _within(sequences, bounds)
    return Noted(kept, _left(journal, row, account), projected)


def _keys(rows: QuerySet[Any], key: str, bounds: Bounds | None) -> QuerySet[Any, int]:
    """Return the sequences of rows, no more than are wanted."""
    rows = rows.order_by()
    if bounds is None:
        return rows.values_list(key, flat=True)
    rows = rows.filter(**{f"{key}__range": (bounds.first, bounds.last)})
    return rows.order_by(f"-{key}" if bounds.newest else key).values_list(key, flat=True)[: bounds.most]


def _within(sequences: Iterable[int], bounds: Bounds) -> list[int]:
    inside = sorted(sequence for sequence in sequences if bounds.hold(sequence))
    return inside[-bounds.most :] if bounds.newest else inside[: bounds.most]


def _left(journal: Journal, row: tuple[int, int] | None, account: int) -> int:
    """Return the batch up to which fills and revisions of an order of an account may have left the tables."""
    if not Account.objects.filter(id=account, simulated=True).exists():
        return 0
    place = place_of(journal.shard)
    end = None if row is None or row[1] in OPEN_STATUSES else row[0]
    gone = row is None or (end is not None and end <= place.sequence)
    left = place.sequence if gone else place.gap_end(end)
    batch = journal.holding(left) if left else None
    return batch.number if batch is not None else 0


def event_order_ids(event: OrderEvent) -> tuple[int, ...]:
    """Name the orders an event is about."""
    return (event.order_id,) if isinstance(event, OrderAccepted | OrderRejected) else order_ids_of(event)


def order_id_bytes(order_id: int) -> bytes:
    """Encode an order's id as it stands in events: what a batch without an event of the order does not hold."""
    return msgspec.msgpack.encode(order_id)


def events_at(journal: Journal, order_id: int, sequences: list[int]) -> Iterator[OrderEventAt]:
    """Read an order's events in the batches that hold some sequences, each batch once, in the order they are given.

    Within a batch the events are in its order.
    """
    last: JournalRow | None = None
    for sequence in sequences:
        if last is not None and last.first_sequence <= sequence <= last.last_sequence:
            continue
        last = journal.holding(sequence)
        if last is not None:
            yield from events_of(last, order_id)


def events_of(row: JournalRow, order_id: int) -> Iterator[OrderEventAt]:
    """Return a batch's events of one order."""
    encoded = order_id_bytes(order_id)
    if encoded not in row.events:
        return
    for index, section in enumerate(frame_split(row.events)):
        if encoded not in section:
            continue
        for event in section_decode(section):
            if isinstance(event, OrderEvent) and order_id in event_order_ids(event):
                yield OrderEventAt(row.number, row.at, index, event)
