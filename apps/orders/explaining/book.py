"""An instrument's book as it was before one event: the verifier's last mark, and the journal's events since, folded."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from apps.marketdata.codes import Side
from apps.orders.codes import OrderType
from apps.orders.events import (
    AnyEvent,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderReduced,
    Trade,
    section_decode,
)
from apps.orders.matching.journal import Journal
from apps.orders.matching.marks import Resting, mark_before, mark_orders
from cift.wire.base import frame_split


class Level(NamedTuple):
    """One price: how much is open there, of how many orders."""

    price: int
    quantity: int
    orders: int


class BookMet:
    """One instrument's book, moved on event by event."""

    def __init__(self, instrument: int, *, last_price: int | None = None) -> None:
        """Begin empty."""
        self.instrument = instrument
        self.last_price = last_price
        self.orders: dict[int, Resting] = {}

    def take(self, event: AnyEvent) -> None:
        """Move on by an event; those of other instruments change nothing."""
        match event:
            case OrderAccepted() if event.instrument == self.instrument and event.type is OrderType.LIMIT:
                self.orders[event.order_id] = Resting(event.order_id, event.side, event.price, event.quantity)
            case Trade() if event.instrument == self.instrument:
                self.last_price = event.price
                self._leave(event.maker_order_id, event.maker_leaves)
                self._leave(event.taker_order_id, event.taker_leaves)
            case OrderReduced() if event.instrument == self.instrument:
                self._leave(event.order_id, event.leaves)
            case OrderAmended() if event.instrument == self.instrument:
                self._amend(event)
            case OrderCanceled() if event.instrument == self.instrument:
                self.orders.pop(event.order_id, None)
            case _:
                pass

    def _amend(self, event: OrderAmended) -> None:
        order = self.orders[event.order_id]
        if not event.kept_place:
            # Behind all others, at whatever price.
            del self.orders[event.order_id]
        self.orders[event.order_id] = order._replace(price=event.price, leaves=event.leaves)

    def _leave(self, order_id: int, leaves: int) -> None:
        order = self.orders.get(order_id)
        if order is not None:
            self.orders[order_id] = order._replace(leaves=leaves)
            if leaves == 0:
                del self.orders[order_id]

    def levels(self, side: Side, *, depth: int) -> list[Level]:
        """Return the best prices of a side, the best first."""
        quantities: defaultdict[int, int] = defaultdict(int)
        counts: defaultdict[int, int] = defaultdict(int)
        for order in self.orders.values():
            if order.side == side:
                quantities[order.price] += order.leaves
                counts[order.price] += 1
        prices = sorted(quantities, reverse=side is Side.BUY)[:depth]
        return [Level(price, quantities[price], counts[price]) for price in prices]

    def at(self, side: Side, price: int) -> Level:
        """Return one price."""
        orders = [order for order in self.orders.values() if order.side == side and order.price == price]
        return Level(price, sum(order.leaves for order in orders), len(orders))


def book_before(*, shard: int, instrument: int, sequence: int) -> BookMet:
    """Return an instrument's book as it was before an event.

    Raises:
        JournalUnavailableError: the journal cannot be read.

    """
    mark = mark_before(shard=shard, instrument=instrument, sequence=sequence)
    book = BookMet(instrument, last_price=mark.last_price if mark else None)
    if mark is not None:
        book.orders = {order.order_id: order for order in mark_orders(mark)}
    for event in _events(Journal(shard), after=mark.number if mark else 0, before=sequence):
        book.take(event)
    return book


def _events(journal: Journal, *, after: int, before: int) -> Iterator[AnyEvent]:
    for rows in journal.chunks(after):
        for row in rows:
            if row.first_sequence >= before:
                return
            # The batch's own events, in the last section, move no order.
            for section in frame_split(row.events)[:-1]:
                for event in section_decode(section):
                    if event.sequence >= before:
                        return
                    yield event
