"""The one door to the Rust module: engines with this venue's bounds, and re-execution of the journal."""

import logging
from collections.abc import Sequence

from cift_matching import (
    ENGINE_VERSION,
    Batch,
    Engine,
    EngineError,
    FrameError,
    Projector,
    SnapshotError,
    sections,
    verify_chain,
)
from django.conf import settings

from apps.orders.matching.errors import JournalDamagedError
from apps.orders.matching.journal import JournalRow
from apps.orders.models import EngineBounds
from cift.wire.queries import Answer, Query, answer_decode, query_encode

__all__ = [
    "ENGINE_VERSION",
    "Batch",
    "Engine",
    "EngineError",
    "FrameError",
    "Projector",
    "SnapshotError",
    "ask",
    "bounds_fix",
    "chain_of",
    "engine_new",
    "engine_restore",
    "reexecute",
    "reexecuted",
    "row_of",
    "sections",
]

logger = logging.getLogger(__name__)

_NS_PER_S = 1_000_000_000


def engine_new(shard: int | None = None) -> Engine:
    """Make an empty engine with the bounds a shard was opened with; before that, and for none, the settings'."""
    fixed = None
    if shard is not None:
        fixed = EngineBounds.objects.filter(shard=shard).values(*_bounds_set()).first()
    return Engine(**(fixed or _bounds_set()))


def bounds_fix(shard: int) -> None:
    """Write down the settings' bounds for good; where others were written down before, those stay, and it is said."""
    wanted = _bounds_set()
    fixed, _ = EngineBounds.objects.get_or_create(shard=shard, defaults=wanted)
    for name, value in wanted.items():
        if getattr(fixed, name) != value:
            logger.warning(
                "MATCHING sets %s to %s, but shard %s was opened with %s, which stays",
                name,
                value,
                shard,
                getattr(fixed, name),
            )


def _bounds_set() -> dict[str, int]:
    matching = settings.MATCHING
    return {
        "open_orders_max": matching["OPEN_ORDERS_MAX"],
        "ids_max": matching["IDS_MAX"],
        "ids_window_ns": matching["IDS_WINDOW_S"] * _NS_PER_S,
    }


def engine_restore(data: bytes) -> Engine:
    """Make an engine from a snapshot.

    Raises:
        SnapshotError: the bytes are damaged or of another version of the engine.

    """
    return Engine.restore(data)


def ask(engine: Engine, query: Query[Answer]) -> Answer:
    """Ask an engine of this process what the gateway asks the writer's."""
    return answer_decode(query, engine.query(query_encode(query)))


def row_of(batch: Batch, *, epoch: int) -> JournalRow:
    """Make the journal's row of a batch."""
    return JournalRow(
        number=batch.number,
        epoch=epoch,
        first_sequence=batch.first_sequence,
        last_sequence=batch.last_sequence,
        at=batch.at,
        engine_version=batch.engine_version,
        commands=batch.commands,
        events=batch.events,
        chain=batch.chain,
    )


def chain_of(previous: bytes, row: JournalRow) -> bytes:
    """Work out the chain hash a row must carry behind the one before."""
    return verify_chain(previous, row.number, row.at, row.engine_version, row.commands, row.events)


def reexecute(engine: Engine, rows: Sequence[JournalRow], *, shard: int) -> None:
    """Apply batches again and hold the results against what the journal says.

    Raises:
        JournalDamagedError: a row is missing, or is not what the engine makes; the engine is then no longer of use.

    """
    if (untrue := engine.retrace(list(rows))) is not None:
        raise JournalDamagedError(shard, *untrue)


def reexecuted(engine: Engine, row: JournalRow, *, shard: int) -> Batch:
    """Apply one batch again as `reexecute` does, and give it whole: there is somebody still to be told of it.

    Raises:
        JournalDamagedError: as there.

    """
    if row.number != (expected := engine.number + 1):
        raise JournalDamagedError(shard, expected, "the batch is missing")
    batch = engine.apply(row.commands, number=row.number, at=row.at)
    if row_of(batch, epoch=engine.epoch) != row:
        raise JournalDamagedError(shard, row.number, "it is not what its commands give")
    return batch
