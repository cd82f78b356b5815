"""Everything the journal has of one order: the command it came by, and each event since, with its place and time.

What the tables do not note is looked for in the batches it may be in, by the database, up to the order's end.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from apps.orders.commands import Batch, SubmitOrder, command_decode
from apps.orders.events import OrderAccepted, OrderCanceled, OrderRejected, Trade
from apps.orders.explaining.noted import OrderEvent, OrderEventAt, events_at, events_of, noted_read, order_id_bytes
from apps.orders.ids import order_sequence
from apps.orders.matching.journal import Journal, JournalRow
from cift.wire.base import frame_split


class Story(NamedTuple):
    """One order: the command that entered it, alone or in a batch of its account's, and its events in order."""

    submit: SubmitOrder
    in_batch: bool
    first: OrderAccepted | OrderRejected
    events: list[OrderEventAt]


def story_read(order_id: int, *, journal: Journal, last: int | None = None) -> Story | None:
    """Read an order's story, or as much of it as there is up to the sequence `last`; None: there is no such order.

    Raises:
        JournalUnavailableError: the journal cannot be read.

    """
    row = journal.holding(order_sequence(order_id))
    if row is None:
        return None
    events = list(events_of(row, order_id))
    if not events or not isinstance(first := events[0].event, OrderAccepted | OrderRejected):
        return None
    later = () if any(_is_last(each.event, order_id) for each in events) else _later(journal, row, first, last)
    # A batch may be come upon twice: by what the tables have, and where something may be missing from them.
    by_sequence = {
        each.event.sequence: each for each in chain(events, later) if last is None or each.event.sequence <= last
    }
    submit, in_batch = _submit_of(row, events[0].command, first)
    return Story(submit, in_batch, first, [by_sequence[sequence] for sequence in sorted(by_sequence)])


def _later(
    journal: Journal, row: JournalRow, first: OrderAccepted | OrderRejected, last: int | None
) -> Iterator[OrderEventAt]:
    """Find the events of the batches behind the first."""
    noted = noted_read(journal, first.order_id, account=first.account)
    sequences = [each for each in noted.sequences if each > row.last_sequence and (last is None or each <= last)]
    yield from events_at(journal, first.order_id, sequences)
    yield from _stretch(journal, first.order_id, after=row.number, upto=noted.gap)
    head = journal.head() if last is None else None
    if head is not None:
        yield from _stretch(journal, first.order_id, after=max(row.number, noted.projected), upto=head.number)


def _stretch(journal: Journal, order_id: int, *, after: int, upto: int) -> Iterator[OrderEventAt]:
    """Look through batches, to the order's end if that comes first."""
    for row in journal.with_bytes(order_id_bytes(order_id), after=after, upto=upto):
        for entry in events_of(row, order_id):
            yield entry
            if _is_last(entry.event, order_id):
                return


def _is_last(event: OrderEvent, order_id: int) -> bool:
    """Return whether an order ended by an event."""
    if isinstance(event, Trade):
        return (event.taker_leaves if event.taker_order_id == order_id else event.maker_leaves) == 0
    return isinstance(event, OrderCanceled | OrderRejected)


def _submit_of(row: JournalRow, index: int, first: OrderAccepted | OrderRejected) -> tuple[SubmitOrder, bool]:
    """Find the command that entered an order, in a batch the member with its id; tell whether it was in one."""
    command = command_decode(frame_split(row.commands)[index])
    members = command.members if isinstance(command, Batch) else [command]
    for member in members:
        if isinstance(member, SubmitOrder) and member.id == first.id:
            return member, isinstance(command, Batch)
    message = f"batch {row.number} has an order {first.order_id} that none of its commands entered"
    raise ValueError(message)
