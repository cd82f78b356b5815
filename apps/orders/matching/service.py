"""The writer on the bus: commands and queries in, answers, feeds and the journal's head out."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from django.conf import settings

from apps.orders.events import VenueBlock
from apps.orders.matching.engine import Batch
from apps.orders.matching.errors import MatchingError
from apps.orders.matching.measures import WriterMeasures
from apps.orders.matching.told import told_drop, told_keep
from apps.orders.matching.work import (
    MALFORMED,
    WorkReply,
    WriterOptions,
    WriterState,
    WriterStatus,
    commands_count,
    refusal,
)
from apps.orders.matching.writer import Writer
from cift.bus.base import Bus, BusError, Subscription, VenueUnavailable
from cift.processes.turns import switch_quickly
from cift.wire.base import COMMANDS_PER_REQUEST_MAX, FrameDamagedError
from cift.wire.subjects import (
    account_subject,
    book_subject,
    commands_subject,
    journal_subject,
    message_id_of,
    query_subject,
    status_subject,
    told_subject,
    venue_subject,
)

logger = logging.getLogger(__name__)

BATCHES_UNPUBLISHED_MAX = 1_000

_READY_POLL_S = 0.005
_STANDBY_POLL_S = 0.05

_services: dict[int, "MatchingService"] = {}


class Message(NamedTuple):
    """What is published of a batch under one subject, and the batch's number."""

    subject: str
    payload: bytes
    number: int


class ServiceState(msgspec.Struct, frozen=True):
    """How an order service is, as it says itself on `orders.status.{shard}`; `recovery_s`: the last one's."""

    pid: int
    state: str
    detail: str
    epoch: int
    sequence: int
    queue: int
    sockets: int
    recoveries: int
    recovery_s: float | None


class Unpublished:
    """Batches' messages on their way to the bus, and at last the mark of the end (None); used from one event loop.

    Past its bound the oldest batch is dropped, but for its message on `kept_subject`: that goes with the next batch, as
    no other message would show that it is missing.
    """

    def __init__(self, *, kept_subject: str, batches_max: int = BATCHES_UNPUBLISHED_MAX) -> None:
        """Begin empty."""
        self._kept_subject = kept_subject
        self._batches_max = batches_max
        self._batches: deque[list[Message] | None] = deque()
        self._filled = asyncio.Event()
        self._dropping = False

    def put(self, messages: list[Message] | None) -> None:
        """Add a batch."""
        full = len(self._batches) == self._batches_max
        if full and not self._dropping:
            logger.warning("the bus lags by %s batches: the oldest are dropped", self._batches_max)
        self._dropping = full
        if full:
            self._drop_oldest()
        self._batches.append(messages)
        self._filled.set()

    def _drop_oldest(self) -> None:
        dropped, following = self._batches.popleft(), self._batches[0]
        if dropped and following:
            self._batches[0] = [message for message in dropped if message.subject == self._kept_subject] + following

    async def take(self) -> list[Message] | None:
        """Wait for the oldest batch; None: there will be no more."""
        while not self._batches:
            self._filled.clear()
            await self._filled.wait()
        return self._batches.popleft()


class MatchingService:
    """One shard's writer, answering on a bus from the event loop it is started in."""

    def __init__(
        self,
        bus: Bus,
        *,
        shard: int | None = None,
        stand_by: bool = False,
        on_end: Callable[[MatchingError | None], None] = lambda _: None,
        sockets: Callable[[], int] = lambda: 0,
    ) -> None:
        """Wire it; `on_end` is called in the loop when the writer is over, with its fault if it has one.

        `sockets` counts those open in this process, for whoever asks how it is.
        """
        matching = settings.MATCHING
        self.shard: int = matching["SHARD"] if shard is None else shard
        self._venue = venue_subject(self.shard)
        self._bus = bus
        self._on_end = on_end
        self._sockets = sockets
        self._stand_by = stand_by
        self._responders: list[Subscription] = []
        self._responding: asyncio.Task[None] | None = None
        self._unpublished = Unpublished(kept_subject=self._venue)
        self._publisher: asyncio.Task[None] | None = None
        self._writer = Writer(
            shard=self.shard,
            options=WriterOptions(
                ids_key=matching["IDS_KEY"],
                queue_commands_max=matching["QUEUE_COMMANDS_MAX"],
                batch_commands_max=matching["BATCH_COMMANDS_MAX"],
                lease_s=matching["LEASE_S"],
                stand_by=stand_by,
                lag_events_max=matching["LAG_EVENTS_MAX"],
            ),
            deliver=lambda outcomes: self._in_loop(self._settle, outcomes),
            publish=self._publish,
            on_end=lambda error: self._in_loop(self._ended, error),
        )

    async def start(self) -> None:
        """Answer on the bus and start the writer; until it is ready, commands are refused `venue_unavailable`.

        One that stands by answers nothing until the shard is its own: what another writer is asked is not its business.

        Raises:
            BusInUse: the shard has a responder on this bus.

        """
        self._loop = asyncio.get_running_loop()
        # The writer's threads share the interpreter with the loop.
        switch_quickly()
        if self._stand_by:
            self._responding = asyncio.create_task(self._respond_when_held(), name=f"standby-{self.shard}")
        else:
            await self._respond()
        self._publisher = asyncio.create_task(self._publish_all(), name=f"feeds-{self.shard}")
        self._writer.start()
        _services[self.shard] = self
        told_keep(self.shard, self._writer.told)

    async def _respond(self) -> None:
        handlers = {
            commands_subject: self._commands,
            query_subject: self._query,
            status_subject: self._state,
            told_subject: self._told,
        }
        # Side by side: a bus may have to wait for a responder that stands still.
        made = await asyncio.gather(
            *(self._bus.respond(subject_of(self.shard), handler) for subject_of, handler in handlers.items()),
            return_exceptions=True,
        )
        self._responders = [responder for responder in made if not isinstance(responder, BaseException)]
        for failure in made:
            if isinstance(failure, BaseException):
                await self._responders_close()
                raise failure

    async def _respond_when_held(self) -> None:
        """Answer once the shard is this writer's, and who had it has left the bus; a bus that is away is waited for."""
        ends = (WriterState.FAILED, WriterState.STOPPED)
        # The writer's state changes in its thread: it is looked at, not awaited.
        while not (status := self.status()).epoch:
            if status.state in ends:
                return
            await asyncio.sleep(_STANDBY_POLL_S)
        while True:
            try:
                await self._respond()
            except BusError as error:
                logger.info("shard %s cannot be asked yet: %s", self.shard, error)
                await asyncio.sleep(_STANDBY_POLL_S)
            else:
                return

    async def _responders_close(self) -> None:
        while self._responders:
            await self._responders.pop().close()

    async def stop(self) -> None:
        """Answer what was accepted, give the shard up, and end."""
        await asyncio.to_thread(self._writer.stop)
        told_drop(self.shard)
        if self._responding is not None:
            self._responding.cancel()
            await asyncio.wait((self._responding,))
        await self._responders_close()
        # Behind what the writer handed over last, through the same door.
        self._in_loop(self._unpublished.put, None)
        if self._publisher is not None:
            await self._publisher
        _services.pop(self.shard, None)

    async def ready(self, *, timeout_s: float) -> WriterStatus:
        """Wait until the writer is ready, over, or the time is up; give its status."""
        give_up_at = self._loop.time() + timeout_s
        ends = (WriterState.READY, WriterState.FAILED, WriterState.STOPPED)
        # The writer's state changes in its thread: it is looked at, not awaited.
        while (status := self.status()).state not in ends and self._loop.time() < give_up_at:  # noqa: ASYNC110
            await asyncio.sleep(_READY_POLL_S)
        return status

    def status(self) -> WriterStatus:
        """Return where the writer stands."""
        return self._writer.status()

    @property
    def measures(self) -> WriterMeasures:
        """What the writer counted of itself."""
        return self._writer.measures

    def _commands(self, frame: bytes) -> "asyncio.Future[bytes]":
        """Return the future the writer's answer will be put into."""
        future: asyncio.Future[bytes] = self._loop.create_future()
        try:
            count = commands_count(frame)
        except FrameDamagedError:
            future.set_result(refusal(MALFORMED, 1))
            return future
        code = MALFORMED if count > COMMANDS_PER_REQUEST_MAX else self._writer.submit(frame, count, future)
        if code is not None:
            future.set_result(refusal(code, count))
        return future

    async def _query(self, query: bytes) -> bytes:
        future: asyncio.Future[bytes | None] = self._loop.create_future()
        code = self._writer.submit(query, 0, future)
        answer = None if code is not None else await future
        if answer is None:
            raise VenueUnavailable(code or "the query cannot be answered")
        return answer

    def state(self) -> ServiceState:
        """Say how it is; the writer is not asked, so that it can be said whatever state it is in."""
        status, measures = self.status(), self.measures
        return ServiceState(
            pid=os.getpid(),
            state=status.state.value,
            detail=status.detail or status.behind,
            epoch=status.epoch,
            sequence=status.sequence,
            queue=status.queued,
            sockets=self._sockets(),
            recoveries=measures.recoveries,
            recovery_s=measures.recovery_s,
        )

    async def _state(self, _question: bytes) -> bytes:
        return msgspec.msgpack.encode(self.state())

    async def _told(self, account: bytes) -> bytes:
        """Say what an account was last told; the writer is not asked, as whoever reads must not wait for a batch."""
        return msgspec.msgpack.encode(self._writer.told.number_of(msgspec.msgpack.decode(account, type=int)))

    # -- from the writer's threads ------------------------------------------------------------------------------------

    def _in_loop(self, function: Callable[[Any], None], value: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, value)
        except RuntimeError:
            # The loop is closed: whoever waited in it has gone with it.
            logger.warning("the order service of shard %s outlived its event loop", self.shard)

    def _publish(self, batch: Batch) -> None:
        messages = [(book_subject(instrument), block) for instrument, block in batch.books()]
        messages += [(account_subject(account), block) for account, block in batch.accounts()]
        if batch.kill_switch is not None:
            sequence, on = batch.kill_switch
            block = VenueBlock(number=batch.number, at=batch.at, sequence=sequence, kill_switch=on)
            messages.append((self._venue, msgspec.msgpack.encode(block)))
        messages.append((journal_subject(self.shard), msgspec.msgpack.encode([batch.number])))
        self._in_loop(self._unpublished.put, [Message(subject, payload, batch.number) for subject, payload in messages])

    # -- in the loop --------------------------------------------------------------------------------------------------

    def _settle(self, outcomes: list[WorkReply]) -> None:
        for future, answer in outcomes:
            if not future.done():
                future.set_result(answer)

    def _ended(self, error: MatchingError | None) -> None:
        if error is not None:
            logger.critical("%s", error)
        self._on_end(error)

    async def _publish_all(self) -> None:
        """Publish batch after batch until the mark of the end; what the bus does not take is dropped."""
        while (messages := await self._unpublished.take()) is not None:
            for subject, payload, number in messages:
                message_id = message_id_of(shard=self.shard, number=number, subject=subject)
                try:
                    await self._bus.publish(subject, payload, message_id=message_id)
                except BusError as error:
                    logger.warning("%s was not published: %s", subject, error)


def services_running() -> list["MatchingService"]:
    """Return this process's order services."""
    return list(_services.values())
