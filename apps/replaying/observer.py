"""The book as the journal's events make it, command by command.

The public feed carries a book's state once a batch; the journal has every change in between. Rebuilding the book from
events alone also shows that the events leave nothing out.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from apps.marketdata.codes import Side
from apps.orders.events import AnyEvent, OrderAccepted, OrderAmended, OrderCanceled, OrderReduced, Trade


class Level(NamedTuple):
    """What rests at a price, on the wire's scales."""

    price: int
    quantity: int


class TopOfBook(NamedTuple):
    """The best offer and bid, None for an empty side."""

    ask: Level | None
    bid: Level | None


@dataclass(slots=True)
class _Order:
    side: Side
    price: int
    leaves: int
    resting: bool = False


@dataclass(slots=True)
class BookObserver:
    """One instrument's book; feed it every section of the journal from when the book was empty, in order.

    Orders from before that are not known, and what becomes of them is left out.
    """

    instrument: int
    _orders: dict[int, _Order] = field(default_factory=dict)
    _levels: dict[Side, Counter[int]] = field(default_factory=lambda: {Side.BUY: Counter(), Side.SELL: Counter()})

    def apply(self, section: Iterable[AnyEvent]) -> None:
        """Take one command's events; what is left of an order that came in rests from then on."""
        entered: list[int] = []
        for event in section:
            if getattr(event, "instrument", None) != self.instrument:
                continue
            match event:
                case OrderAccepted():
                    self._orders[event.order_id] = _Order(event.side, event.price, event.quantity)
                    entered.append(event.order_id)
                case Trade():
                    self._leave(event.maker_order_id, event.maker_leaves)
                    self._leave(event.taker_order_id, event.taker_leaves)
                case OrderCanceled():
                    self._leave(event.order_id, 0)
                case OrderReduced():
                    self._leave(event.order_id, event.leaves)
                case OrderAmended():
                    self._amend(event)
                    entered.append(event.order_id)
                case _:
                    pass
        for order_id in entered:
            self._rest(order_id)

    def top(self) -> TopOfBook:
        """Return the best price of each side."""
        asks, bids = self._levels[Side.SELL], self._levels[Side.BUY]
        ask, bid = min(asks, default=None), max(bids, default=None)
        return TopOfBook(
            None if ask is None else Level(ask, asks[ask]),
            None if bid is None else Level(bid, bids[bid]),
        )

    def _leave(self, order_id: int, leaves: int) -> None:
        order = self._orders.get(order_id)
        if order is None:
            return
        if order.resting:
            self._change(order, leaves - order.leaves)
        order.leaves = leaves
        if not leaves:
            del self._orders[order_id]

    def _amend(self, event: OrderAmended) -> None:
        """Take the order off its level with its old terms; it rests again, with the new ones, when the section ends."""
        order = self._orders.get(event.order_id)
        if order is None:
            return
        if order.resting:
            self._change(order, -order.leaves)
        order.price, order.leaves, order.resting = event.price, event.leaves, False

    def _rest(self, order_id: int) -> None:
        order = self._orders.get(order_id)
        if order is not None and not order.resting:
            order.resting = True
            self._change(order, order.leaves)

    def _change(self, order: _Order, quantity: int) -> None:
        levels = self._levels[order.side]
        levels[order.price] += quantity
        if not levels[order.price]:
            del levels[order.price]
