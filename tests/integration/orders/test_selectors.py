"""Reads that run ahead of the tables agree with the tables once these have caught up, on both databases."""

import pytest
from asgiref.sync import async_to_sync

from apps.orders import selectors
from apps.orders.events import OrderAccepted, OrderRejected, section_decode
from apps.orders.journal_reads import ProjectedJournal
from apps.orders.matching.projector import ShardProjector
from apps.orders.models import JournalBatch, Order
from apps.orders.selectors import orders_current, projected, projection_await, projection_wait
from apps.orders.state import OrderState
from cift.errors.application import ApplicationError
from cift.orderservice.consistency import JournalPlace
from cift.wire.base import frame_split
from tests.support.shard import journal_fill


def project(batches: int | None = None) -> None:
    projector = ShardProjector(0, batches_max=1)
    while batches is None or batches > 0:
        if not projector.step():
            return
        batches = None if batches is None else batches - 1


@pytest.mark.parametrize("projected", [0, 7, 30])
def test_an_order_is_read_as_it_will_be_projected(databases: str, projected: int) -> None:
    journal_fill(800)
    project(projected)
    order_ids = [
        event.order_id
        for row in JournalBatch.objects.order_by("number")
        for section in frame_split(bytes(row.events))
        for event in section_decode(section)
        if isinstance(event, OrderAccepted | OrderRejected)
    ]

    ahead = orders_current(order_ids)
    project()
    projected_later = {row.id: OrderState.of_row(row) for row in Order.objects.all()}

    assert len(ahead) > 300
    assert ahead == projected_later
    assert orders_current([*order_ids, 1, 2**62]) == projected_later


def test_every_event_leads_back_to_the_answer_it_was_in(databases: str) -> None:
    journal_fill(200)
    for row in JournalBatch.objects.order_by("number"):
        for section in frame_split(bytes(row.events)):
            for event in section_decode(section):
                reply = ProjectedJournal().first_answer(event.sequence)
                assert (reply.number, reply.at, reply.section) == (row.number, row.at, section)


def test_an_answer_that_is_not_in_the_journal_is_not_made_up(sqlite: None) -> None:
    journal_fill(20)

    for sequence in (0, 10**9):
        with pytest.raises(ApplicationError) as caught:
            ProjectedJournal().first_answer(sequence)
        assert caught.value.code == "outcome_unknown"


def test_a_read_waits_for_the_tables_no_longer_than_its_bound(sqlite: None) -> None:
    engine = journal_fill(20)
    project()
    projection_wait(number=engine.number, sequence=engine.sequence)
    ProjectedJournal().projection_wait(JournalPlace(shard=0, number=engine.number))
    assert projected() == (engine.number, engine.sequence)

    for wanted in ({"number": engine.number + 1}, {"sequence": engine.sequence + 1}):
        with pytest.raises(ApplicationError) as caught:
            projection_wait(**wanted, timeout_s=0.05)
        assert caught.value.code == "projection_behind"
        with pytest.raises(ApplicationError) as caught:
            async_to_sync(projection_await)(**wanted, timeout_s=0.05)
        assert caught.value.code == "projection_behind"


def test_tables_too_far_behind_are_not_made_up_for(sqlite: None, monkeypatch: pytest.MonkeyPatch) -> None:
    journal_fill(100)
    monkeypatch.setattr(selectors, "TAIL_BATCHES_MAX", 2)

    with pytest.raises(ApplicationError) as caught:
        orders_current([1])
    assert caught.value.code == "projection_behind"
