"""Why an order did or did not trade, in sentences made of what the journal says."""

from apps.marketdata.codes import Side
from apps.marketdata.reference import InstrumentReference
from apps.orders.codes import FLAG_POST_ONLY, OrderType
from apps.orders.events import (
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    Trade,
)
from apps.orders.explaining.book import BookMet, Level
from apps.orders.explaining.noted import OrderEvent, OrderEventAt
from apps.orders.explaining.story import Story


def event_text(event: OrderEvent, reference: InstrumentReference, *, order_id: int, by_amount: bool) -> str:
    """Say what one event did to an order; what one by quote amount has left is counted in the quote asset."""
    rest = reference.amount_format if by_amount else reference.quantity_format
    match event:
        case OrderAccepted():
            return "accepted"
        case OrderRejected():
            return f"refused: {event.reason.code}"
        case Trade():
            is_taker = event.taker_order_id == order_id
            leaves = event.taker_leaves if is_taker else event.maker_leaves
            traded = f"{reference.quantity_format(event.quantity)} at {reference.price_format(event.price)}"
            return f"traded {traded} as {'taker' if is_taker else 'maker'}, {rest(leaves)} left"
        case OrderAmended():
            place = "kept its place" if event.kept_place else "lost its place"
            terms = f"{reference.price_format(event.price)}, {reference.quantity_format(event.quantity)} in all"
            return f"amended to {terms}, {rest(event.leaves)} left; it {place}"
        case OrderReduced():
            taken, left = rest(event.quantity), rest(event.leaves)
            return f"reduced by {taken} instead of trading with its own group, {left} left"
        case OrderCanceled():
            return f"{rest(event.quantity)} canceled: {_lowered(event.reason.title)} ({event.reason.code})"


class Teller:
    """Writes one order's story in an instrument's units."""

    def __init__(self, story: Story, book: BookMet, reference: InstrumentReference) -> None:
        """Take what happened, and the book the order met."""
        self._story = story
        self._book = book
        self._reference = reference
        self._first = story.first
        self._price = reference.price_format
        self._quantity = reference.quantity_format
        self._rest = reference.amount_format if story.first.quote_amount else reference.quantity_format

    def why(self) -> list[str]:
        """Say why it did or did not trade when it came, and what became of it."""
        first = self._first
        if isinstance(first, OrderRejected):
            return [f"It was refused: {_lowered(first.reason.title)} ({first.reason.code}).", *self._touch()]
        entry = [each.event for each in self._story.events[1:] if self._is_entry(each)]
        trades = [event for event in entry if isinstance(event, Trade)]
        sentences = [*self._touch(), self._met(trades)]
        if not any(isinstance(event, OrderCanceled) for event in entry) and self._left(entry):
            sentences.append(self._rested(self._left(entry)))
        sentences += self._later([each.event for each in self._story.events[1:] if not self._is_entry(each)])
        return [*sentences, *self._ends()]

    def _is_entry(self, entry: OrderEventAt) -> bool:
        """Return whether an event is of the command the order came by."""
        first = self._story.events[0]
        return (entry.number, entry.command) == (first.number, first.command)

    def _is_taker(self, trade: Trade) -> bool:
        return trade.taker_order_id == self._first.order_id

    def _other_side(self) -> Side:
        return Side.SELL if self._first.side is Side.BUY else Side.BUY

    def _touch(self) -> list[str]:
        """Say what the best price it could have traded at was."""
        other = "ask" if self._first.side is Side.BUY else "bid"
        best = self._best()
        if best is None:
            return [f"When it came there was no {other}."]
        offered = f"{self._quantity(best.quantity)} of {_orders(best.orders)}"
        return [f"When it came the best {other} was {self._price(best.price)}, with {offered}."]

    def _best(self) -> Level | None:
        levels = self._book.levels(self._other_side(), depth=1)
        return levels[0] if levels else None

    def _met(self, trades: list[Trade]) -> str:
        if trades:
            prices = sorted({trade.price for trade in trades})
            span = " to ".join(self._price(price) for price in dict.fromkeys((prices[0], prices[-1])))
            total = self._quantity(sum(trade.quantity for trade in trades))
            makers = len({trade.maker_order_id for trade in trades})
            return f"It traded {total} at once, at {span}, with {_orders(makers)}."
        best = self._best()
        if best is None:
            return "It traded nothing: there was nobody on the other side."
        if self._first.type is OrderType.MARKET or self._reaches(best.price):
            return "It traded nothing at once, though its price allowed it: see what ended it below."
        relation = "below" if self._first.side is Side.BUY else "above"
        post_only = ", as it asked for (post-only)" if self._first.flags & FLAG_POST_ONLY else ""
        return (
            f"It traded nothing at once{post_only}: its price, {self._price(self._first.price)}, was {relation} that."
        )

    def _reaches(self, price: int) -> bool:
        return self._first.price >= price if self._first.side is Side.BUY else self._first.price <= price

    def _left(self, entry: list[OrderEvent]) -> int:
        left = self._first.quote_amount or self._first.quantity
        for event in entry:
            if isinstance(event, Trade):
                left = event.taker_leaves if self._is_taker(event) else event.maker_leaves
            elif isinstance(event, OrderReduced):
                left = event.leaves
        return left

    def _rested(self, left: int) -> str:
        ahead = self._book.at(self._first.side, self._first.price)
        place = f"behind {self._quantity(ahead.quantity)} of {_orders(ahead.orders)}" if ahead.orders else "first there"
        return f"{self._rest(left)} rested at {self._price(self._first.price)}, {place}."

    def _later(self, events: list[OrderEvent]) -> list[str]:
        trades = [event for event in events if isinstance(event, Trade)]
        revised = sum(isinstance(event, OrderAmended | OrderReduced) for event in events)
        sentences = []
        if revised:
            sentences.append(f"Later it was amended or reduced {revised} time{'s' if revised > 1 else ''}.")
        if trades:
            total = self._quantity(sum(trade.quantity for trade in trades))
            sentences.append(f"Later it traded {total} in {len(trades)} trade{'s' if len(trades) > 1 else ''}.")
        return sentences

    def _ends(self) -> list[str]:
        """Say why it ended, where a fill did not end it."""
        last = self._story.events[-1].event
        if not isinstance(last, OrderCanceled):
            return []
        left = self._rest(last.quantity)
        return [f"It ended with {left} canceled: {_lowered(last.reason.title)} ({last.reason.code})."]


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _lowered(title: str) -> str:
    return title[0].lower() + title[1:]
