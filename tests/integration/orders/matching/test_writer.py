"""The writer at work, on both databases."""

import threading
import time

import msgspec
import pytest
from pytest_django.fixtures import Settings

from apps.accounts.codes import CashKind
from apps.accounts.commands import MoveCash
from apps.marketdata.codes import Side
from apps.orders.auditing.audit import audit
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.commands import CancelOrders, SubmitOrder
from apps.orders.events import OrderAccepted, Trade
from apps.orders.matching import engine as rust
from apps.orders.matching.errors import ShardHeldError
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.recovery import recover
from apps.orders.matching.work import WriterState
from cift.wire.outcomes import CommandDuplicate
from cift.wire.queries import AccountQuery, BookQuery, IdQuery, StatsQuery, query_encode
from cift.wire.reasons import Reason
from tests.support.shard import (
    AAPL_USD,
    USD,
    DrivenWriter,
    Flow,
    Journals,
    answers_of,
    events_of,
    opening,
)


def order(number: int, *, account: int = 3, side: Side = Side.BUY, price: int = 100, deadline: int = 0) -> SubmitOrder:
    return SubmitOrder(
        account=account,
        id=f"c-{number}",
        deadline=deadline,
        instrument=AAPL_USD,
        side=side,
        type=OrderType.LIMIT,
        tif=TimeInForce.GTC,
        price=price,
        quantity=1,
    )


def test_an_order_is_answered_with_its_fills_and_is_in_the_journal(databases: str) -> None:
    shard = DrivenWriter().start()
    shard.do(*opening())
    resting, taking = shard.do(order(1)), shard.do(order(2, account=4, side=Side.SELL))
    assert isinstance(resting[0][0], OrderAccepted)
    assert [type(event) for event in taking[0]] == [OrderAccepted, Trade]
    assert shard.stop() is None
    head = Journal(0).head()
    assert head is not None
    assert head.number == 4
    assert [batch.number for batch in shard.published] == [1, 2, 3, 4]
    assert audit(0).violation is None


def test_what_is_queued_together_is_committed_together_and_answered_in_order(databases: str) -> None:
    shard = DrivenWriter(batch_commands_max=100).start()
    shard.do(*opening())
    answers = [shard.send(order(number)) for number in range(450)]
    for answer in answers:
        answer.result(timeout=10)
    shard.stop()
    numbers = [batch.count for batch in shard.published[2:]]
    assert sum(numbers) == 450
    assert max(numbers) <= 100
    assert len(numbers) < 100


def test_a_lone_batch_is_committed_where_it_was_matched_and_what_has_others_behind_it_is_handed_over(
    databases: str,
) -> None:
    journals = Journals()
    shard = DrivenWriter(batch_commands_max=1, journal=journals).start()
    shard.do(*opening())
    threads: list[str] = []
    gate = threading.Event()

    def watched(journal: Journal, row: JournalRow) -> None:
        threads.append(threading.current_thread().name)
        gate.wait(10)
        Journal.append(journal, row)

    journals.append = watched
    gate.set()
    shard.do(order(1))
    assert threads == ["matcher-0"]

    gate.clear()
    answers = [shard.send(order(2))]
    while len(threads) < 2:
        time.sleep(0.001)
    answers += [shard.send(order(number)) for number in range(3, 12)]
    gate.set()
    for answer in answers:
        answer.result(timeout=10)
    shard.stop()

    assert threads[1:3] == ["matcher-0", "journal-0"]
    assert [batch.number for batch in shard.published] == list(range(1, 14))
    assert audit(0).violation is None


def test_a_query_is_answered_behind_what_was_sent_before_it(databases: str) -> None:
    shard = DrivenWriter().start()
    shard.do(*opening())
    shard.send(order(1))
    book = shard.ask(BookQuery(AAPL_USD))
    assert book is not None
    assert book.bids == [(100, 1, 1)]
    assert shard.send_frame(b"\x00", 0).result(timeout=10) is None, "no query: answered, and the writer goes on"
    assert shard.ask(StatsQuery()).open_orders == 1
    shard.stop()


def test_past_its_bound_the_queue_refuses_at_once_and_nothing_happens(
    databases: str,
) -> None:
    journals = Journals()
    shard = DrivenWriter(queue_commands_max=50, journal=journals).start()
    shard.do(*opening())
    gate = threading.Event()

    def held(journal: Journal, row: JournalRow) -> None:
        gate.wait(10)
        Journal.append(journal, row)

    journals.append = held
    answers = [shard.send(order(number)) for number in range(200)]
    # Nothing is committed while the gate is closed: what has an answer by now was refused without waiting.
    refused = {number: answer for number, answer in enumerate(answers) if answer.done()}
    assert refused
    assert {answer.result() for answer in refused.values()} == {msgspec.msgpack.encode([["overloaded"]])}
    gate.set()
    accepted = [answer for number, answer in enumerate(answers) if number not in refused]
    for answer in accepted:
        answer.result(timeout=10)
    assert 50 <= len(accepted) <= 150, "the bound, and what two batches had taken off the queue"
    assert len(shard.do(order(1_000))) == 1
    shard.stop()
    engine = recover(Journal(0))
    for number in refused:
        assert not rust.ask(engine, IdQuery(3, f"c-{number}")).found


class Held:
    """Holds up the commit that a test waits for, until it is let go."""

    def __init__(self, journals: Journals) -> None:
        self.here, self.go = threading.Event(), threading.Event()
        journals.append = self._append

    def _append(self, journal: Journal, row: JournalRow) -> None:
        self.here.set()
        assert self.go.wait(10)
        Journal.append(journal, row)


def many_open(journals: Journals) -> DrivenWriter:
    """Run a writer of one frame a batch, with 1,200 open orders of one account."""
    shard = DrivenWriter(batch_commands_max=1, journal=journals).start()
    shard.do(*opening())
    for start in range(0, 1_200, 100):
        shard.do(*(order(number) for number in range(start, start + 100)))
    return shard


def open_orders_end(shard: DrivenWriter, left: int) -> None:
    """Ask how many orders are open, each time behind a slice, until so many are left."""
    asked = (shard.ask(StatsQuery()).open_orders for _ in range(100))
    assert next(count for count in asked if count == left) == left


def test_a_mass_cancel_lets_others_in_between_its_slices(databases: str) -> None:
    journals = Journals()
    shard = many_open(journals)
    before, held = len(shard.published), Held(journals)

    canceling = shard.send(CancelOrders(account=3))
    assert held.here.wait(10)
    others = [shard.send(order(number, account=4, side=Side.SELL, price=200)) for number in (5_000, 5_001)]
    held.go.set()

    (events,) = answers_of(canceling.result(timeout=10) or b"")
    assert (len(events), events[-1].count, events[-1].more) == (501, 500, True)
    for other in others:
        assert isinstance(answers_of(other.result(timeout=10) or b"")[0][0], OrderAccepted)
    open_orders_end(shard, left=2)
    assert shard.stop() is None
    said = [[type(event).__name__ for event in events_of(batch)] for batch in shard.published[before:]]
    slices = [place for place, names in enumerate(said) if "OrdersCanceled" in names]
    entered = [place for place, names in enumerate(said) if "OrderAccepted" in names]
    assert len(slices) == 3
    assert slices[0] < entered[0] <= entered[1] <= slices[1], "their turn came first"
    assert max(names.count("OrderCanceled") for names in said) == 500, "the stated size"
    assert recover(Journal(0)).validate() is None


def test_a_mass_cancel_cut_off_between_its_slices_is_gone_on_with_by_the_next_writer(databases: str) -> None:
    journals = Journals()
    shard = many_open(journals)
    held = Held(journals)
    canceling = shard.send(CancelOrders(account=3))
    assert held.here.wait(10)
    stopping = threading.Thread(target=shard.stop)
    stopping.start()
    while not shard.send_frame(query_encode(StatsQuery()), 0).done():
        pass  # until it takes nothing more
    held.go.set()
    stopping.join()
    assert canceling.result(timeout=10) is not None, "what was accepted is answered"
    between = recover(Journal(0))
    assert rust.ask(between, StatsQuery()).open_orders == 700
    assert between.validate() is None

    again = DrivenWriter().start()

    open_orders_end(again, left=0)
    again.stop()
    after = recover(Journal(0))
    assert after.validate() is None
    account = rust.ask(after, AccountQuery(3))
    assert account is not None
    assert {balance.held for balance in account.balances} == {0}


def test_a_restart_goes_on_where_the_shard_was_and_remembers_ids(databases: str) -> None:
    flow = Flow()
    shard = DrivenWriter().start()
    shard.do(*opening())
    for _ in range(30):
        flow.see(event for events in shard.do(*flow.commands(20)) for event in events if not isinstance(event, str))
    money = MoveCash(account=3, id="once", kind=CashKind.DEPOSIT, asset=USD, amount=5)
    shard.do(order(1), money)
    shard.stop()
    before = recover(Journal(0))
    again = DrivenWriter().start()
    assert again.writer.status().epoch == before.epoch + 1
    for command in (order(1), money):
        (events,) = again.do(command)
        assert isinstance(events[0], CommandDuplicate)
        assert events[0].same_payload
    (changed,) = again.do(order(1, price=101))
    assert isinstance(changed[0], CommandDuplicate)
    assert not changed[0].same_payload
    again.stop()
    assert audit(0).violation is None


def test_the_second_writer_ends_or_stands_by(databases: str) -> None:
    first = DrivenWriter().start()
    second = DrivenWriter()
    second.begin()
    assert second.wait(WriterState.FAILED) is WriterState.FAILED
    assert isinstance(second.ended.result(timeout=5), ShardHeldError)
    third = DrivenWriter(stand_by=True)
    third.begin()
    third.wait(WriterState.STANDBY)
    assert third.do(order(1)) == ["venue_unavailable"]
    first.stop()
    third.wait(WriterState.READY)
    assert third.writer.status().epoch > first.writer.status().epoch
    third.stop()


def test_of_two_starters_at_once_one_becomes_the_writer(databases: str) -> None:
    shards = [DrivenWriter(), DrivenWriter()]
    for shard in shards:
        shard.begin()
    states = {shard.wait(WriterState.READY, WriterState.FAILED) for shard in shards}
    assert states == {WriterState.READY, WriterState.FAILED}
    for shard in shards:
        shard.stop()
    head = Journal(0).head()
    assert head is not None
    assert head.number == 1


def test_time_in_the_journal_stands_still_while_the_clock_is_behind(
    databases: str, caplog: pytest.LogCaptureFixture
) -> None:
    now = [10**18]
    shard = DrivenWriter(clock=lambda: now[0]).start()
    shard.do(*opening())
    now[0] -= 3_600 * 10**9
    shard.do(order(1))
    (late,) = shard.do(order(2, deadline=now[0] + 10**9))
    assert late[0].reason is Reason.DEADLINE_PASSED
    now[0] += 7_200 * 10**9
    shard.do(order(3))
    shard.stop()
    times = [batch.at for batch in shard.published]
    assert times == sorted(times)
    assert times[-1] == now[0]
    assert "behind the journal" in caplog.text


def test_what_was_accepted_is_answered_before_the_end(databases: str) -> None:
    shard = DrivenWriter().start()
    shard.do(*opening())
    answers = [shard.send(order(number)) for number in range(1_000)]
    shard.stop()
    assert all(answer.done() for answer in answers)
    assert shard.do(order(2_000)) == ["venue_unavailable"]
    engine = recover(Journal(0))
    assert rust.ask(engine, StatsQuery()).open_orders == 1_000


def test_bytes_that_are_no_command_are_refused_one_by_one(databases: str) -> None:
    shard = DrivenWriter().start()
    shard.do(*opening())
    good = msgspec.msgpack.encode(order(1))
    parts = [b"", b"\xc1", good[:-3], good, msgspec.msgpack.encode([10, 9]), b"\xff" * 1_000]
    frame = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    answer = shard.send_frame(frame, len(parts)).result(timeout=10)
    assert answer is not None
    assert len(msgspec.msgpack.decode(answer)) == len(parts)
    shard.stop()
    assert audit(0).violation is None


def test_bounds_are_those_the_shard_was_opened_with(
    databases: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MATCHING = settings.MATCHING | {"OPEN_ORDERS_MAX": 2}
    shard = DrivenWriter().start()
    shard.do(*opening())
    shard.do(*(order(number) for number in range(2)))
    shard.stop()
    settings.MATCHING = settings.MATCHING | {"OPEN_ORDERS_MAX": 3}
    again = DrivenWriter().start()
    (events,) = again.do(order(9))
    assert events[0].reason is Reason.VENUE_OPEN_ORDERS_LIMIT
    again.stop()
    assert "sets open_orders_max to 3, but shard 0 was opened with 2" in caplog.text
    assert audit(0).violation is None
