"""Marks of the books: now and then the verifier writes down each book's orders, in their order.

From the mark before it, an instrument's book at any event is a short fold away, however long the journal is. A mark is
made every 10,000 events, or as many as orders are open if that is more: marks then grow with the journal, not faster.
"""

import logging
import zlib
from typing import NamedTuple

import msgspec
from django.db import DatabaseError, InterfaceError
from django.db.models import Max

from apps.orders.matching.engine import Engine, ask
from apps.orders.models import BookMark
from cift.wire.queries import BookQuery, OpenOrdersQuery, StatsQuery

logger = logging.getLogger(__name__)

MARK_EVENTS = 10_000

_FAST = 1

_encode = msgspec.msgpack.Encoder().encode


class Resting(NamedTuple):
    """An order in a book; numbers as on the wire."""

    order_id: int
    side: int
    price: int
    leaves: int


_resting_decoder = msgspec.msgpack.Decoder(list[Resting])


class Marker:
    """Makes the marks of one shard from the verifier's engine."""

    def __init__(self, shard: int, *, events: int = MARK_EVENTS) -> None:
        """Begin behind the last mark; a mark is made every so many events."""
        self.shard = shard
        self._events = events
        self.due_at = events + (BookMark.objects.filter(shard=shard).aggregate(last=Max("sequence"))["last"] or 0)

    def mark(self, engine: Engine) -> None:
        """Mark all books as they are behind the engine's last batch; what fails is made good by the next mark."""
        stats = ask(engine, StatsQuery())
        self.due_at = engine.sequence + max(self._events, stats.open_orders)
        marks = [self._of(engine, instrument) for instrument in range(1, stats.instruments + 1)]
        try:
            BookMark.objects.bulk_create(marks, ignore_conflicts=True)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("shard %s: the books could not be marked: %s", self.shard, str(error).strip())

    def _of(self, engine: Engine, instrument: int) -> BookMark:
        found = ask(engine, OpenOrdersQuery(instrument))
        orders = [Resting(each.order_id, each.side, each.price, each.leaves) for each in found]
        book = ask(engine, BookQuery(instrument, depth=1))
        return BookMark(
            shard=self.shard,
            instrument=instrument,
            number=engine.number,
            sequence=engine.sequence,
            last_price=(book.last_price or None) if book else None,
            orders=zlib.compress(_encode(orders), level=_FAST),
        )


def mark_before(*, shard: int, instrument: int, sequence: int) -> BookMark | None:
    """Find the last mark of a book before an event."""
    marks = BookMark.objects.filter(shard=shard, instrument=instrument, sequence__lt=sequence)
    return marks.order_by("-sequence").first()


def mark_orders(mark: BookMark) -> list[Resting]:
    """Read a mark's orders, the first of each price first."""
    return _resting_decoder.decode(zlib.decompress(bytes(mark.orders)))
