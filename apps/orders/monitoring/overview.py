"""How the venue is doing right now, gathered in a few bounded reads."""

import asyncio
from typing import Any

from asgiref.sync import async_to_sync

from apps.accounts.models import MoneyRequest
from apps.marketdata.codes import InstrumentStatus
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import book_find, instruments_all
from apps.orders.ids import order_id_first
from apps.orders.matching.halt import halt_of
from apps.orders.matching.service import ServiceState
from apps.orders.models import JournalBatch, Order, Projection, VenueState
from apps.orders.monitoring.status import service_ask
from apps.orders.selectors import shard
from cift.decimals import decimal_format
from cift.errors.application import ApplicationError
from cift.orderservice.gateway import gateway
from cift.times import clock_ns
from cift.wire.queries import BookFound, EngineStats, StatsQuery

BOOKS_MAX = 20
ORDERS_COUNTED_MAX = 50_000
SPAN_EVENTS_MAX = 1_000_000

Engine = tuple[EngineStats | None, list[BookFound | None]]
"""What the writer's engine said: its numbers, and each instrument's book."""


def overview(*, after: int | None) -> dict[str, Any]:
    """Give the venue's numbers; `after`: the sequence since which orders are counted, from an earlier answer."""
    number = shard()
    instruments = list(instruments_all()[:BOOKS_MAX])
    service, (stats, books) = async_to_sync(_asked)(instruments)
    projection = Projection.objects.filter(shard=number).first()
    projected = projection.last_sequence if projection else 0
    return {
        "at_ns": clock_ns(),
        "writer": service.state if service else "no answer",
        "queue": service.queue if service else None,
        "halt": halt_of(shard=number),
        "killed": VenueState.objects.filter(shard=number, killed=True).exists(),
        "sockets": service.sockets if service else None,
        "projected_sequence": projected,
        "orders": _orders_since(after, projected),
        "requests_to_book": MoneyRequest.objects.filter(due=True)[:100].count(),
        **_lag(projection, number),
        **(_stats(stats) if stats else {}),
        "books": [_book(row, book) for row, book in zip(instruments, books, strict=True)],
    }


async def _asked(instruments: list[Instrument]) -> tuple[ServiceState | None, Engine]:
    """Ask the order service and its engine, side by side."""
    return await asyncio.gather(service_ask(), _engine(instruments))


async def _engine(instruments: list[Instrument]) -> Engine:
    """Ask for the engine's numbers and the tops of its books; without a writer there are none."""
    try:
        stats = await gateway().query(StatsQuery())
        books = await asyncio.gather(*(book_find(instrument=row.pk, depth=1) for row in instruments))
    except ApplicationError:
        return None, [None] * len(instruments)
    return stats, list(books)


def _stats(stats: EngineStats) -> dict[str, Any]:
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


def _lag(projection: Projection | None, number: int) -> dict[str, Any]:
    """Tell how far the tables are behind: in batches, and how old the first one missing is."""
    at = projection.last_number if projection else 0
    rows = JournalBatch.objects.filter(shard=number).order_by("-number")
    head = rows.values_list("number", flat=True).first() or 0
    behind = max(head - at, 0)
    oldest = JournalBatch.objects.filter(shard=number, number=at + 1).values_list("at", flat=True).first()
    age_ms = max(clock_ns() - oldest, 0) // 1_000_000 if behind and oldest else 0
    return {"lag_batches": behind, "lag_ms": age_ms}


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
