"""An order's events as a page tells them are the journal's, on both databases, however the pages are cut."""

from collections import defaultdict

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Account, User
from apps.marketdata.reference import references
from apps.orders.events import OrderAccepted, OrderRejected, section_decode
from apps.orders.explaining.event_pages import order_events
from apps.orders.explaining.noted import OrderEvent
from apps.orders.ids import order_sequence
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector
from apps.orders.matching.retention import ShardRetention
from apps.orders.models import OPEN_STATUSES, JournalBatch, Order, Retention
from apps.orders.state import order_ids_of
from cift.rest.pages import PageAsk
from cift.wire.base import frame_split
from tests.support.databases import table_missing
from tests.support.shard import TRADERS, CountedConnection, journal_fill


def journal_events() -> dict[int, list[int]]:
    """Return every order's sequences, oldest first, by decoding all there is."""
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
        page = order_events(order, PageAsk(limit, key, newer=newer), journal=Journal(0), scanned_max=3)
        kept = [told.event.sequence for told in page.found[:limit]]
        told += kept
        if len(page.found) > limit:
            key = (kept[-1],)
        elif page.edge is not None:
            key = (page.edge,)
        else:
            return told


def follow() -> None:
    projector = ShardProjector(0)
    while projector.step():
        pass


def is_found_whichever_way(order: Order, sequences: list[int]) -> bool:
    return all(walked(order, limit=limit, newer=False) == sequences[::-1] for limit in (2, 100)) and (
        walked(order, limit=2, newer=True) == sequences
    )


def test_every_order_s_events_are_found(databases: str) -> None:
    journal_fill(300)
    follow()
    whole = journal_events()
    orders = {order.id: order for order in Order.objects.all()}

    assert set(orders) == set(whole)
    assert max(map(len, whole.values())) > 3
    for order_id, order in orders.items():
        assert is_found_whichever_way(order, whole[order_id])


def test_events_that_have_left_the_tables_are_looked_for_a_stretch_a_page(databases: str) -> None:
    journal_fill(300)
    follow()
    Account.objects.filter(id__in=TRADERS).update(simulated=True)
    whole, orders, halfway = journal_events(), list(Order.objects.all()), 0
    keeper = ShardRetention(0, keep_ns=0, step_rows=2)
    while keeper.step():
        place = Retention.objects.get(shard=0)
        for order in Order.objects.filter(sequence=place.sequence + 1) if place.within else ():
            halfway += 1
            assert is_found_whichever_way(order, whole[order.id])

    assert halfway > 3
    assert Order.objects.count() < len(orders) // 2
    for order in orders:
        assert is_found_whichever_way(order, whole[order.id]), "its row left while its pages were read"


def test_a_page_reads_the_batches_of_its_events_alone(sqlite: object) -> None:
    journal_fill(1_200, batch=2)
    follow()
    whole = journal_events()
    order_id = max(whole, key=lambda each: len(whole[each]) > 3 and whole[each][-1] - whole[each][0])
    order, connection = Order.objects.get(id=order_id), CountedConnection()

    found = order_events(order, PageAsk(100, None, newer=False), journal=Journal(0, connection=connection)).found

    assert [told.event.sequence for told in found] == whole[order_id][::-1]
    assert found[0].number - found[-1].number > 100
    assert len(connection.rows_read) <= len(found) + 1
    assert max(connection.rows_read) == 1


@pytest.fixture
def client(sqlite: object) -> APIClient:
    """The browser of whoever trades with the first account; the journal is projected."""
    journal_fill(300)
    follow()
    references.load()
    user = User.objects.create_user("trader@example.com", "a long password")
    Account.objects.filter(pk=TRADERS[0]).update(owner_id=user.pk)
    client = APIClient()
    client.force_authenticate(user)
    return client


def address(order: Order | None) -> str:
    assert order is not None
    return f"/api/v1/orders/{order.id}/events/"


def test_an_owner_has_no_why_where_events_may_not_be_noted(client: APIClient) -> None:
    ended = Order.objects.filter(account_id=TRADERS[0], filled_quantity__gt=0).exclude(status__in=OPEN_STATUSES)
    order = max(ended, key=lambda each: each.sequence - order_sequence(each.id))
    path = address(order)
    noted = client.get(path).json()
    Account.objects.filter(id=TRADERS[0]).update(simulated=True)
    Retention.objects.create(shard=0, sequence=order.sequence - 1, within=order.sequence - 1)

    found = client.get(path).json()

    assert noted["why"]
    assert found == {**noted, "why": None}


def test_another_account_s_order_is_not_found(client: APIClient) -> None:
    answer = client.get(address(Order.objects.filter(account_id=TRADERS[1]).last()))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_journal_that_cannot_be_read_is_said_to_be_busy(client: APIClient) -> None:
    path = address(Order.objects.filter(account_id=TRADERS[0]).last())
    with table_missing(JournalBatch):
        answer = client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (503, "database_busy")
