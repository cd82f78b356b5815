"""From the venue's journal to tapes: the events of its batches, instrument by instrument."""

from collections.abc import Iterable, Mapping, Sequence
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
from apps.orders.matching.engine import sections
from apps.simulation.facts.tape import ASK, BID, Tape


class Standing(NamedTuple):
    """An order that rests when observing begins."""

    order_id: int
    instrument: int
    side: int
    price: int
    leaves: int


class _Order:
    __slots__ = ("instrument", "leaves", "price", "rests", "side")

    def __init__(self, instrument: int, side: int, price: int, leaves: int) -> None:
        self.instrument = instrument
        self.side = side
        self.price = price
        self.leaves = leaves
        self.rests = False


class Observer:
    """Follows the orders of some instruments; the tapes' sides are the orders' (0 buys)."""

    def __init__(self, tapes: Mapping[int, Tape], standing: Iterable[Standing] = ()) -> None:
        """Begin with the orders that rest."""
        self._tapes = tapes
        self._orders: dict[int, _Order] = {}
        self._entering: list[_Order] = []
        for each in standing:
            if each.instrument in tapes:
                order = self._orders[each.order_id] = _Order(each.instrument, each.side, each.price, each.leaves)
                self._rest(order)

    def take(self, *, at: int, events: bytes) -> None:
        """Take the events of one batch; `at`: its time."""
        for tape in self._tapes.values():
            tape.advance(at)
        parts: Sequence[bytes] = sections(events)
        for section in parts[:-1]:
            for event in section_decode(section):
                self._take(event, at)
            # What is left of an order when its command is done rests.
            for order in self._entering:
                if order.leaves and not order.rests:
                    self._rest(order)
            self._entering.clear()

    def finish(self, at: int) -> None:
        """Sample up to a time."""
        for tape in self._tapes.values():
            tape.advance(at)

    def _take(self, event: AnyEvent, at: int) -> None:
        if isinstance(event, OrderAccepted):
            if event.instrument in self._tapes and event.type is OrderType.LIMIT:
                order = _Order(event.instrument, int(event.side), event.price, event.quantity)
                self._orders[event.order_id] = order
                self._entering.append(order)
                self._tapes[event.instrument].count(at)
        elif isinstance(event, Trade):
            self._trade(event, at)
        elif isinstance(event, OrderCanceled | OrderAmended | OrderReduced):
            self._change(event, at)

    def _change(self, event: OrderCanceled | OrderAmended | OrderReduced, at: int) -> None:
        order = self._orders.get(event.order_id)
        if order is None:
            return
        self._tapes[order.instrument].count(at)
        self._lift(order)
        if isinstance(event, OrderCanceled):
            order.leaves = 0
            del self._orders[event.order_id]
            return
        order.leaves = event.leaves
        if isinstance(event, OrderAmended):
            order.price = event.price
        self._entering.append(order)

    def _trade(self, event: Trade, at: int) -> None:
        tape = self._tapes.get(event.instrument)
        if tape is None:
            return
        sign = 1 if event.taker_side is Side.BUY else -1
        tape.trade(at, sign=sign, quantity=event.quantity, taker=event.taker_order_id)
        maker = self._orders.get(event.maker_order_id)
        if maker is not None:
            tape.change(maker.side, maker.price, -event.quantity, traded=True)
            maker.leaves = event.maker_leaves
        taker = self._orders.get(event.taker_order_id)
        if taker is not None:
            taker.leaves = event.taker_leaves
        for order_id, order in ((event.maker_order_id, maker), (event.taker_order_id, taker)):
            if order is not None and not order.leaves:
                del self._orders[order_id]

    def _rest(self, order: _Order) -> None:
        order.rests = True
        self._tapes[order.instrument].change(BID if order.side == Side.BUY else ASK, order.price, order.leaves)

    def _lift(self, order: _Order) -> None:
        if order.rests:
            order.rests = False
            self._tapes[order.instrument].change(BID if order.side == Side.BUY else ASK, order.price, -order.leaves)
