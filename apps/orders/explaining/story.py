"""Everything the journal has of one order: the command it came by, and each event since, with its place and time.

An order's id holds the sequence of its first event. Its fills, its noted revisions and its row lead to the others, so
however long the journal is, only batches with an event of the order are read; what the tables do not have yet is
looked for in the batches behind them.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from apps.accounts.models import Account
from apps.orders.commands import Batch, SubmitOrder, command_decode
from apps.orders.events import OrderAccepted, OrderCanceled, OrderRejected, Trade, section_decode
from apps.orders.lists import ORDER_ID_SEQUENCE_SHIFT
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.models import Fill, Order, OrderRevision, Projection, Retention
from apps.orders.orderevents import OrderEvent, event_order_ids
from cift.wire.base import frame_split


class Told(NamedTuple):
    """An event with its place: the batch's number and time, and which of the batch's commands made it, from 0."""

    number: int
    at: int
    command: int
    event: OrderEvent


class Story(NamedTuple):
    """One order: the command that entered it, alone or in a batch of its account's, and its events in order."""

    submit: SubmitOrder
    first: OrderAccepted | OrderRejected
    events: list[Told]


def story_read(order_id: int, *, shard: int) -> Story | None:
    """Read an order's story; None: the journal has no such order.

    Raises:
        JournalUnavailableError: it cannot be read.

    """
    journal = Journal(shard)
    row = journal.holding(order_id >> ORDER_ID_SEQUENCE_SHIFT)
    if row is None:
        return None
    events = list(events_of(row, order_id))
    if not events or not isinstance(first := events[0].event, OrderAccepted | OrderRejected):
        return None
    later = () if any(_is_last(each.event, order_id) for each in events) else _later(journal, row, first)
    # A batch may be come upon twice: by what the tables have, and behind them.
    told = {each.event.sequence: each for each in chain(events, later)}
    submit = _submit_of(row, events[0].command, first)
    return Story(submit, first, [told[sequence] for sequence in sorted(told)])


def _later(journal: Journal, row: JournalRow, first: OrderAccepted | OrderRejected) -> Iterator[Told]:
    """Find the events of the batches behind the first."""
    order_id = first.order_id
    place = Projection.objects.filter(shard=journal.shard).values_list("last_number", "revisions_after").first()
    projected, revisions_after = place or (0, 0)
    sequences: set[int] = set(Fill.objects.filter(order_id=order_id).values_list("trade_id", flat=True))
    sequences.update(OrderRevision.objects.filter(order_id=order_id).values_list("sequence", flat=True))
    sequences.update(Order.objects.filter(id=order_id).values_list("sequence", flat=True))
    last = row
    for sequence in sorted(sequences):
        if sequence > last.last_sequence and (found := journal.holding(sequence)) is not None:
            last = found
            yield from events_of(found, order_id)
    # Of tables an older version filled, revisions are not noted; of simulated orders, what is old has left them.
    upto = max(revisions_after, _retained_from(journal, first.account))
    yield from _stretch(journal, order_id, after=row.number, upto=upto)
    # What is not projected yet has no tables at all.
    yield from _stretch(journal, order_id, after=max(row.number, projected), upto=None)


def _retained_from(journal: Journal, account: int) -> int:
    """Give the batch up to which rows of an account may have left the tables."""
    if not Account.objects.filter(id=account, simulated=True).exists():
        return 0
    sequence = Retention.objects.filter(shard=journal.shard).values_list("sequence", flat=True).first()
    row = journal.holding(sequence) if sequence else None
    return row.number if row is not None else 0


def _stretch(journal: Journal, order_id: int, *, after: int, upto: int | None) -> Iterator[Told]:
    """Look through batches one by one, to the order's end if that comes first."""
    if upto is not None and after >= upto:
        return
    for rows in journal.chunks(after):
        for row in rows:
            if upto is not None and row.number > upto:
                return
            for told in events_of(row, order_id):
                yield told
                if _is_last(told.event, order_id):
                    return


def _is_last(event: OrderEvent, order_id: int) -> bool:
    """Tell whether an order ended by an event."""
    if isinstance(event, Trade):
        return (event.taker_leaves if event.taker_order_id == order_id else event.maker_leaves) == 0
    return isinstance(event, OrderCanceled | OrderRejected)


def events_of(row: JournalRow, order_id: int) -> Iterator[Told]:
    """Give a batch's events of one order."""
    encoded = msgspec.msgpack.encode(order_id)
    if encoded not in row.events:
        return
    for index, section in enumerate(frame_split(row.events)):
        if encoded not in section:
            continue
        for event in section_decode(section):
            if isinstance(event, OrderEvent) and order_id in event_order_ids(event):
                yield Told(row.number, row.at, index, event)


def _submit_of(row: JournalRow, index: int, first: OrderAccepted | OrderRejected) -> SubmitOrder:
    """Find the command that entered an order; in a batch, the member with its id."""
    command = command_decode(frame_split(row.commands)[index])
    members = command.members if isinstance(command, Batch) else [command]
    for member in members:
        if isinstance(member, SubmitOrder) and member.id == first.id:
            return member
    message = f"batch {row.number} has an order {first.order_id} that none of its commands entered"
    raise ValueError(message)
