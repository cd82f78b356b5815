"""The plainest price-time book there is, to hold others against: a list per price, in order of arrival."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from apps.marketdata.feeds.lobster import BestQuote, BookLevel
from apps.marketdata.feeds.plan import BUY, SELL, Add, Delete, Execute, Reduce, Step


@dataclass(slots=True)
class NaiveOrder:
    """A resting order; `total` is what it had and still has, its filled part included."""

    name: str
    side: int
    price: int
    total: int
    leaves: int


@dataclass(slots=True)
class NaiveBook:
    """Takes the steps of a plan as a matching venue would."""

    levels: dict[int, dict[int, list[NaiveOrder]]] = field(default_factory=lambda: {BUY: {}, SELL: {}})
    orders: dict[str, NaiveOrder] = field(default_factory=dict)
    trades: list[tuple[str, int, int]] = field(default_factory=list)

    def best(self) -> BestQuote:
        """Return the best price of each side with all that rests there."""
        asks, bids = self.levels[SELL], self.levels[BUY]
        return BestQuote(
            BookLevel(min(asks), sum(order.leaves for order in asks[min(asks)])) if asks else None,
            BookLevel(max(bids), sum(order.leaves for order in bids[max(bids)])) if bids else None,
        )

    def take(self, step: Step) -> None:
        """Do what a step says."""
        match step:
            case Add():
                order = NaiveOrder(step.order, step.side, step.price, step.quantity, step.quantity)
                self.orders[step.order] = order
                self.levels[step.side].setdefault(step.price, []).append(order)
            case Reduce():
                order = self.orders[step.order]
                order.leaves -= order.total - step.quantity
                order.total = step.quantity
                assert order.leaves > 0, step
            case Delete():
                self._remove(self.orders[step.order])
            case Execute():
                self._match(step)

    def _match(self, step: Execute) -> None:
        left = step.quantity
        while left and (opposite := self.levels[-step.side]):
            price = min(opposite) if step.side == BUY else max(opposite)
            if (price - step.price) * step.side > 0:
                return
            order = opposite[price][0]
            quantity = min(left, order.leaves)
            left -= quantity
            order.leaves -= quantity
            self.trades.append((order.name, price, quantity))
            if not order.leaves:
                self._remove(order)

    def _remove(self, order: NaiveOrder) -> None:
        del self.orders[order.name]
        level = self.levels[order.side][order.price]
        level.remove(order)
        if not level:
            del self.levels[order.side][order.price]


def states(steps: Iterable[Step]) -> Iterator[BestQuote]:
    """Yield the best bid and offer after each step of the recording proper (what was seeded comes before it)."""
    book = NaiveBook()
    for step in steps:
        book.take(step)
        if step.line:
            yield book.best()
