"""A writer's bounds, and what passes between its threads: items in, work on its way to the journal, replies back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from apps.orders.commands import ContinueCancels
from apps.orders.matching.engine import Batch, Engine, FrameError
from cift.wire.base import (
    COMMAND_BYTES_MAX,
    COMMANDS_PER_FRAME_MAX,
    FrameDamagedError,
    command_encode,
    frame_pack,
)

OVERLOADED = "overloaded"
OUTCOME_UNKNOWN = "outcome_unknown"
VENUE_UNAVAILABLE = "venue_unavailable"
VENUE_HALTED = "venue_halted"
MALFORMED = "malformed"

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """Bounds and times of a writer; `ids_key` (16 bytes) keys the table of remembered ids when the venue opens.

    `lag_events_max`: how far its followers may be behind before new commands are refused; 0: any distance.
    """

    ids_key: bytes
    queue_commands_max: int = 10_000
    batch_commands_max: int = 500
    lease_s: float = 10.0
    patience_s: float = 2.0
    retry_s: float = 0.25
    stand_by: bool = False
    lag_events_max: int = 0


class WriterState(StrEnum):
    """Where a writer stands."""

    STARTING = "starting"
    STANDBY = "standby"
    READY = "ready"
    RECOVERING = "recovering"
    HALTED = "halted"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """A writer at one moment; `detail` says what it waits for or died of, `behind` why it refuses what is new."""

    state: WriterState
    detail: str
    epoch: int
    number: int
    sequence: int
    queued: int
    behind: str


@dataclass(slots=True, eq=False)
class Item:
    """A request on its way through the writer: `count` commands in a frame, or a query (`count` 0).

    `since`: when it was queued, seconds of the performance counter; `own`: it is the writer's, whom nobody answers.
    """

    payload: bytes
    count: int
    context: Any
    since: float = 0.0
    own: bool = False


@dataclass(slots=True)
class Work:
    """One batch and the answers that must wait until it is durable; without a batch, only answers to queries."""

    batch: Batch | None
    commands: list[Item]
    queries: list[tuple[Item, bytes | None]] = field(default_factory=list)


WorkReply = tuple[Any, bytes | None]
"""An item's context and its answer; None for a query that cannot be answered."""

Deliver = Callable[[list[WorkReply]], None]
"""Hands replies to those who asked; called from the writer's threads."""

Publish = Callable[[Batch], None]
"""Takes each durable batch, in order; called from the writer's threads."""


def refusal(code: str, count: int) -> bytes:
    """Answer `count` commands with a code."""
    return _encode([[code]] * count)


def replies_refused(items: list[Item], code: str) -> list[WorkReply]:
    """Refuse items with a code."""
    return [(item.context, refusal(code, item.count) if item.count else None) for item in items if not item.own]


def replies_of(work: Work) -> list[WorkReply]:
    """Answer everything in a piece of work; its batch is durable."""
    replies: list[WorkReply] = [(item.context, answer) for item, answer in work.queries]
    if work.batch is not None:
        entries = work.batch.replies()
        first = 0
        for item in work.commands:
            if not item.own:
                replies.append((item.context, _encode(entries[first : first + item.count])))
            first += item.count
    return replies


def replies_failed(work: Work, code: str) -> list[WorkReply]:
    """Answer everything in a piece of work that did not become durable, or perhaps not."""
    return replies_refused([*work.commands, *(item for item, _ in work.queries)], code)


_NEXT_SLICE = frame_pack([command_encode(ContinueCancels())])


def next_slice() -> Item:
    """Make the writer's own item, which goes on with a mass cancel."""
    return Item(_NEXT_SLICE, 1, None, own=True)


def query_answer(engine: Engine, query: bytes) -> bytes | None:
    """Answer a query from an engine's memory; None: it is none."""
    try:
        return engine.query(query)
    except FrameError:
        return None


def commands_count(frame: bytes) -> int:
    """Count a frame's commands.

    Raises:
        FrameDamagedError: it is no frame, is empty, or is above a bound.

    """
    count, offset, end = 0, 0, len(frame)
    while offset < end:
        length = int.from_bytes(frame[offset : offset + 4], "little")
        offset += 4 + length
        count += 1
        if length > COMMAND_BYTES_MAX or count > COMMANDS_PER_FRAME_MAX:
            message = "a frame is above its bound"
            raise FrameDamagedError(message)
    if offset != end or not count:
        message = "a frame is empty or ends inside a command"
        raise FrameDamagedError(message)
    return count
