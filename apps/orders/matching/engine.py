"""The one door to the Rust module: engines with this venue's bounds, and re-execution of the journal."""

import logging

from cift_matching import ENGINE_VERSION, Batch, Engine, EngineError, FrameError, Projector, SnapshotError, sections
from django.conf import settings

from apps.orders.matching.errors import JournalDamagedError
from apps.orders.matching.journal import JournalRow
from apps.orders.models import EngineBounds

__all__ = [
    "ENGINE_VERSION",
    "Batch",
    "Engine",
    "EngineError",
    "FrameError",
    "Projector",
    "SnapshotError",
    "bounds_fix",
    "engine_new",
    "engine_restore",
    "reexecute",
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


def reexecute(engine: Engine, row: JournalRow, *, shard: int) -> None:
    """Apply a batch again and hold the result against what the journal says.

    Raises:
        JournalDamagedError: the row is missing, or is not what the engine makes; the engine is then no longer of use.

    """
    if row.engine_version != ENGINE_VERSION:
        detail = f"it is of engine version {row.engine_version}, this is {ENGINE_VERSION}; start from a later snapshot"
        raise JournalDamagedError(shard, row.number, detail)
    try:
        batch = engine.apply(row.commands, number=row.number, at=row.at)
    except EngineError as error:
        expected = engine.number + 1
        if row.number != expected:
            raise JournalDamagedError(shard, expected, "the batch is missing") from error
        raise JournalDamagedError(shard, row.number, f"its commands cannot be applied: {error}") from error
    if batch.chain != row.chain or batch.events != row.events:
        what = "chain hash" if batch.events == row.events else "events"
        raise JournalDamagedError(shard, row.number, f"its {what} are not those its commands give")
    made = (batch.first_sequence, batch.last_sequence, engine.epoch)
    if made != (row.first_sequence, row.last_sequence, row.epoch):
        raise JournalDamagedError(shard, row.number, "its sequences or its epoch are not those its commands give")
