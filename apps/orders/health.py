"""How far the tables follow the journal, for /ready."""

from django.db.models import Max

from apps.orders.models import JournalBatch, Projection
from cift.health import Check, Status
from cift.threads import database_call

BATCHES_BEHIND_MAX = 1_000
"""Further behind than this, the projection is degraded."""


class ProjectionCheck(Check):
    """Whether the projection keeps up."""

    async def look(self) -> Status:
        """Compare its place with the journal's head."""
        behind = await database_call(batches_behind)
        return Status.OK if behind <= BATCHES_BEHIND_MAX else Status.DEGRADED


def journal_heads() -> dict[int, int]:
    """Give each shard's last batch in the journal."""
    return dict(JournalBatch.objects.values_list("shard").annotate(head=Max("number")))


def projection_places() -> dict[int, int]:
    """Give each shard's last batch in the tables."""
    return dict(Projection.objects.values_list("shard", "last_number"))


def batches_behind() -> int:
    """Count the batches that are in the journal and not in the tables, over all shards."""
    places = projection_places()
    return sum(head - places.get(shard, 0) for shard, head in journal_heads().items())
