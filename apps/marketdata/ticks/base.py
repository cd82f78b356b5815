"""What a store of trades promises; `tests/contract/test_tick_stores.py` holds every backend to it.

A store follows the journal with a lag of milliseconds. Its trades are ordered by sequence, which is a trade's id, and
times rise with it. All methods block their thread.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

from apps.marketdata.codes import Side


class Tick(NamedTuple):
    """A trade; price and quantity as on the wire, `at` in ns since epoch, UTC."""

    sequence: int
    price: int
    quantity: int
    taker_side: Side
    at: int


class TickStore(ABC):
    """Trades by instrument, sequence and time."""

    @abstractmethod
    def trades_last(self, instrument: int, *, after: int, up_to: int, limit: int) -> list[Tick]:
        """Read the last trades after the sequence `after` and up to `up_to`, oldest first, at most `limit`.

        Waits, bounded, until the store has all up to `up_to`.

        Raises:
            ApplicationError: `projection_behind`: it does not have them yet.

        """

    @abstractmethod
    def trades_page(
        self, instrument: int, *, limit: int, cursor: int | None, newer: bool, start: int | None, end: int | None
    ) -> list[Tick]:
        """Read the trades next to a cursor, nearest first, at most `limit`.

        Without `newer` they are those before the sequence `cursor`, and without a cursor the newest; with `newer` those
        after it. `start` and `end` (ns since epoch, UTC) bound their time: from `start` on, before `end`. The store
        answers with what it has.
        """
