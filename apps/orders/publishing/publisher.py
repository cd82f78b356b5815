"""Follows the journal and publishes it to the streams.

Invariants:
    The streams themselves say how far they are: the publisher keeps no place of its own. It asks at its start, after
    each lost connection, after each fault, and every `LOOK_S`, and goes on behind what they have.
    A stream has each message once and in the journal's order, by the ids (`cift.bus.streams`).
    Of several publishers one gets on: another's messages do not follow what is in the stream, and it waits.

A stream that is missing is made. One that is empty is filled with the batches that are no older than it keeps them, as
far as the journal has them. What is filled again comes at `CATCH_UP_BATCHES_S` at most, so that whoever else reads the
journal, and its writer, are not held up.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
from django.db import DatabaseError, InterfaceError, connections
from prometheus_client import Counter, Gauge

from apps.orders.matching.errors import JournalDamagedError, MatchingError
from apps.orders.matching.journal import Journal, JournalRow, rows_bounded
from apps.orders.matching.places import head_of
from apps.orders.publishing.messages import PUBLISHED, messages_of, place_of_batch
from cift.bus.base import Bus, BusError
from cift.bus.streams import LastMessage, StreamMessage, StreamMissing, StreamRefused, Streams
from cift.orderservice.journal import journal_reads
from cift.times import clock_ns
from cift.wire.base import FrameDamagedError
from cift.wire.streams import MessageUnknownError, Stream, head_decode, place_subject
from cift.wire.subjects import journal_subject

CATCH_UP_BATCHES_S = 2_000
"""How many batches a second are published at most."""

STRETCH_BATCHES_MAX = 256
STRETCH_BYTES_MAX = 4 * 1024 * 1024
"""What is read and published together; a batch with more than these bytes of events goes by itself."""

PLACE_S = 1.0
"""How often, at most, it is said how far a stream is that has nothing of the last batches."""

LOOK_S = 5.0
"""How often the streams are asked whether they still have what was published."""

MEASURE_S = 1.0
RETRY_S = 0.5
_POLL_S = 0.25
_NS_PER_S = 1_000_000_000

_FAULTS = (BusError, DatabaseError, InterfaceError, MatchingError)

T = TypeVar("T")

logger = logging.getLogger(__name__)

published = Counter("cift_stream_messages", "Messages published to a stream", ("stream",))
lag_batches = Gauge("cift_publisher_lag_batches", "Batches of the journal that are not published", ("shard",))


class StreamAheadError(BusError):
    """A stream has batches the journal does not have: it was filled from another journal."""


class _Way(NamedTuple):
    """How far a stream is: it has all up to batch `complete`, and of the next one what is up to the id `behind`."""

    complete: int
    behind: str = ""


class StreamPublisher:
    """Publishes one shard; used from one event loop."""

    def __init__(
        self,
        shard: int,
        streams: Streams,
        *,
        rate: float = CATCH_UP_BATCHES_S,
        look_s: float = LOOK_S,
        clock: Callable[[], int] = clock_ns,
    ) -> None:
        """Take where to, batches a second at most, how often streams are looked at, and the time (ns, UTC)."""
        self._shard = shard
        self._streams = streams
        self._rate = rate
        self._look_s = look_s
        self._clock = clock
        self._journal = Journal(shard)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publisher")
        self._number = 0
        self._ways: dict[str, _Way] = {}
        self._seen: dict[str, str] = {}
        self._behind: dict[str, str] = {}
        self._placed: dict[str, int] = {}
        self._placed_at = self._look_at = 0.0
        self._last_row: JournalRow | None = None
        self._reconnections: int | None = None

    async def step(self) -> int:
        """Publish the next batches; return how many, 0 where the streams have all.

        Raises:
            BusError: what was not published is published by a later step.
            MatchingError, DatabaseError: the journal cannot be read.

        """
        began = time.monotonic()
        try:
            await self._find_place(began)
            rows, messages = await self._in_thread(self._stretch)
            if rows:
                self._last_row = rows[-1]
            messages += self._places(time.monotonic())
            if messages:
                await self._streams.publish(messages, behind=self._behind)
        except BaseException:
            self._reconnections = None
            raise
        self._seen.update(self._behind)
        for message in messages:
            published.labels(message.stream).inc()
        if rows:
            self._number = rows[-1].number
        if rows:
            await asyncio.sleep(max(len(rows) / self._rate - (time.monotonic() - began), 0))
        return len(rows)

    async def lag(self) -> int:
        """Count the batches of the journal that are not published.

        Raises:
            DatabaseError: it cannot be read.

        """
        head = await self._in_thread(lambda: head_of(self._shard))
        return max(head.number - self._number, 0)

    def close(self) -> None:
        """End the thread that reads the journal, and its connections."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _find_place(self, now: float) -> None:
        """Ask the streams how far they are, where that may not be what it was."""
        reconnections = await self._streams.reconnections()
        known = reconnections == self._reconnections
        if known and now < self._look_at:
            return
        last = {stream.name: await self._last(stream) for stream in PUBLISHED}
        self._look_at = now + self._look_s
        seen = {name: message.id for name, message in last.items() if message is not None}
        if known and seen == self._seen:
            return
        head = (await self._in_thread(lambda: head_of(self._shard))).number
        for stream in PUBLISHED:
            message = last[stream.name]
            self._ways[stream.name] = (
                _Way(await self._in_thread(partial(self._before, stream.age_s)))
                if message is None
                else _way_of(stream, message, shard=self._shard, head=head)
            )
        self._number = min(way.complete for way in self._ways.values())
        self._placed = {name: way.complete for name, way in self._ways.items() if not way.behind}
        self._seen, self._behind, self._last_row = seen, {}, None
        self._reconnections = reconnections
        if self._number < head:
            logger.info("shard %s is published from batch %s on, of %s", self._shard, self._number + 1, head)

    async def _last(self, stream: Stream) -> LastMessage | None:
        """Read a stream's newest message; one that is missing is made."""
        try:
            return await self._streams.last(stream)
        except StreamMissing:
            logger.warning("the stream %s is missing and is made", stream.name)
            for difference in await self._streams.ensure((stream,)):
                if difference.refused:
                    raise StreamRefused(str(difference)) from None
            return None

    def _before(self, age_s: int) -> int:
        """Find the last batch that is older than this; the journal's last one where all are."""
        sequence = journal_reads["default"].sequence_at(self._clock() - age_s * _NS_PER_S)
        row = self._journal.first_from(sequence)
        return head_of(self._shard).number if row is None else row.number - 1

    def _stretch(self) -> tuple[Sequence[JournalRow], list[StreamMessage]]:
        """Read the next batches, and make of them what the streams do not have."""
        rows = rows_bounded(self._journal.chunk(self._number, rows=STRETCH_BATCHES_MAX), bytes_max=STRETCH_BYTES_MAX)
        if rows and rows[0].number != self._number + 1:
            logger.warning(
                "batches %s to %s of shard %s are no longer in the journal and are not published",
                self._number + 1,
                rows[0].number - 1,
                self._shard,
            )
        return rows, list(self._due(rows))

    def _due(self, rows: Sequence[JournalRow]) -> Iterator[StreamMessage]:
        for row in rows:
            try:
                messages = list(messages_of(row, shard=self._shard))
            except (FrameDamagedError, msgspec.DecodeError) as error:
                raise JournalDamagedError(self._shard, row.number, str(error)) from error
            for message in messages:
                complete, behind = self._ways[message.stream]
                if row.number <= complete:
                    continue
                if row.number == complete + 1 and behind:
                    if message.id == behind:
                        self._ways[message.stream] = _Way(complete)
                    continue
                yield message

    def _places(self, now: float) -> list[StreamMessage]:
        """Say of each stream that it has all up to the last batch, unless that was said a moment ago."""
        row = self._last_row
        if row is None or now - self._placed_at < PLACE_S:
            return []
        owed = [stream for stream in PUBLISHED if self._placed.get(stream.name, 0) < row.number]
        self._placed.update((stream.name, row.number) for stream in owed)
        self._placed_at = now
        return [place_of_batch(stream, row, shard=self._shard) for stream in owed]


def _way_of(stream: Stream, last: LastMessage, *, shard: int, head: int) -> _Way:
    """Read how far a stream is from its newest message.

    Raises:
        StreamRefused: somebody else has written into the stream.
        StreamAheadError: it was filled from another journal.

    """
    try:
        number = head_decode(last.payload).number
    except MessageUnknownError as error:
        raise StreamRefused(f"the newest message of {stream.name} is not the publisher's: {error}") from error
    if number > head:
        raise StreamAheadError(
            f"{stream.name} has batch {number}, the journal ends at {head}: it was filled from another journal; "
            "delete the stream, and it is filled from this one"
        )
    return _Way(number) if last.subject == place_subject(stream, shard) else _Way(number - 1, last.id)


async def publish_always(publisher: StreamPublisher, bus: Bus, *, shard: int, stop: asyncio.Event, once: bool) -> None:
    """Publish until stopped, or with `once` until the streams have all; what fails is tried again until it works."""
    wake = asyncio.Event()

    async def hint(_subject: str, _payload: bytes) -> None:
        wake.set()

    gauge = lag_batches.labels(str(shard))
    said, measure_at = "", 0.0
    subscription = await bus.subscribe(journal_subject(shard), hint)
    try:
        while not stop.is_set():
            wake.clear()
            try:
                count = await publisher.step()
                if said:
                    logger.info("shard %s is published again", shard)
                fault = said = ""
            except _FAULTS as error:
                count, fault = 0, str(error).strip()
                if fault != said:
                    logger.warning("shard %s is not published: %s; retrying", shard, fault)
                said = fault
            if time.monotonic() >= measure_at:
                measure_at = time.monotonic() + MEASURE_S
                with suppress(DatabaseError, InterfaceError):
                    gauge.set(await publisher.lag())
            if once and not count and not fault:
                return
            if not count:
                await _first(stop, *(() if fault else (wake,)), timeout_s=RETRY_S if fault else _POLL_S)
    finally:
        await subscription.close()


async def _first(*events: asyncio.Event, timeout_s: float) -> None:
    """Wait until one of them is set, or the time is over."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for future in waiting:
        future.cancel()
