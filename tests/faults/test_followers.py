"""Projector and verifier dead, behind or contradicted: orders go on for a while, then are refused, then resume."""

import time
from contextlib import ExitStack
from itertools import pairwise

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from pytest_django import Settings

from apps.orders.auditing.audit import audit
from apps.orders.matching.errors import ProjectionRefusedError
from apps.orders.matching.followers import Follower
from apps.orders.matching.halt import halt_lift, halt_of
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector
from apps.orders.matching.tables import tables_clear
from apps.orders.matching.work import WriterState
from apps.orders.models import JournalBatch, Order, Projection, TradingHalt, Verification
from apps.orders.monitoring.health import FollowerCheck, TradingCheck
from apps.orders.monitoring.report import tables_read
from cift.monitoring.health import Status
from tests.support.databases import table_missing
from tests.support.shard import DrivenWriter, Flow, journal_fill, opening
from tests.support.waiting import running, until


def events_behind() -> dict[str, int]:
    return {name: follower.lag_events for name, follower in tables_read(snapshots=False).followers.items()}


def test_orders_are_refused_when_a_follower_is_too_far_behind_and_taken_again_when_it_caught_up(
    databases: str, settings: Settings
) -> None:
    flow = Flow()
    shard = DrivenWriter(lag_events_max=100).start()
    shard.do(*opening())
    until(lambda: shard.do(flow.submit()) == ["overloaded"])
    assert shard.do(flow.submit()) == ["overloaded"]
    until(lambda: "events behind, more than 100" in shard.writer.status().behind)
    assert shard.writer.status().state is WriterState.READY
    # A question is answered all the same.
    assert shard.send_frame(b"\x91\x05", 0).result(timeout=10) is not None
    assert shard.writer.measures.refused["overloaded"] >= 1

    settings.MATCHING = {**settings.MATCHING, "LAG_EVENTS_MAX": 100}
    found = async_to_sync(TradingCheck(required=True).look)()
    assert found.status is Status.DOWN
    assert "new orders are refused: the" in found.detail

    Follower(0, once=True).project()
    Follower(0, once=True).verify()
    assert events_behind() == {"projector": 0, "verifier": 0}
    until(lambda: not shard.writer.status().behind)
    (events,) = shard.do(flow.submit())
    assert not isinstance(events, str)
    shard.stop()


def test_a_follower_that_stands_still_is_named_however_little_it_has_missed(sqlite: object) -> None:
    journal_fill(20)
    found = async_to_sync(FollowerCheck(follower="projector", required=False).look)()
    assert found.status is Status.DEGRADED
    assert "events behind, the first of them" in found.detail
    Follower(0, once=True).project()
    assert async_to_sync(FollowerCheck(follower="projector", required=False).look)() == (Status.OK, "")


def test_places_that_cannot_be_read_look_ever_further_behind(sqlite: object) -> None:
    # Not before the start, which looks at the tables once.
    shard = DrivenWriter(lag_events_max=60).start()
    with table_missing(Projection):
        flow = Flow()
        shard.do(*opening())
        until(lambda: shard.do(flow.submit()) == ["overloaded"])
    shard.stop()


def test_a_projector_that_finds_a_batch_missing_halts_trading_and_goes_on_when_it_is_back(databases: str) -> None:
    engine = journal_fill(200)
    row = JournalBatch.objects.filter(shard=0, number=5)
    kept = Journal(0).get(5)
    assert kept is not None
    row.delete()
    follower = Follower(0, once=False)
    with running(follower.project, follower):
        until(lambda: halt_of(shard=0) is not None)
        assert "the batch is missing" in (halt_of(shard=0) or "")
        found = async_to_sync(TradingCheck(required=True).look)()
        assert found == (Status.DOWN, f"trading is halted: {halt_of(shard=0)}")
        Journal(0).append(kept)
        halt_lift(shard=0)
        until(lambda: Projection.objects.filter(shard=0, last_number=engine.number).exists())


def last_order_beforehand() -> tuple[Order, int]:
    """Put the journal's last order into tables that are empty otherwise; give it, and its batch."""
    Follower(0, once=True).project()
    order = Order.objects.latest("id")
    row = Journal(0).holding(order.pk >> 20)
    assert row is not None
    Projection.objects.filter(shard=0).delete()
    with connections["default"].cursor() as cursor:
        tables_clear(cursor)
    order.save(force_insert=True)
    return order, row.number


def test_a_batch_the_tables_refuse_halts_trading_and_is_named(databases: str) -> None:
    engine = journal_fill(200)
    order, number = last_order_beforehand()
    with pytest.raises(ProjectionRefusedError, match=f"the tables of shard 0 refuse batch {number}: "):
        Follower(0, once=True).project()
    follower = Follower(0, once=False)
    with running(follower.project, follower):
        until(lambda: halt_of(shard=0) is not None)
        assert TradingHalt.objects.get(shard=0).number == number
        assert f"refuse batch {number}: " in (halt_of(shard=0) or "")
        assert Projection.objects.get(shard=0).last_number == number - 1, "all before it is written"
        order.delete()
        halt_lift(shard=0)
        until(lambda: Projection.objects.filter(shard=0, last_number=engine.number).exists())
    assert audit(0).violation is None


def test_a_halt_that_was_not_taken_at_once_still_names_the_batch(
    databases: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = journal_fill(200)
    number = engine.number - 3
    row = Journal(0).get(number)
    assert row is not None
    JournalBatch.objects.filter(shard=0, number=number).update(at=row.at + 1)
    follower = Follower(0, once=False)
    with ExitStack() as stack:
        with table_missing(TradingHalt):
            stack.enter_context(running(follower.verify, follower))
            until(lambda: "verifier of shard 0" in caplog.text)
        until(lambda: halt_of(shard=0) is not None)
    assert TradingHalt.objects.get(shard=0).number == number


def test_a_verifier_that_is_started_again_catches_up_and_says_where_it_is(databases: str) -> None:
    engine = journal_fill(200)
    first = Follower(0, once=False)
    with running(first.verify, first):
        until(lambda: Verification.objects.filter(shard=0, last_number=engine.number).exists())
    engine = journal_fill(200, engine=engine, seed=2)
    second = Follower(0, once=False)
    with running(second.verify, second):
        until(lambda: Verification.objects.filter(shard=0, last_sequence=engine.sequence).exists())
    assert Verification.objects.get(shard=0).open_orders > 0


def test_a_projector_behind_catches_up_from_where_the_tables_are(sqlite: object) -> None:
    engine = journal_fill(300)
    ShardProjector(0, batches_max=3).step()
    assert events_behind()["projector"] > 0
    follower = Follower(0, once=True)
    follower.project()
    assert events_behind()["projector"] == 0
    assert Projection.objects.get(shard=0).last_sequence == engine.sequence


@pytest.mark.parametrize("jump_s", [-3_600, 3_600])
def test_time_and_sequence_rise_whatever_the_clock_does(databases: str, jump_s: int) -> None:
    now = time.time_ns()
    clock = [now]
    shard = DrivenWriter(clock=lambda: clock[0]).start()
    shard.do(*opening())
    flow = Flow()
    for step in range(6):
        clock[0] += 1_000_000 if step % 2 else jump_s * 1_000_000_000
        (events,) = shard.do(flow.submit())
        assert not isinstance(events, str)
    shard.stop()
    # A start under a clock that went back goes on behind the journal's time too.
    clock[0] = now - 86_400 * 1_000_000_000
    again = DrivenWriter(clock=lambda: clock[0]).start()
    again.do(flow.submit())
    again.stop()

    rows = Journal(0).chunk(0, rows=1_000)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(one.at <= other.at for one, other in pairwise(rows))
    assert all(one.last_sequence + 1 == other.first_sequence for one, other in pairwise(rows))
