"""Marks of the books: now and then the verifier writes down each book's orders, in their order.

From the mark before it, an instrument's book at any event is a short fold away, however long the journal is. A mark is
made every 10,000 events, or as many as orders are open if that is more: marks then grow with the journal, not faster.
"""

import logging
import zlib
from typing import Any, NamedTuple

import msgspec
from django.db import DatabaseError, InterfaceError
from django.db.models import Max

from apps.orders.matching.engine import Engine
from apps.orders.models import BookMark

logger = logging.getLogger(__name__)

MARK_EVENTS = 10_000

_QUERY_BOOK, _QUERY_STATS, _QUERY_OPEN_ORDERS = 2, 5, 6
_INSTRUMENTS, _OPEN_ORDERS = 4, 5
_LAST_PRICE = 5
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

    def __init__(self, shard: int) -> None:
        """Begin behind the last mark."""
        self.shard = shard
        self.due_at = MARK_EVENTS + (BookMark.objects.filter(shard=shard).aggregate(last=Max("sequence"))["last"] or 0)

    def mark(self, engine: Engine) -> None:
        """Mark all books as they are behind the engine's last batch; what fails is made good by the next mark."""
        stats: list[int] = msgspec.msgpack.decode(engine.query(_encode([_QUERY_STATS])))
        self.due_at = engine.sequence + max(MARK_EVENTS, stats[_OPEN_ORDERS])
        marks = [self._of(engine, instrument) for instrument in range(1, stats[_INSTRUMENTS] + 1)]
        try:
            BookMark.objects.bulk_create(marks, ignore_conflicts=True)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("shard %s: the books could not be marked: %s", self.shard, str(error).strip())

    def _of(self, engine: Engine, instrument: int) -> BookMark:
        rows = msgspec.msgpack.decode(engine.query(_encode([_QUERY_OPEN_ORDERS, instrument])))
        orders = [Resting(row[0], row[3], row[4], row[6]) for row in rows]
        book: list[Any] = msgspec.msgpack.decode(engine.query(_encode([_QUERY_BOOK, instrument, 1])))
        return BookMark(
            shard=self.shard,
            instrument=instrument,
            number=engine.number,
            sequence=engine.sequence,
            last_price=book[_LAST_PRICE] or None,
            orders=zlib.compress(_encode(orders), level=_FAST),
        )


def mark_before(*, shard: int, instrument: int, sequence: int) -> BookMark | None:
    """Find the last mark of a book before an event."""
    marks = BookMark.objects.filter(shard=shard, instrument=instrument, sequence__lt=sequence)
    return marks.order_by("-sequence").first()


def mark_orders(mark: BookMark) -> list[Resting]:
    """Read a mark's orders, the first of each price first."""
    return _resting_decoder.decode(zlib.decompress(bytes(mark.orders)))
