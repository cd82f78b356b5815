"""How the venue is: asked and read once, judged once; whoever shows it only lays it out.

`/ready`, `/metrics`, `manage.py venue_status` and the back office's overview are made from this. The socket's `status`
channel stands below it and says one thing alone, the kill switch, by the same query of the engine.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from django.conf import settings

from apps.marketdata.models import Instrument
from apps.marketdata.selectors import book_find
from apps.orders.matching.halt import halt_of
from apps.orders.matching.places import Place, head_of, place_of
from apps.orders.matching.service import ServiceState
from apps.orders.matching.work import WriterState
from apps.orders.models import JournalBatch, Projection, Snapshot, VenueState, Verification
from apps.orders.selectors import shard
from cift.bus import buses
from cift.bus.base import BusError
from cift.errors.application import ApplicationError
from cift.monitoring.health import Finding, Status
from cift.orderservice.gateway import gateway
from cift.times import clock_ns
from cift.wire.queries import BookFound, EngineStats, StatsQuery
from cift.wire.subjects import status_subject

EVENTS_BEHIND_MAX = 20_000
SECONDS_BEHIND_MAX = 10.0
"""Further behind than either, a follower is degraded."""

ANSWER_S_MAX = 2.0
"""Who does not answer within this does not answer."""

BOOKS_MAX = 20
"""So many instruments' books are shown at most."""

_NS_PER_S = 1_000_000_000


class FollowerReport(NamedTuple):
    """How far one who follows the journal is; `lag_s`: how old the first batch is that it has not seen."""

    place: Place
    lag_batches: int
    lag_events: int
    lag_s: float

    def judge(self) -> Finding:
        """Say whether it keeps up."""
        if self.lag_events <= EVENTS_BEHIND_MAX and self.lag_s <= SECONDS_BEHIND_MAX:
            return Finding(Status.OK)
        detail = f"{self.lag_events:,} events behind, the first of them {self.lag_s:.0f} s old"
        return Finding(Status.DEGRADED, detail)


class TablesReport(NamedTuple):
    """The venue as journal and tables have it, in whatever processes its parts run.

    `halt`: why trading is halted; `open_orders` and `ids` (remembered client order ids) as the verifier has counted
    them, None before its first step; `snapshot`: the last one's sequence, 0 before the first.
    """

    head: Place
    followers: dict[str, FollowerReport]
    halt: str | None
    kill_switch: bool
    open_orders: int | None
    ids: int | None
    snapshot: int

    def judge(self) -> Finding:
        """Say whether new orders are taken: no halt, and nobody who follows the journal is too far behind."""
        if self.halt is not None:
            return Finding(Status.DOWN, f"trading is halted: {self.halt}")
        name, last = max(self.followers.items(), key=lambda each: each[1].lag_events)
        lag_max = settings.MATCHING["LAG_EVENTS_MAX"]
        if lag_max and last.lag_events > lag_max:
            return Finding(Status.DOWN, f"new orders are refused: the {name} is {last.lag_events:,} events behind")
        return Finding(Status.OK)


class WriterReport(NamedTuple):
    """What answers at the moment: the order service, in any state, and its engine; None: no answer.

    `books`: of each instrument asked for, as far as the engine knows it.
    """

    service: ServiceState | None
    engine: EngineStats | None
    books: Sequence[BookFound | None]

    def judge(self) -> Finding:
        """Say whether commands are taken and questions answered; if not, what the writer waits for."""
        if self.service is None:
            return Finding(Status.DOWN)
        if self.service.state != WriterState.READY:
            return Finding(Status.DOWN, ": ".join(filter(None, (self.service.state, self.service.detail))))
        return Finding(Status.DOWN if self.engine is None else Status.OK)


class VenueReport(NamedTuple):
    """The whole venue at one moment (ns since epoch)."""

    at: int
    writer: WriterReport
    tables: TablesReport

    @property
    def is_ready(self) -> bool:
        """Whether new orders are taken and answered."""
        return self.writer.judge().status == self.tables.judge().status == Status.OK

    @property
    def kill_switch(self) -> bool:
        """Whether the kill switch is on: the engine knows, without it the tables show what it last said."""
        engine = self.writer.engine
        return self.tables.kill_switch if engine is None else bool(engine.killed)


async def writer_ask(instruments: Sequence[Instrument] = ()) -> WriterReport:
    """Ask the order service and its engine, side by side, in whatever process they run."""
    service, (engine, books) = await asyncio.gather(_service_ask(), _engine_ask(instruments))
    return WriterReport(service, engine, books)


async def _service_ask() -> ServiceState | None:
    try:
        answer = await buses["default"].request(status_subject(shard()), b"", timeout_s=ANSWER_S_MAX)
    except BusError:
        return None
    return msgspec.msgpack.decode(answer, type=ServiceState)


async def _engine_ask(instruments: Sequence[Instrument]) -> tuple[EngineStats | None, Sequence[BookFound | None]]:
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            asked = asyncio.gather(*(book_find(instrument=row.pk, depth=1) for row in instruments))
            return await asyncio.gather(gateway().query(StatsQuery()), asked)
    except (ApplicationError, TimeoutError):
        return None, [None] * len(instruments)


def tables_read(*, snapshots: bool, verifier: bool = True) -> TablesReport:
    """Read journal and tables: five statements, one more where a follower lags, one more for `snapshots`.

    Snapshots and the verifier's place are in a database of their own, which the venue can do without: who must not
    depend on it asks for neither. `snapshot` is 0 unless asked for; without `verifier` it is not among the followers.

    Raises:
        DatabaseError: one of the databases does not answer.

    """
    number = shard()
    # First where the followers are: read the other way round, one could seem to be ahead.
    projector = place_of(Projection, number)
    rows = Verification.objects.filter(shard=number).values_list("last_number", "last_sequence", "open_orders", "ids")
    verified = rows.first() if verifier else None
    places = {"projector": projector}
    if verifier:
        places["verifier"] = Place(*verified[:2]) if verified else Place(0, 0)
    head = head_of(number)
    newest = Snapshot.objects.filter(shard=number).order_by("-number").values_list("sequence", flat=True)
    return TablesReport(
        head=head,
        followers=_followers(number, head, places),
        halt=halt_of(shard=number),
        kill_switch=VenueState.objects.filter(shard=number, killed=True).exists(),
        open_orders=verified[2] if verified else None,
        ids=verified[3] if verified else None,
        snapshot=(newest.first() or 0) if snapshots else 0,
    )


def _followers(number: int, head: Place, places: dict[str, Place]) -> dict[str, FollowerReport]:
    """Hold places against the journal's head; a batch not seen is looked up for its time."""
    unseen = {place.number + 1 for place in places.values() if place.number < head.number}
    rows = JournalBatch.objects.filter(shard=number, number__in=unseen).values_list("number", "at") if unseen else ()
    written_at, now = dict(rows), clock_ns()
    return {
        name: FollowerReport(
            place,
            max(head.number - place.number, 0),
            max(head.sequence - place.sequence, 0),
            max(now - written_at.get(place.number + 1, now), 0) / _NS_PER_S,
        )
        for name, place in places.items()
    }
