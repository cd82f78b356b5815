"""What of orders never changes, remembered: with it a change's own event is all its answer is made of.

Only what no event changes is kept, so it is right whichever process has amended an order since. An order leaves when
its end is answered here, else when it has been unused longest; one that is not here is read from the tables.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet

from apps.orders.events import OrderAccepted
from apps.orders.selectors import order_terms_read
from apps.orders.state import OrderTerms
from cift.processes.threads import database_call

ORDERS_MAX = 6_144
"""A process's bound, 370 bytes each: 2.2 MB."""


TermsRead = Callable[[AbstractSet[int]], Awaitable[dict[int, OrderTerms]]]
"""Reads the terms of orders by their ids; those that are nowhere are left out."""


async def terms_read(order_ids: AbstractSet[int]) -> dict[int, OrderTerms]:
    """Read orders' terms from the tables, and what is newer from the journal.

    Raises:
        ApplicationError: `projection_behind`, `database_busy`.

    """
    return await database_call(order_terms_read, order_ids)


class TermsCache:
    """The orders last seen; the one unused longest leaves first."""

    def __init__(self, *, orders_max: int = ORDERS_MAX, read: TermsRead = terms_read) -> None:
        """Begin with none; `read` is asked for what is not here."""
        self._orders_max = orders_max
        self._read = read
        self._terms: OrderedDict[int, OrderTerms] = OrderedDict()

    def __len__(self) -> int:
        """Count the orders."""
        return len(self._terms)

    def forget(self) -> None:
        """Forget all: the tables are others."""
        self._terms.clear()

    def drop(self, order_id: int) -> None:
        """Forget an order that has ended, if it is here."""
        self._terms.pop(order_id, None)

    def put(self, accepted: OrderAccepted, *, at: int) -> None:
        """Remember an order that was taken at a time, in ns."""
        self.keep(accepted.order_id, OrderTerms.of(accepted, client_order_id=accepted.id, created_at=at))

    def keep(self, order_id: int, terms: OrderTerms) -> None:
        """Remember an order's terms, whoever read them."""
        self._terms[order_id] = terms
        if len(self._terms) > self._orders_max:
            self._terms.popitem(last=False)

    def get(self, order_id: int) -> OrderTerms | None:
        """Return an order's terms, if it is here."""
        terms = self._terms.get(order_id)
        if terms is not None:
            self._terms.move_to_end(order_id)
        return terms

    async def find(self, order_ids: Iterable[int]) -> dict[int, OrderTerms]:
        """Return orders' terms, reading those that are not here from the tables, in one go.

        Raises:
            ApplicationError: `projection_behind`, `database_busy`.

        """
        wanted = set(order_ids)
        found = {order_id: terms for order_id in wanted if (terms := self.get(order_id)) is not None}
        missing = wanted - found.keys()
        if missing:
            read = await self._read(missing)
            for order_id, terms in read.items():
                self.keep(order_id, terms)
            found |= read
        return found


order_terms = TermsCache()
"""This process's."""
