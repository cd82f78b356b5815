"""What the edge must know of an order to change it, kept in memory: a bounded cache, the tables behind it."""

from collections import OrderedDict
from typing import NamedTuple

from apps.orders.selectors import orders_current
from cift.threads import database_call

ORDERS_MAX = 32_768
"""About 200 bytes each; one that is not here is read from the tables."""


class OrderTerms(NamedTuple):
    """Whose an order is, and of what."""

    account: int
    instrument: int


class TermsCache:
    """The orders last seen; the one unused longest leaves first."""

    def __init__(self, *, orders_max: int = ORDERS_MAX) -> None:
        """Begin with none."""
        self._orders_max = orders_max
        self._terms: OrderedDict[int, OrderTerms] = OrderedDict()

    def put(self, order_id: int, terms: OrderTerms) -> None:
        """Remember an order."""
        self._terms[order_id] = terms
        if len(self._terms) > self._orders_max:
            self._terms.popitem(last=False)

    def get(self, order_id: int) -> OrderTerms | None:
        """Give an order from memory."""
        terms = self._terms.get(order_id)
        if terms is not None:
            self._terms.move_to_end(order_id)
        return terms

    async def find(self, order_id: int) -> OrderTerms | None:
        """Give an order, reading the tables if memory does not have it.

        Raises:
            ApplicationError: `projection_behind`, `database_busy`.

        """
        terms = self.get(order_id)
        if terms is None:
            state = (await database_call(orders_current, [order_id])).get(order_id)
            if state is not None:
                terms = OrderTerms(account=state.account, instrument=state.instrument)
                self.put(order_id, terms)
        return terms


order_terms = TermsCache()
"""This process's."""
