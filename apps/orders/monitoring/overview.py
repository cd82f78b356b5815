"""How the venue is doing right now, gathered in a few bounded reads."""

from typing import Any

from apps.accounts.models import MoneyRequest
from apps.marketdata.codes import InstrumentStatus
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import instruments_all
from apps.orders.ids import order_id_first
from apps.orders.models import Order
from apps.orders.monitoring.report import BOOKS_MAX, VenueReport, tables_read, writer_ask
from cift.decimals import decimal_format
from cift.processes.turns import async_to_sync
from cift.times import clock_ns
from cift.wire.queries import BookFound, EngineStats

ORDERS_COUNTED_MAX = 50_000
SPAN_EVENTS_MAX = 1_000_000

_MS_PER_S = 1_000


def overview(*, after: int | None) -> dict[str, Any]:
    """Return the venue's numbers; `after`: the sequence since which orders are counted, from an earlier answer."""
    instruments = list(instruments_all()[:BOOKS_MAX])
    report = VenueReport(
        writer=async_to_sync(writer_ask)(instruments),
        tables=tables_read(snapshots=False, verifier=False),
        at=clock_ns(),
    )
    service, engine, books = report.writer
    projector = report.tables.followers["projector"]
    return {
        "at_ns": report.at,
        "writer": service.state if service else "no answer",
        "queue": service.queue if service else None,
        "halt": report.tables.halt,
        "killed": report.kill_switch,
        "sockets": service.sockets if service else None,
        "projected_sequence": projector.place.sequence,
        "orders": _orders_since(after, projector.place.sequence),
        "requests_to_book": MoneyRequest.objects.filter(due=True)[:100].count(),
        "lag_batches": projector.lag_batches,
        "lag_ms": int(projector.lag_s * _MS_PER_S),
        **(_engine(engine) if engine else {}),
        "books": [_book(row, book) for row, book in zip(instruments, books, strict=True)],
    }


def _engine(stats: EngineStats) -> dict[str, int]:
    return {
        "batch": stats.number,
        "sequence": stats.sequence,
        "epoch": stats.epoch,
        "accounts": stats.accounts,
        "open_orders": stats.open_orders,
    }


def _orders_since(after: int | None, projected: int) -> int | None:
    if after is None or not 0 <= projected - after <= SPAN_EVENTS_MAX:
        return None
    rows = Order.objects.filter(id__gte=order_id_first(after + 1), id__lt=order_id_first(projected + 1))
    return rows.order_by("id").values("id")[:ORDERS_COUNTED_MAX].count()


def _book(row: Instrument, book: BookFound | None) -> dict[str, Any]:
    bid = book.bids[0] if book and book.bids else None
    ask = book.asks[0] if book and book.asks else None
    return {
        "symbol": row.symbol,
        "market": "simulated" if row.simulated else "",
        "status": InstrumentStatus(book.status if book else row.status).name.lower(),
        "bid": bid and decimal_format(bid[0], scale=row.price_scale),
        "bid_quantity": bid and decimal_format(bid[1], scale=row.base.scale),
        "ask": ask and decimal_format(ask[0], scale=row.price_scale),
        "ask_quantity": ask and decimal_format(ask[1], scale=row.base.scale),
        "last": decimal_format(book.last_price, scale=row.price_scale) if book and book.last_price else None,
    }
