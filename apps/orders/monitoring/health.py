"""The order service's own checks, for /ready."""

import msgspec
from django.conf import settings

from apps.orders.matching.halt import halt_of
from apps.orders.matching.places import age_s, head_of, places_of
from apps.orders.matching.service import ServiceState
from apps.orders.matching.work import WriterState
from apps.orders.models import JournalBatch
from cift.bus import buses
from cift.health import CHECK_S_MAX, Check, Finding, Status
from cift.processes.threads import database_call
from cift.times import clock_ns
from cift.wire.queries import StatsQuery, query_encode
from cift.wire.subjects import query_subject, status_subject

EVENTS_BEHIND_MAX = 20_000
SECONDS_BEHIND_MAX = 10.0
"""Further behind than either, a follower is degraded."""


class OrderServiceCheck(Check):
    """Whether the order service takes orders and answers a question; if not, what it waits for."""

    async def look(self) -> Finding:
        """Ask how it is, which it answers in any state; where it is ready, ask the engine for its counts."""
        shard = settings.MATCHING["SHARD"]
        answer = await buses["default"].request(status_subject(shard), b"", timeout_s=CHECK_S_MAX)
        service = msgspec.msgpack.decode(answer, type=ServiceState)
        if service.state != WriterState.READY:
            return Finding(Status.DOWN, ": ".join(filter(None, (service.state, service.detail))))
        await buses["default"].request(query_subject(shard), query_encode(StatsQuery()), timeout_s=CHECK_S_MAX)
        return Finding(Status.OK)


class FollowerCheck(Check):
    """Whether the projector, or the verifier, keeps up."""

    def __init__(self, *, follower: str, required: bool) -> None:
        """Name it."""
        super().__init__(required=required)
        self._follower = follower

    async def look(self) -> Finding:
        """Compare its place with the journal's head."""
        events, seconds = await database_call(self._behind)
        if events <= EVENTS_BEHIND_MAX and seconds <= SECONDS_BEHIND_MAX:
            return Finding(Status.OK)
        return Finding(Status.DEGRADED, f"{events:,} events behind, the first of them {seconds:.0f} s old")

    def _behind(self) -> tuple[int, float]:
        shard = settings.MATCHING["SHARD"]
        place = places_of(shard)[self._follower]
        head = head_of(shard)
        return max(head.sequence - place.sequence, 0), age_s(shard, place, head, clock_ns())


class TradingCheck(Check):
    """Whether new orders are taken: trading is not halted, and nobody who follows the journal is too far behind."""

    async def look(self) -> Finding:
        """Read the halt, and how far behind the followers are."""
        halt, behind = await database_call(_halt_and_lag)
        if halt is not None:
            return Finding(Status.DOWN, f"trading is halted: {halt}")
        follower = max(behind, key=lambda name: behind[name])
        lag_max = settings.MATCHING["LAG_EVENTS_MAX"]
        if lag_max and behind[follower] > lag_max:
            detail = f"new orders are refused: the {follower} is {behind[follower]:,} events behind"
            return Finding(Status.DOWN, detail)
        return Finding(Status.OK)


def events_behind() -> dict[str, int]:
    """Count the events in the journal that each follower has not seen."""
    shard = settings.MATCHING["SHARD"]
    # First where they are: read the other way round, one could seem to be ahead.
    places = places_of(shard)
    head = head_of(shard)
    return {name: max(head.sequence - place.sequence, 0) for name, place in places.items()}


def _halt_and_lag() -> tuple[str | None, dict[str, int]]:
    return halt_of(shard=settings.MATCHING["SHARD"]), events_behind()


def journal_head(shard: int) -> int:
    """Give the number of a shard's last batch in the journal, 0 before the first."""
    numbers = JournalBatch.objects.filter(shard=shard).order_by("-number").values_list("number", flat=True)
    return numbers.first() or 0
