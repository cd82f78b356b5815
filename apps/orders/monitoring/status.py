"""How the venue is, for an operator's one screen: asked of the running one, else read from the tables."""

import asyncio

import msgspec
from django.conf import settings
from django.db.models import Max, Min

from apps.marketdata.codes import Side
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import book_find, instruments_all
from apps.orders.matching.halt import halt_of
from apps.orders.matching.places import head_of, places_of
from apps.orders.matching.service import ServiceState
from apps.orders.models import Order, Snapshot, Verification
from apps.orders.monitoring.processes import ProcessFound, processes_of
from cift.bus import buses
from cift.bus.base import BusError
from cift.decimals import decimal_format
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns, time_format
from cift.wire.queries import BookFound
from cift.wire.subjects import status_subject

BOOKS_MAX = 20
ANSWER_S_MAX = 2.0


class FollowerState(msgspec.Struct):
    """How far one who follows the journal is."""

    sequence: int
    lag_batches: int
    lag_events: int


class BookTop(msgspec.Struct):
    """The best prices of a book; null: none. `simulated`: agents make this market."""

    symbol: str
    simulated: bool
    bid: str | None
    ask: str | None
    last: str | None


class VenueStatus(msgspec.Struct):
    """One look at the venue; `source`: `running`, or `tables` where no order service answers."""

    at: str
    source: str
    ready: bool
    service: ServiceState | None
    processes: list[ProcessFound]
    halt: str | None
    journal_sequence: int
    followers: dict[str, FollowerState]
    snapshot_sequence: int
    open_orders: int | None
    books: list[BookTop]


async def venue_status() -> VenueStatus:
    """Look at the venue.

    Raises:
        ApplicationError: `database_busy`.

    """
    service = await service_ask()
    found = await database_call(_from_tables)
    found.service = service
    if service is not None:
        found.source = "running"
        found.ready = service.state == "ready" and not service.detail and found.halt is None
        found.processes = processes_of(service.pid)
        found.books = await _books(await database_call(lambda: list(instruments_all()[:BOOKS_MAX]))) or found.books
    return found


async def service_ask() -> ServiceState | None:
    """Ask the order service how it is, whatever process it runs in; None: it does not answer."""
    subject = status_subject(settings.MATCHING["SHARD"])
    try:
        answer = await buses["default"].request(subject, b"", timeout_s=ANSWER_S_MAX)
    except BusError:
        return None
    return msgspec.msgpack.decode(answer, type=ServiceState)


async def _books(instruments: list[Instrument]) -> list[BookTop] | None:
    """Ask the writer for the tops; None: it does not answer now."""
    try:
        books = await asyncio.gather(*(book_find(instrument=row.pk, depth=1) for row in instruments))
    except ApplicationError:
        return None
    return [_top(row, book) for row, book in zip(instruments, books, strict=True) if book is not None]


def _top(row: Instrument, book: BookFound) -> BookTop:
    bid = book.bids[0][0] if book.bids else None
    ask = book.asks[0][0] if book.asks else None
    return BookTop(row.symbol, row.simulated, _price(row, bid), _price(row, ask), _price(row, book.last_price or None))


def _price(row: Instrument, price: int | None) -> str | None:
    return None if price is None else decimal_format(price, scale=row.price_scale)


def _from_tables() -> VenueStatus:
    shard = settings.MATCHING["SHARD"]
    places = places_of(shard)
    snapshot = Snapshot.objects.filter(shard=shard).order_by("-number").values_list("sequence", flat=True).first()
    head = head_of(shard)
    followers = {
        name: FollowerState(place.sequence, max(head.number - place.number, 0), max(head.sequence - place.sequence, 0))
        for name, place in places.items()
    }
    return VenueStatus(
        at=time_format(clock_ns()),
        source="tables",
        ready=False,
        service=None,
        processes=[],
        halt=halt_of(shard=shard),
        journal_sequence=head.sequence,
        followers=followers,
        snapshot_sequence=snapshot or 0,
        open_orders=Verification.objects.filter(shard=shard).values_list("open_orders", flat=True).first(),
        books=[_top_of_tables(row) for row in instruments_all()[:BOOKS_MAX]],
    )


def _top_of_tables(row: Instrument) -> BookTop:
    """Read the best prices among the open orders as the tables have them; the last price is the writer's to say."""
    open_orders = Order.objects.open().filter(instrument=row.pk)
    bid = open_orders.filter(side=Side.BUY).aggregate(best=Max("price"))["best"]
    ask = open_orders.filter(side=Side.SELL).aggregate(best=Min("price"))["best"]
    return BookTop(row.symbol, row.simulated, _price(row, bid), _price(row, ask), None)
