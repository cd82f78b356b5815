"""An order's events as a page tells them are the journal's, on both databases, however the pages are cut."""

from collections import defaultdict

import pytest

from apps.orders import orderevents
from apps.orders.events import OrderAccepted, OrderRejected, section_decode
from apps.orders.matching.projector import ShardProjector
from apps.orders.models import JournalBatch, Order
from apps.orders.orderevents import OrderEvent, order_events
from apps.orders.state import order_ids_of
from cift.rest.pages import PageAsk
from cift.wire.base import frame_split
from tests.support.shard import journal_fill


def journal_events() -> dict[int, list[int]]:
    """Give every order's sequences, oldest first, by decoding all there is."""
    found = defaultdict(list)
    for row in JournalBatch.objects.order_by("number"):
        for section in frame_split(bytes(row.events)):
            for event in section_decode(section):
                if isinstance(event, OrderAccepted | OrderRejected):
                    found[event.order_id].append(event.sequence)
                elif isinstance(event, OrderEvent):
                    for order_id in order_ids_of(event):
                        found[order_id].append(event.sequence)
    return found


def walked(order: Order, *, limit: int, newer: bool) -> list[int]:
    """Read all pages one way, from the end that is newest or the one that is oldest."""
    told: list[int] = []
    key: tuple[int, ...] | None = (0,) if newer else None
    while True:
        page = order_events(order, PageAsk(limit, key, newer=newer))
        kept = [event.sequence for _, event in page.found[:limit]]
        told += kept
        if len(page.found) > limit:
            key = (kept[-1],)
        elif page.edge is not None:
            key = (page.edge,)
        else:
            return told


@pytest.mark.parametrize("stretch", [3, 20_000])
def test_every_order_s_events_are_found(databases: str, stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orderevents, "SCANNED_BATCHES_MAX", stretch)
    journal_fill(300)
    projector = ShardProjector(0)
    while projector.step():
        pass
    whole = journal_events()
    orders = {order.id: order for order in Order.objects.all()}

    assert set(orders) == set(whole)
    assert max(map(len, whole.values())) > 3
    for order_id, order in orders.items():
        for limit in (2, 100):
            assert walked(order, limit=limit, newer=False) == whole[order_id][::-1]
        assert walked(order, limit=2, newer=True) == whole[order_id]
