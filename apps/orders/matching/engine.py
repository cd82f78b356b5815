"""The one door to the Rust module: engines with this venue's bounds, and re-execution of the journal."""

from cift_matching import ENGINE_VERSION, Batch, Engine, EngineError, FrameError, Projector, SnapshotError, sections
from django.conf import settings

from apps.orders.matching.errors import JournalDamagedError
from apps.orders.matching.journal import JournalRow

__all__ = [
    "ENGINE_VERSION",
    "Batch",
    "Engine",
    "EngineError",
    "FrameError",
    "Projector",
    "SnapshotError",
    "engine_new",
    "engine_restore",
    "reexecute",
    "row_of",
    "sections",
]

_NS_PER_S = 1_000_000_000


def engine_new() -> Engine:
    """Make an empty engine with the venue's bounds."""
    bounds = settings.MATCHING
    return Engine(
        open_orders_max=bounds["OPEN_ORDERS_MAX"],
        ids_max=bounds["IDS_MAX"],
        ids_window_ns=bounds["IDS_WINDOW_S"] * _NS_PER_S,
    )


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
