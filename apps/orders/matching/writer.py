"""The single writer of a shard.

    submit (any thread) → bounded queue → matcher thread: Engine.apply → committer thread: journal → answers, then feeds
    (with nothing in flight and nothing waiting the matcher commits itself)

Invariants:
    Nothing is answered before its batch is durable; a refusal for want of room or of a writer is answered at once.
    At most two batches are in flight: one being committed, one matched behind it.
    The engine's memory is never ahead of what this writer may yet commit: after a fault it is dropped and built anew
    from snapshot and journal, in a new epoch, whose opening batch shuts out whatever of the old epoch is still on
    its way.
    No epoch is opened on a journal that is behind the tables made from it.
    Time in the journal never goes back, whatever the clock does.
    While a mass cancel is not over, one slice of it waits in the queue, behind what others had queued before.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any

from django.db import DatabaseError, connections

from apps.orders.commands import OpenEpoch, OpenVenue
from apps.orders.matching.committer import Committer, CommitterOptions, append_surely, lost
from apps.orders.matching.connection import is_damage
from apps.orders.matching.engine import Batch, Engine, EngineError, bounds_fix, row_of
from apps.orders.matching.errors import (
    DatabaseDamagedError,
    EngineFaultError,
    JournalBehindTablesError,
    JournalConflictError,
    JournalDamagedError,
    JournalUnavailableError,
    MatchingError,
    ShardHeldError,
    ShardLostError,
)
from apps.orders.matching.halt import halt_raise
from apps.orders.matching.journal import Journal
from apps.orders.matching.lease import Lease
from apps.orders.matching.measures import WriterMeasures
from apps.orders.matching.places import FollowersWatch, Place
from apps.orders.matching.recovery import recover, tables_place
from apps.orders.matching.told import Told
from apps.orders.matching.work import (
    OVERLOADED,
    VENUE_HALTED,
    VENUE_UNAVAILABLE,
    Deliver,
    Item,
    Publish,
    Work,
    WriterOptions,
    WriterState,
    WriterStatus,
    next_slice,
    query_answer,
    replies_refused,
)
from cift.times import SteadyClock, clock_ns
from cift.wire.base import command_encode, frame_pack

logger = logging.getLogger(__name__)

_LAG_WARN_NS = 1_000_000_000


class _Interrupted(Exception):
    """The writer was told to stop while it recovered."""


class Writer:
    """One shard's writer; `deliver` and `publish` are called from its threads, `on_end` once when it is over."""

    def __init__(
        self,
        *,
        shard: int,
        options: WriterOptions,
        deliver: Deliver,
        publish: Publish,
        on_end: Callable[[MatchingError | None], None],
        clock: Callable[[], int] = clock_ns,
        journal: Callable[..., Journal] = Journal,
        lease: Callable[..., Lease] = Lease,
    ) -> None:
        """Wire it; nothing runs before `start`.

        `journal` and `lease` open what it writes to: each of its threads has a journal of its own, and one lease.
        """
        self.shard = shard
        self._options = options
        self._deliver = deliver
        self._publish_to = publish
        # The last batch that was published; nobody waits for those before this writer's first.
        self._published: int | None = None
        self._on_end = on_end
        self._clock = clock
        self._wait_ms_max = int(options.patience_s * 1000)
        self._journal = journal
        self._lease = lease(shard, lease_s=options.lease_s, wait_ms_max=self._wait_ms_max)
        self._inbox: SimpleQueue[Item | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._queued = 0
        self._status = (WriterState.STARTING, "")
        self.measures = WriterMeasures()
        self.told = Told()
        self._number = 0
        self._sequence = 0
        self._followed = 0
        # Mass cancels of the matched batches are not over; their next slice is in the queue.
        self._canceling = self._slice_queued = False
        self._behind = ""
        self._lagging = False
        self._stop = threading.Event()
        self._watch = FollowersWatch(shard, self._followers_at)
        self._thread = threading.Thread(target=self._run, name=f"matcher-{shard}", daemon=True)

    def start(self) -> None:
        """Begin: take the lease, recover, open an epoch, then serve."""
        self._thread.start()

    def stop(self) -> None:
        """Do what was accepted, answer it, give the lease up; blocks until that is done."""
        self._stop.set()
        self._inbox.put(None)
        self._thread.join()

    def status(self) -> WriterStatus:
        """Return where the writer stands."""
        state, detail = self._status
        return WriterStatus(state, detail, self._lease.epoch, self._number, self._sequence, self._queued, self._behind)

    def submit(self, payload: bytes, count: int, context: Any) -> str | None:
        """Queue a frame of `count` commands, or a query (`count` 0); give the code of a refusal, None when queued."""
        weight = count or 1
        with self._lock:
            code = self._refusal(count, weight)
            if code is not None:
                self.measures.refuse(code, count)
                return code
            self._queued += weight
        self._inbox.put(Item(payload, count, context, perf_counter()))
        return None

    def _refusal(self, count: int, weight: int) -> str | None:
        """Return why something is not taken; questions are answered however far the followers are behind."""
        state = self._status[0]
        if state is not WriterState.READY or self._stop.is_set():
            return VENUE_HALTED if state is WriterState.HALTED else VENUE_UNAVAILABLE
        lag_max = self._options.lag_events_max
        if lag_max and count and self._sequence - self._followed > lag_max:
            return OVERLOADED
        return OVERLOADED if self._queued + weight > self._options.queue_commands_max else None

    def _followers_at(self, name: str, place: Place) -> None:
        """Take where the last of the followers is."""
        self._followed = place.sequence
        self.told.projected(place.number)
        lag = self._sequence - place.sequence
        behind = ""
        if self._options.lag_events_max and lag > self._options.lag_events_max:
            behind = f"the {name} is {lag:,} events behind, more than {self._options.lag_events_max:,}"
        if behind and not self._behind:
            logger.warning("shard %s: new commands are refused: %s", self.shard, behind)
        elif self._behind and not behind:
            logger.warning("shard %s: new commands are accepted again: the followers have caught up", self.shard)
        self._behind = behind

    def _run(self) -> None:
        end: MatchingError | None = None
        try:
            while not self._stop.is_set():
                self._serve(self._open())
        except _Interrupted:
            pass
        except MatchingError as error:
            end = error
        except Exception as error:
            logger.exception("the writer of shard %s failed", self.shard)
            end = EngineFaultError(str(error))
        finally:
            self._close(end)

    def _close(self, end: MatchingError | None) -> None:
        self._set(WriterState.FAILED if end else WriterState.STOPPED, str(end or ""))
        self.told.forget()
        self._watch.finish()
        self._refuse_queued()
        if not isinstance(end, ShardLostError | ShardHeldError):
            try:
                self._lease.release()
            except (JournalUnavailableError, JournalDamagedError) as error:
                logger.warning("the lease of shard %s was not released: %s", self.shard, error)
        connections.close_all()
        self._on_end(end)

    def _set(self, state: WriterState, detail: str = "") -> None:
        if self._status != (state, detail):
            logger.log(
                logging.WARNING if state is WriterState.RECOVERING and detail else logging.INFO,
                "writer of shard %s: %s%s",
                self.shard,
                state.value,
                f" ({detail})" if detail else "",
            )
        self._status = (state, detail)

    # -- becoming the writer ------------------------------------------------------------------------------------------

    def _open(self) -> Engine:
        """Try until this is the shard's writer and its epoch is open; give the engine.

        Raises:
            ShardHeldError, ShardLostError: another is, or became, the writer.
            JournalDamagedError: the journal cannot be true, or a database's file is damaged.
            _Interrupted: told to stop.

        """
        journal = self._journal(self.shard, wait_ms_max=self._wait_ms_max)
        while True:
            self._pause_if_stopping()
            try:
                engine = self._try_open(journal)
            except (JournalUnavailableError, DatabaseError) as error:
                if is_damage(error):
                    raise DatabaseDamagedError("a database of the order service", str(error)) from error
                self._set(WriterState.RECOVERING, str(error))
                # A server that went away leaves them broken, and Django mends them between requests only.
                connections.close_all()
                engine = None
            except JournalConflictError as conflict:
                logger.info("shard %s: %s; reading it again", self.shard, conflict)
                continue
            if engine is not None:
                return engine
            self._stop.wait(self._options.retry_s)

    def _try_open(self, journal: Journal) -> Engine | None:
        """Take the lease, recover, open the epoch; None: not now."""
        if (halt := self._lease.halt()) is not None:
            self._set(WriterState.HALTED, halt)
            return None
        head = journal.head()
        epoch = self._lease.acquire(above=head.epoch if head else 0)
        if epoch is None:
            self._stand_by()
            return None
        if self._status[0] is not WriterState.RECOVERING:
            # What failed stays said until it does not fail any more.
            self._set(WriterState.RECOVERING if self._number else WriterState.STARTING)
        began = time.monotonic()
        renew_at = time.monotonic() + self._options.lease_s / 3

        def tick() -> None:
            nonlocal renew_at
            self._pause_if_stopping()
            if time.monotonic() >= renew_at:
                renew_at = time.monotonic() + self._options.lease_s / 3
                if not self._lease.renew():
                    raise lost(self.shard, f"its lease is held by {self._lease.held_by()}")

        bounds_fix(self.shard)
        self.told.forget()
        # Its own journal: reading a chunk may take longer than a commit may.
        whole = self._journal(self.shard)
        if not self._tables_agree(whole):
            return None
        engine = recover(whole, tick=tick, told=self._published, tell=self._publish)
        if isinstance(self._clock, SteadyClock):
            self._clock.see(engine.at)
        self._open_epoch(journal, engine, epoch)
        self.measures.recovery_s = time.monotonic() - began
        self.measures.recoveries += 1
        # Until the watch has looked they count as being here: a start does not begin with a refusal.
        self._followed = engine.sequence
        if self._options.lag_events_max and not self._watch.is_alive():
            self._watch.start()
        return engine

    def _tables_agree(self, journal: Journal) -> bool:
        """Hold the journal against the tables; where it is behind them, halt before anything is answered."""
        try:
            tables_place(journal)
        except JournalBehindTablesError as error:
            halt_raise(shard=self.shard, number=error.number, detail=str(error))
            self._set(WriterState.HALTED, str(error))
            return False
        return True

    def _stand_by(self) -> None:
        detail = f"shard {self.shard} is held by {self._lease.held_by()}"
        if not self._options.stand_by:
            raise ShardHeldError(detail)
        self._set(WriterState.STANDBY, detail)

    def _open_epoch(self, journal: Journal, engine: Engine, epoch: int) -> None:
        """Commit the epoch's first batch; from then on no earlier writer can."""
        opening = [command_encode(OpenEpoch(epoch=epoch))]
        if engine.number == 0:
            opening.insert(0, command_encode(OpenVenue(hash_key=self._options.ids_key)))
        batch = engine.apply(frame_pack(opening), number=engine.number + 1, at=self._now(engine.at))
        if engine.epoch != epoch:
            message = f"the engine of shard {self.shard} is in epoch {engine.epoch} and refuses epoch {epoch}"
            raise EngineFaultError(message)
        append_surely(journal, row_of(batch, epoch=epoch), patience_s=self._options.patience_s)
        self._number, self._sequence = batch.number, batch.last_sequence
        self.told.begin(batch.number)
        # What an earlier writer began is gone on with.
        self._canceling, self._slice_queued = batch.is_canceling, False
        self._publish(batch)

    def _publish(self, batch: Batch) -> None:
        """Publish a durable batch; each once and in order, whichever thread has come to it."""
        self._publish_to(batch)
        self._published = batch.number

    def _pause_if_stopping(self) -> None:
        self._refuse_queued()
        if self._stop.is_set():
            raise _Interrupted

    # -- being it -----------------------------------------------------------------------------------------------------

    def _serve(self, engine: Engine) -> None:
        """Match what comes until told to stop, or until the committer has a fault."""
        committer = Committer(
            journal=self._journal(self.shard, wait_ms_max=self._wait_ms_max),
            lease=self._lease,
            options=CommitterOptions(patience_s=self._options.patience_s, renew_s=min(self._options.lease_s / 5, 1.0)),
            deliver=self._deliver,
            publish=self._publish,
            on_fault=self._on_fault,
            measures=self.measures,
            told=self.told,
        )
        committer.start()
        self._set(WriterState.READY)
        at = engine.at
        fault: MatchingError | None = None
        try:
            while committer.fault is None:
                self._slice_queue()
                first = self._inbox.get()
                if first is None:
                    if self._stop.is_set():
                        break
                    continue
                committer.slots.acquire()
                if committer.fault is not None:
                    self._refuse([first])
                    break
                at = self._now(at)
                work = self._match(engine, self._collect(first), at)
                committer.put(work, alone=self._inbox.empty())
        except EngineError as error:
            # The frame was counted and bounded at the door, so this is the engine's fault. The batch never reached
            # the journal: it has had no effect, and a new engine goes on without it.
            logger.exception("the engine of shard %s failed", self.shard)
            fault = EngineFaultError(str(error))
        finally:
            committer.finish()
        if isinstance(fault := committer.fault or fault, ShardLostError | JournalDamagedError):
            raise fault
        if fault is not None:
            self._set(WriterState.RECOVERING, str(fault))

    def _slice_queue(self) -> None:
        """Queue the next slice of a mass cancel that is not over, if it is not queued yet."""
        if not self._canceling or self._slice_queued:
            return
        self._slice_queued = True
        with self._lock:
            self._queued += 1
        self._inbox.put(next_slice())

    def _collect(self, first: Item) -> list[Item]:
        """Take what is queued, up to a batch's bound."""
        items, count = [first], first.count
        bound = self._options.batch_commands_max
        while count < bound:
            try:
                item = self._inbox.get_nowait()
            except Empty:
                break
            if item is None:
                # Told to stop, or a fault: looked at when this batch is on its way.
                self._inbox.put(None)
                break
            items.append(item)
            count += item.count
        with self._lock:
            self._queued -= sum(item.count or 1 for item in items)
        return items

    def _match(self, engine: Engine, items: list[Item], at: int) -> Work:
        commands = [item for item in items if item.count]
        if self._slice_queued and any(item.own for item in commands):
            self._slice_queued = False
        try:
            batch = None
            if commands:
                frame = commands[0].payload if len(commands) == 1 else b"".join([item.payload for item in commands])
                began = perf_counter()
                batch = engine.apply(frame, number=self._number + 1, at=at)
                self.measures.engine_s.observe(perf_counter() - began)
                self.measures.batch_commands.observe(batch.count)
                self._number, self._sequence = batch.number, batch.last_sequence
                self._canceling = batch.is_canceling
            answers = [(item, query_answer(engine, item.payload)) for item in items if not item.count]
        except EngineError:
            self._deliver(replies_refused(items, VENUE_UNAVAILABLE))
            raise
        return Work(batch, commands, answers)

    def _refuse(self, items: list[Item]) -> None:
        with self._lock:
            self._queued -= sum(item.count or 1 for item in items)
        self._deliver(replies_refused(items, VENUE_UNAVAILABLE))

    def _refuse_queued(self) -> None:
        """Refuse what waits: it was never matched, so nothing happened."""
        items: list[Item] = []
        with suppress(Empty):
            while True:
                if (item := self._inbox.get_nowait()) is not None:
                    items.append(item)
        if items:
            self._refuse(items)

    def _on_fault(self) -> None:
        """Take nothing more; called by the committer, before it answers for what it could not commit."""
        self._set(WriterState.RECOVERING, "the journal did not take a batch")
        self._inbox.put(None)

    def _now(self, last: int) -> int:
        """Read the clock; the journal's time does not go back, whatever clock it is."""
        now = self._clock()
        behind = self._clock.lead_ns if isinstance(self._clock, SteadyClock) else last - now
        lagging = behind > _LAG_WARN_NS
        if lagging and not self._lagging:
            text = "the clock is %.1f s behind the journal of shard %s, whose time never goes back"
            logger.warning(text, behind / 1e9, self.shard)
        self._lagging = lagging
        return max(now, last)
