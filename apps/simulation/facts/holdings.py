"""What the agents have over a long run on an engine of their own: money, stocks and open orders at their extremes."""

from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from apps.orders.matching.engine import Batch
from apps.simulation.agents.population import ACCOUNTS
from apps.simulation.facts.ownvenue import OwnVenue

EVERY_NS = 60 * 10**9
"""How often what they have is looked at."""


class Course(msgspec.Struct):
    """A number over time."""

    begin: float
    least: float
    most: float
    end: float

    @classmethod
    def begun(cls, value: float) -> "Course":
        """Begin."""
        return cls(value, value, value, value)

    def take(self, value: float) -> None:
        """Go on."""
        self.least, self.most, self.end = min(self.least, value), max(self.most, value), value


class Holding(msgspec.Struct):
    """An account's courses: `worth` of all at the last prices and `cash`, in the quote asset's whole units.

    `stock_least`, `stock_most`: of the base assets the one held least and most, as a share of what the account began
    with. `moved_in`, `moved_out`: how often an asset was filled up or taken down.
    """

    worth: Course
    cash: Course
    stock_least: Course
    stock_most: Course
    open_orders: Course
    moved_in: int = 0
    moved_out: int = 0


class Holdings:
    """Looks at all accounts of a venue now and then."""

    def __init__(self, venue: OwnVenue) -> None:
        """Begin with the first batch."""
        self._venue = venue
        self._seen: dict[str, Holding] = {}
        self._next = 0

    def observe(self, batch: Batch) -> None:
        """Look, if it is time."""
        if batch.at < self._next:
            return
        self._next = batch.at + EVERY_NS
        prices = {each.base: self._venue.last_price(each.symbol) for each in self._venue.terms}
        for name in ACCOUNTS:
            worth, cash, least, most, orders = self._values(name, prices)
            seen = self._seen.get(name)
            if seen is None:
                begin = Course.begun
                self._seen[name] = Holding(begin(worth), begin(cash), begin(least), begin(most), begin(orders))
                continue
            seen.worth.take(worth)
            seen.cash.take(cash)
            seen.stock_least.take(least)
            seen.stock_most.take(most)
            seen.open_orders.take(orders)

    def _values(self, name: str, prices: Mapping[str, int]) -> tuple[float, float, float, float, float]:
        held, funds, terms = self._venue.held(name), self._venue.funds, self._venue.terms
        shares = [held[each.base] / funds[each.base] for each in terms]
        cash = held[terms[0].quote] / 10 ** terms[0].quote_scale
        stocks = sum(
            each.notional(price=prices[each.base], quantity=held[each.base]) / 10**each.quote_scale for each in terms
        )
        return cash + stocks, cash, min(shares), max(shares), float(self._venue.open_orders(name))

    def accounts(self) -> dict[str, Holding]:
        """Return what was seen."""
        for name, seen in self._seen.items():
            seen.moved_in = sum(amount > 0 for whose, amount in self._venue.moves if whose == name)
            seen.moved_out = sum(amount < 0 for whose, amount in self._venue.moves if whose == name)
        return self._seen


def holdings_show(console: Console, accounts: Mapping[str, Holding]) -> None:
    """Show the courses: beginning, least, most, end."""
    table = Table("account", "worth, M", "cash, M", "least of a stock", "most of a stock", "open orders", "in", "out")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, held in accounts.items():
        table.add_row(
            name,
            _course(held.worth, 1e6),
            _course(held.cash, 1e6),
            _course(held.stock_least),
            _course(held.stock_most),
            " ".join(f"{value:.0f}" for value in _numbers(held.open_orders)),
            str(held.moved_in),
            str(held.moved_out),
        )
    console.print(table)
    console.print("each: at the beginning, at least, at most, at the end; stocks as shares of the beginning's")


def _numbers(course: Course) -> Sequence[float]:
    return course.begin, course.least, course.most, course.end


def _course(course: Course, unit: float = 1.0) -> str:
    return " ".join(f"{value / unit:.2f}" for value in _numbers(course))
