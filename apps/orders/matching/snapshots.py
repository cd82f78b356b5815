"""Snapshots of the engine's whole state: made by the verifier, read at the start."""

import hashlib
import logging
from collections.abc import Iterator

from django.db import DatabaseError, transaction

from apps.orders.matching.connection import is_damage
from apps.orders.matching.engine import ENGINE_VERSION, Engine, SnapshotError, engine_restore
from apps.orders.models import Snapshot

logger = logging.getLogger(__name__)

SNAPSHOTS_KEPT = 3


def snapshot_save(engine: Engine, *, shard: int) -> None:
    """Keep the engine's state, and forget all but the last few."""
    data = engine.snapshot()
    values = {
        "sequence": engine.sequence,
        "chain": engine.chain,
        "state_hash": engine.state_hash(),
        "engine_version": ENGINE_VERSION,
        "at": engine.at,
        "data": data,
        "checksum": hashlib.sha256(data).digest(),
    }
    ours = Snapshot.objects.filter(shard=shard)
    with transaction.atomic(using=ours.db, durable=True):
        Snapshot.objects.update_or_create(shard=shard, number=engine.number, defaults=values)
        kept = list(ours.order_by("-number").values_list("pk", flat=True)[:SNAPSHOTS_KEPT])
        ours.exclude(pk__in=kept).delete()


def snapshots_restored(*, shard: int) -> Iterator[Engine]:
    """Restore the snapshots one after another, the newest first; a damaged one is passed over, and said loudly."""
    for number in _numbers(shard):
        try:
            yield _restore(Snapshot.objects.get(shard=shard, number=number))
        except (SnapshotError, Snapshot.DoesNotExist, DatabaseError) as error:
            logger.error(  # noqa: TRY400 - the line says it all
                "snapshot of shard %s behind batch %s is damaged and passed over for the one before: %s",
                shard,
                number,
                error,
            )


def _numbers(shard: int) -> list[int]:
    """Name the snapshots there are; of a file that is damaged none, for the journal has it all."""
    try:
        return list(Snapshot.objects.filter(shard=shard).order_by("-number").values_list("number", flat=True))
    except DatabaseError as error:
        if not is_damage(error):
            raise
        logger.error(  # noqa: TRY400 - the line says it all
            "the database of the snapshots is damaged (%s): shard %s is executed from its first batch on", error, shard
        )
        return []


def _restore(snapshot: Snapshot) -> Engine:
    """Restore one snapshot.

    Raises:
        SnapshotError: it is damaged, or is not what its row says.

    """
    data = bytes(snapshot.data)
    if hashlib.sha256(data).digest() != bytes(snapshot.checksum):
        message = "its checksum is wrong"
        raise SnapshotError(message)
    engine = engine_restore(data)
    found = (engine.number, engine.sequence, engine.chain, engine.state_hash())
    if found != (snapshot.number, snapshot.sequence, bytes(snapshot.chain), bytes(snapshot.state_hash)):
        message = "its state is not the one its row names"
        raise SnapshotError(message)
    return engine
