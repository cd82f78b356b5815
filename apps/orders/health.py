"""How far the tables follow the journal, for /ready."""

from django.conf import settings

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


def journal_head(shard: int) -> int:
    """Give the number of a shard's last batch in the journal, 0 before the first."""
    numbers = JournalBatch.objects.filter(shard=shard).order_by("-number").values_list("number", flat=True)
    return numbers.first() or 0


def projection_place(shard: int) -> int:
    """Give the number of a shard's last batch in the tables, 0 before the first."""
    numbers = Projection.objects.filter(shard=shard).values_list("last_number", flat=True)
    return numbers.first() or 0


def batches_behind() -> int:
    """Count the batches that are in the journal and not in the tables."""
    shard = settings.MATCHING["SHARD"]
    return journal_head(shard) - projection_place(shard)
