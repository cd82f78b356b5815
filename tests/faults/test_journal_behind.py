"""A journal that is behind the tables made from it, or is another one: halted, named, and not traded on."""

from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.orders.auditing.audit import audit
from apps.orders.matching.errors import JournalDamagedError
from apps.orders.matching.followers import Follower
from apps.orders.matching.halt import halt_lift, halt_of
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.projector import ShardProjector
from apps.orders.matching.work import WriterState
from apps.orders.models import JournalBatch, Projection, WriterLease
from apps.orders.monitoring.health import TradingCheck
from cift.monitoring.health import Status
from tests.support.databases import table_missing
from tests.support.shard import DrivenWriter, Flow, journal_fill
from tests.support.waiting import running, until

LOST = 5


def projected() -> int:
    """Fill journal and tables, without a snapshot; give the last batch."""
    number = journal_fill(400).number
    Follower(0, once=True).project()
    return number


def end_cut_off(number: int) -> list[JournalRow]:
    rows = Journal(0).chunk(number - LOST, rows=LOST)
    JournalBatch.objects.filter(shard=0, number__gt=number - LOST).delete()
    return rows


def another_journal(number: int) -> list[JournalRow]:
    """Put a longer journal of other orders in its place."""
    rows = Journal(0).chunk(0, rows=number)
    JournalBatch.objects.all().delete()
    journal_fill(800, seed=7)
    return rows


WAYS: dict[str, tuple[Callable[[int], list[JournalRow]], str]] = {
    "its end is gone": (end_cut_off, "the batch is missing, but the tables were made from a journal that had it"),
    "it is another": (another_journal, "its chain hash is not that of the batch the tables were made from"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_writer_opens_no_epoch_on_it_and_says_why_until_it_is_whole_again(databases: str, way: str) -> None:
    number = projected()
    change, line = WAYS[way]
    kept = change(number)
    head = Journal(0).head()
    shard = DrivenWriter(retry_s=0.05)
    shard.begin()
    shard.wait(WriterState.HALTED)
    assert shard.do(Flow().submit()) == ["venue_halted"]
    assert Journal(0).head() == head, "nothing was written"
    why = f"the journal of shard 0 is damaged at batch {number}: {line}"
    assert shard.writer.status().detail == why
    assert async_to_sync(TradingCheck(required=True).look)() == (Status.DOWN, f"trading is halted: {why}")
    assert audit(0).violation is not None
    if way == "it is another":
        JournalBatch.objects.all().delete()
    for row in kept:
        Journal(0).append(row)
    assert audit(0).violation is None
    assert halt_lift(shard=0)
    shard.wait(WriterState.READY)
    (events,) = shard.do(Flow(3).submit())
    assert not isinstance(events, str)
    shard.stop()
    Follower(0, once=True).project()
    assert audit(0).violation is None


def test_a_halted_writer_takes_no_lease_again_and_again(databases: str) -> None:
    end_cut_off(projected())
    shard = DrivenWriter(retry_s=0.01)
    shard.begin()
    shard.wait(WriterState.HALTED)
    epoch = WriterLease.objects.get(shard=0).epoch
    with pytest.raises(AssertionError):
        shard.wait(WriterState.READY, timeout_s=0.3)
    assert WriterLease.objects.get(shard=0).epoch == epoch


@pytest.mark.parametrize("way", WAYS)
def test_a_projector_halts_trading(databases: str, way: str) -> None:
    number = projected()
    change, line = WAYS[way]
    change(number)
    with pytest.raises(JournalDamagedError, match=f"batch {number}: {line}"):
        ShardProjector(0)
    with pytest.raises(JournalDamagedError, match=line):
        Follower(0, once=True).project()
    follower = Follower(0, once=False)
    with running(follower.project, follower):
        until(lambda: halt_of(shard=0) is not None)
    assert f"batch {number}: {line}" in (halt_of(shard=0) or "")
    assert Projection.objects.get(shard=0).last_number == number


def test_tables_made_anew_from_what_is_left_are_gone_on_with(databases: str) -> None:
    number = projected()
    end_cut_off(number)
    with pytest.raises(CommandError):
        call_command("audit", halt=True)
    call_command("rebuild_projection")
    assert Projection.objects.get(shard=0).last_number == number - LOST
    call_command("audit", lift_halt=True)
    DrivenWriter().start().stop()


def test_tables_that_are_behind_are_no_fault(databases: str) -> None:
    engine = journal_fill(200)
    Follower(0, once=True).project()
    journal_fill(200, engine=engine, seed=2)
    DrivenWriter().start().stop()
    Follower(0, once=True).project()
    assert audit(0).violation is None


def test_a_start_waits_for_tables_that_cannot_be_read(sqlite: object) -> None:
    projected()
    shard = DrivenWriter(retry_s=0.05)
    with table_missing(Projection):
        shard.begin()
        shard.wait(WriterState.RECOVERING)
        assert shard.writer.status().detail == "no such table: orders_projection"
    shard.wait(WriterState.READY)
    shard.stop()
