"""How the venue is, for an operator's one screen: asked of the running one, else read from the tables."""

import logging
from collections.abc import Sequence

import msgspec
from django.db.models import Max, Min

from apps.marketdata.codes import Side
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import instruments_all
from apps.marketdata.ticks import tick_stores
from apps.orders.matching.service import ServiceState
from apps.orders.models import Order
from apps.orders.monitoring.processes import ProcessFound, processes_of
from apps.orders.monitoring.report import BOOKS_MAX, TablesReport, VenueReport, WriterReport, tables_read, writer_ask
from cift.decimals import decimal_format
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns, time_format
from cift.wire.queries import BookFound

logger = logging.getLogger(__name__)


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
    kill_switch: bool
    journal_sequence: int
    followers: dict[str, FollowerState]
    snapshot_sequence: int
    ticks_sequence: int | None
    open_orders: int | None
    books: list[BookTop]


async def venue_status() -> VenueStatus:
    """Look at the venue.

    Raises:
        ApplicationError: `database_busy`.

    """
    instruments, tables = await database_call(_read)
    report = VenueReport(at=clock_ns(), writer=await writer_ask(instruments), tables=tables)
    service, engine = report.writer.service, report.writer.engine
    books = await database_call(_tops_of_tables, instruments) if engine is None else _tops(instruments, report.writer)
    return VenueStatus(
        at=time_format(report.at),
        source="tables" if service is None else "running",
        ready=report.is_ready,
        service=service,
        processes=[] if service is None else processes_of(service.pid),
        halt=tables.halt,
        kill_switch=report.kill_switch,
        journal_sequence=tables.head.sequence,
        followers={
            name: FollowerState(follower.place.sequence, follower.lag_batches, follower.lag_events)
            for name, follower in tables.followers.items()
        },
        snapshot_sequence=tables.snapshot,
        ticks_sequence=await database_call(ticks_sequence),
        open_orders=tables.open_orders,
        books=books,
    )


def ticks_sequence() -> int | None:
    """Read up to which sequence the store of trades has all; None: it cannot be read."""
    try:
        return tick_stores["default"].sequence()
    except ApplicationError as error:
        logger.warning("the store of trades cannot be read: %s", error)
        return None


def _read() -> tuple[list[Instrument], TablesReport]:
    return list(instruments_all()[:BOOKS_MAX]), tables_read(snapshots=True)


def _tops(instruments: Sequence[Instrument], writer: WriterReport) -> list[BookTop]:
    return [_top(row, book) for row, book in zip(instruments, writer.books, strict=True) if book is not None]


def _top(row: Instrument, book: BookFound) -> BookTop:
    bid = book.bids[0][0] if book.bids else None
    ask = book.asks[0][0] if book.asks else None
    return BookTop(row.symbol, row.simulated, _price(row, bid), _price(row, ask), _price(row, book.last_price or None))


def _price(row: Instrument, price: int | None) -> str | None:
    return None if price is None else decimal_format(price, scale=row.price_scale)


def _tops_of_tables(instruments: Sequence[Instrument]) -> list[BookTop]:
    return [_top_of_tables(row) for row in instruments]


def _top_of_tables(row: Instrument) -> BookTop:
    """Read the best prices among the open orders as the tables have them; the last price is the writer's to say."""
    open_orders = Order.objects.open().filter(instrument=row.pk)
    bid = open_orders.filter(side=Side.BUY).aggregate(best=Max("price"))["best"]
    ask = open_orders.filter(side=Side.SELL).aggregate(best=Min("price"))["best"]
    return BookTop(row.symbol, row.simulated, _price(row, bid), _price(row, ask), None)
