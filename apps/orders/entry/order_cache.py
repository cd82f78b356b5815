"""What the edge must know of an order to change it, kept in memory: a bounded cache, the tables behind it."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from apps.orders.events import OrderAccepted
from apps.orders.selectors import orders_current
from cift.processes.threads import database_call

ORDERS_MAX = 6_144
"""About 300 bytes each; one that is not here is read from the tables."""


class OrderTerms(NamedTuple):
    """Whose an order is, of what, and the id its client gave it."""

    account: int
    instrument: int
    client_order_id: str


class TermsCache:
    """The orders last seen; the one unused longest leaves first."""

    def __init__(self, *, orders_max: int = ORDERS_MAX) -> None:
        """Begin with none."""
        self._orders_max = orders_max
        self._terms: OrderedDict[int, OrderTerms] = OrderedDict()

    def forget(self) -> None:
        """Forget all: the tables are others."""
        self._terms.clear()

    def put(self, accepted: OrderAccepted) -> None:
        """Remember an order that was taken."""
        self._put(accepted.order_id, OrderTerms(accepted.account, accepted.instrument, accepted.id))

    def _put(self, order_id: int, terms: OrderTerms) -> None:
        self._terms[order_id] = terms
        if len(self._terms) > self._orders_max:
            self._terms.popitem(last=False)

    def get(self, order_id: int) -> OrderTerms | None:
        """Give an order from memory."""
        terms = self._terms.get(order_id)
        if terms is not None:
            self._terms.move_to_end(order_id)
        return terms

    async def find(self, order_ids: Iterable[int]) -> dict[int, OrderTerms]:
        """Give orders, reading those memory does not have from the tables, in one go.

        Raises:
            ApplicationError: `projection_behind`, `database_busy`.

        """
        wanted = set(order_ids)
        found = {order_id: terms for order_id in wanted if (terms := self.get(order_id)) is not None}
        missing = wanted - found.keys()
        if missing:
            for order_id, state in (await database_call(orders_current, missing)).items():
                found[order_id] = OrderTerms(state.account, state.instrument, state.client_order_id)
                self._put(order_id, found[order_id])
        return found


order_terms = TermsCache()
"""This process's."""
