"""Too little memory, too many commands, followers that stand still: a clear state, nothing lost, and on again."""

import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from apps.orders.auditing.audit import audit
from apps.orders.matching.work import WorkReply, WriterState
from tests.support.desk import Desk
from tests.support.shard import DrivenWriter, Flow, deliver, opening
from tests.support.venue import Venue

WAIT_S = 60.0
QUEUE_COMMANDS_MAX = 10_000
IN_FLIGHT_MAX = 1_500
"""What three batches hold: one being committed, one matched behind it, one waiting to be matched."""


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    running = Venue(tmp_path / "var", environment={"CIFT_SILENT_SECONDS": "5", "CIFT_STANDSTILL_SECONDS": "10"}).start()
    try:
        yield running.wait_open()
    finally:
        running.end()


def test_of_many_commands_at_once_those_past_the_bound_are_refused_and_the_others_done(sqlite: Path) -> None:
    shard = DrivenWriter(patience_s=30.0).start()
    shard.do(*opening())
    flow = Flow()
    with closing(sqlite3.connect(sqlite / "journal.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        frames = [[flow.submit() for _ in range(100)] for _ in range(150)]
        answers = [shard.send(*frame) for frame in frames]
        # Nothing is committed meanwhile: what has an answer by now was refused without waiting.
        refused = [answer.done() for answer in answers]
        other.rollback()
    taken = 100 * refused.count(False)
    assert QUEUE_COMMANDS_MAX <= taken <= QUEUE_COMMANDS_MAX + IN_FLIGHT_MAX
    for answer, at_once in zip(answers, refused, strict=True):
        entries = msgspec.msgpack.decode(answer.result(timeout=WAIT_S) or b"")
        assert len(entries) == 100
        assert all(isinstance(entry, bytes) is not at_once for entry in entries)
        assert not at_once or entries == [["overloaded"]] * 100
    assert shard.writer.status().queued == 0
    assert shard.writer.measures.refused["overloaded"] == 15_000 - taken
    shard.stop()
    assert audit(0).violation is None


def test_an_answer_that_cannot_be_handed_over_costs_no_other_and_the_writer_goes_on(sqlite: Path) -> None:
    failures: list[MemoryError] = []

    def failing(outcomes: list[WorkReply]) -> None:
        if failures:
            raise failures.pop()
        deliver(outcomes)

    shard = DrivenWriter(deliver=failing, retry_s=0.05).start()
    shard.do(*opening())
    begun = shard.writer.status().epoch
    failures.append(MemoryError("no memory for an answer"))
    unanswered = Flow().submit()
    shard.send(unanswered)
    until(lambda: shard.writer.status().epoch > begun)
    shard.wait(WriterState.READY)
    (events,) = shard.do(unanswered)
    assert type(events[0]).__name__ == "CommandDuplicate", "it was durable, and its fate can be asked for"
    shard.stop()
    assert audit(0).violation is None


def test_a_web_process_that_stands_still_or_has_no_memory_is_replaced_and_nothing_is_lost(venue: Venue) -> None:
    desk = Desk(venue)
    for _ in range(5):
        assert desk.submit() == "acknowledged"
    web = venue.child("embedded_web")
    os.kill(web, signal.SIGSTOP)
    venue.wait_for("the web process has answered nothing for")
    venue.wait_for("the web process ended (killed by SIGKILL); restarting it")
    venue.wait_ready()
    assert desk.submit() == "acknowledged"

    web = venue.child("embedded_web")
    resource.prlimit(web, resource.RLIMIT_AS, (address_space(web) + 256 * 1024, resource.RLIM_INFINITY))
    desk.trader.rest.timeout = httpx.Timeout(5.0)
    for _ in range(100):
        # What it cannot do any more fails anywhere, in locks of the interpreter too: the answer may be none at all.
        if not desk.tried():
            break
    with suppress(ProcessLookupError):
        resource.prlimit(web, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    until(desk.tried)
    venue.wait_ready()
    desk.settle()
    desk.counted()
    desk.audited()


def test_a_projector_that_stands_still_is_replaced_and_catches_up(venue: Venue) -> None:
    desk = Desk(venue)
    assert desk.submit() == "acknowledged"
    frozen = venue.child("run_projector")
    os.kill(frozen, signal.SIGSTOP)
    for _ in range(5):
        assert desk.submit() == "acknowledged", "orders go on without it"
    venue.wait_for("has not moved from batch")
    venue.wait_for("the projector ended (killed by SIGKILL); restarting it")
    assert desk.submit() == "acknowledged"
    until(lambda: venue.get("/ready")[1]["checks"]["projection"]["status"] == "ok")
    desk.settle()
    desk.counted()
    assert venue.child("run_projector") != frozen
    desk.audited()


def until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def address_space(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().vms)
