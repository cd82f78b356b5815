"""Every interleaving of two writers, and of a writer with its own lost replies, forced one by one on both databases."""

import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from apps.orders.auditing.audit import audit
from apps.orders.commands import CancelOrder
from apps.orders.matching.errors import JournalConflictError, JournalUnavailableError, ShardLostError
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.lease import Lease
from apps.orders.matching.recovery import recover
from apps.orders.matching.work import WriterState
from cift.wire.queries import IdQuery
from tests.support.shard import DrivenWriter, Flow, Journals, opening

REFUSED = msgspec.msgpack.encode([["venue_unavailable"]])
UNKNOWN = msgspec.msgpack.encode([["outcome_unknown"]])


@pytest.fixture
def flow() -> Flow:
    return Flow()


@pytest.fixture
def journals() -> Journals:
    return Journals()


class Gate:
    """Holds back one writer's inserts: `reached` once one is there, `open` lets it through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.epoch = 0

    def append(self, journal: Journal, row: JournalRow) -> None:
        if row.epoch == self.epoch:
            self.reached.set()
            assert self.open.wait(20)
        Journal.append(journal, row)

    def hold(self, epoch: int) -> None:
        self.epoch = epoch
        self.open.clear()


def test_a_paused_leader_cannot_write_after_a_takeover(databases: str, flow: Flow, journals: Journals) -> None:
    gate = Gate()
    journals.append = gate.append
    old = DrivenWriter(lease_s=0.5, journal=journals).start()
    old.do(*opening())
    gate.hold(old.writer.status().epoch)
    late, following = flow.submit(), flow.submit()
    answers = [old.send(late), old.send(following)]
    assert gate.reached.wait(5)
    # The old writer stands still with a batch matched and not committed, while its lease runs out.
    new = DrivenWriter(stand_by=True, journal=journals)
    new.begin()
    new.wait(WriterState.READY)
    new.do(flow.submit())
    gate.open.set()
    assert isinstance(old.ended.result(timeout=10), ShardLostError)
    assert [answer.result(timeout=10) for answer in answers] == [REFUSED, REFUSED]
    assert not new.ask(IdQuery(late.account, late.id)).found
    assert not new.ask(IdQuery(following.account, following.id)).found
    assert new.stop() is None
    assert audit(0).violation is None


def test_a_leader_whose_commit_lands_just_before_the_takeover_is_followed(
    databases: str, flow: Flow, journals: Journals
) -> None:
    gate = Gate()
    journals.append = gate.append
    old = DrivenWriter(lease_s=0.5, journal=journals).start()
    old.do(*opening())
    epoch = old.writer.status().epoch
    gate.hold(epoch)
    order = flow.submit()
    answer = old.send(order)
    assert gate.reached.wait(5)
    # The new writer has read the journal; then the old one's commit lands, and the opening batch meets it.
    opening_reached = threading.Event()

    def append(journal: Journal, row: JournalRow) -> None:
        if row.epoch > epoch and not opening_reached.is_set():
            opening_reached.set()
            gate.open.set()
            answer.result(timeout=10)
        gate.append(journal, row)

    journals.append = append
    new = DrivenWriter(stand_by=True, journal=journals)
    new.begin()
    new.wait(WriterState.READY)
    assert opening_reached.is_set()
    assert answer.result(timeout=10) not in (REFUSED, UNKNOWN)
    assert new.ask(IdQuery(order.account, order.id)).found, "what was acknowledged is there"
    assert isinstance(old.ended.result(timeout=10), ShardLostError), "its lease is another's"
    assert new.stop() is None
    assert audit(0).violation is None


class AlwaysHeld(Lease):
    """A lease its holder believes in, whoever has it."""

    def acquire(self, *, above: int) -> int | None:
        epoch = super().acquire(above=above)
        if epoch is None:
            self.epoch = epoch = above + 1
        return epoch

    def renew(self) -> bool:
        return True


def test_two_that_both_believe_to_have_the_lease_do_not_both_write(databases: str, flow: Flow) -> None:
    shards = [DrivenWriter(lease=AlwaysHeld), DrivenWriter(lease=AlwaysHeld)]
    for shard in shards:
        shard.begin()
    for shard in shards:
        shard.wait(WriterState.READY, WriterState.FAILED)
    shards[0].do(*opening())
    for _ in range(20):
        for shard in shards:
            shard.do(flow.submit())
    for shard in shards:
        shard.writer.stop()
    assert sum(isinstance(shard.ended.result(timeout=10), ShardLostError) for shard in shards) <= 1
    assert audit(0).violation is None


class Unanswered:
    """Makes the journal of one writer answer nothing; `land` puts a row there that was thought lost."""

    def __init__(self, *, commits: bool, epoch: int) -> None:
        self.rows: list[JournalRow] = []
        self.epoch = epoch
        self.before_opening: Callable[[], None] = lambda: None
        self._commits = commits

    def append(self, journal: Journal, row: JournalRow) -> None:
        if row.epoch != self.epoch:
            self.before_opening()
            Journal.append(journal, row)
            return
        self.rows.append(row)
        if self._commits:
            Journal.append(journal, row)
        message = "the connection was lost"
        raise JournalUnavailableError(message)

    def land(self) -> None:
        Journal(0).append(self.rows[0])


def test_a_commit_whose_reply_is_lost_is_adopted(databases: str, flow: Flow, journals: Journals) -> None:
    shard = DrivenWriter(journal=journals).start()
    shard.do(*opening())
    lost = Unanswered(commits=True, epoch=shard.writer.status().epoch)
    journals.append = lost.append
    order = flow.submit()
    (events,) = shard.do(order)
    assert not isinstance(events, str)
    assert len(lost.rows) == 2, "tried again once, and found there"
    assert shard.ask(IdQuery(order.account, order.id)).found
    assert shard.writer.status().epoch == lost.epoch
    shard.stop()
    assert audit(0).violation is None


@pytest.mark.parametrize("lands", ["before the new epoch is prepared", "just before the new epoch opens", "never"])
def test_a_commit_of_unknown_outcome_is_said_so_and_can_be_resolved(
    databases: str, flow: Flow, journals: Journals, lands: str
) -> None:
    shard = DrivenWriter(patience_s=0.2, journal=journals).start()
    shard.do(*opening())
    lost = Unanswered(commits=False, epoch=shard.writer.status().epoch)
    journals.append = lost.append
    landed: list[float] = []

    def land() -> None:
        if not landed:
            landed.append(time.monotonic())
            lost.land()

    if lands == "just before the new epoch opens":
        lost.before_opening = land
    elif lands == "before the new epoch is prepared":

        def head_after_landing(journal: Journal) -> JournalRow | None:
            land()
            return Journal.head(journal)

        journals.head = head_after_landing
    order, following = flow.submit(), flow.submit()
    answers = [shard.send(order), shard.send(following)]
    assert answers[0].result(timeout=10) == UNKNOWN
    assert answers[1].result(timeout=10) in (UNKNOWN, REFUSED)
    shard.wait(WriterState.READY)
    assert shard.writer.status().epoch > lost.epoch
    assert shard.ask(IdQuery(order.account, order.id)).found is (lands != "never")
    if lands == "never":
        with pytest.raises(JournalConflictError):
            lost.land()
    (again,) = shard.do(order)
    assert type(again[0]).__name__ == ("OrderAccepted" if lands == "never" else "CommandDuplicate")
    shard.stop()
    last = Journal(0).head()
    assert last is not None
    assert [batch.number for batch in shard.published] == list(range(1, last.number + 1)), "each told once, in order"
    assert audit(0).violation is None


def test_a_new_engine_has_what_the_old_one_had(databases: str, flow: Flow, journals: Journals) -> None:
    shard = DrivenWriter(patience_s=0.1, journal=journals).start()
    shard.do(*opening())
    for _ in range(10):
        flow.see(event for events in shard.do(*flow.commands(10)) for event in events)
    lost = Unanswered(commits=False, epoch=shard.writer.status().epoch)
    journals.append = lost.append
    shard.send(flow.submit()).result(timeout=10)
    shard.wait(WriterState.READY)
    for _ in range(10):
        flow.see(event for events in shard.do(*flow.commands(10)) for event in events)
    shard.do(CancelOrder(account=3, order_id=1 << 20))
    shard.stop()
    assert recover(Journal(0)).validate() is None
    assert audit(0).violation is None
