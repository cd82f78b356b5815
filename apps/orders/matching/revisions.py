"""Events of an order that neither its row nor its fills lead to: amendments, reductions by self-trade prevention.

The projector notes their sequences beside the tables, so that an order's life is found in a journal of any length.
"""

import re
from collections.abc import Iterable

from django.db.backends.utils import CursorWrapper

from apps.orders.events import OrderAmended, OrderReduced, section_decode
from apps.orders.matching.engine import sections
from apps.orders.matching.tables import TableWrite
from apps.orders.models import OrderRevision

WRITE = TableWrite(OrderRevision, ("sequence", "order_id", "account_id"))

_FIXED_ARRAY = 0x90


def _beginning(kind: type[OrderAmended | OrderReduced]) -> bytes:
    """Return the bytes every event of a kind begins with: an array of so many values, the first of them its number."""
    return bytes((_FIXED_ARRAY + 1 + len(kind.__struct_fields__), int(str(kind.__struct_config__.tag))))


_BEGINNINGS = re.compile(b"|".join(re.escape(_beginning(kind)) for kind in (OrderAmended, OrderReduced)))


def revisions_of(events: bytes) -> list[tuple[int, int, int]]:
    """Return the sequence, the order and the account of each revision in a journal row's events.

    Most batches have none, which one search through the bytes tells; only sections that may have one are decoded.
    """
    if _BEGINNINGS.search(events) is None:
        return []
    return [
        (event.sequence, event.order_id, event.account)
        for section in sections(events)
        if _BEGINNINGS.search(section) is not None
        for event in section_decode(section)
        if isinstance(event, OrderAmended | OrderReduced)
    ]


def revisions_write(cursor: CursorWrapper, rows: Iterable[bytes]) -> None:
    """Note the revisions of journal rows' events in the current transaction."""
    WRITE.write(cursor, [revision for events in rows for revision in revisions_of(events)])
