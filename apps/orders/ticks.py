"""Trades from the fills table: each is its taker's fill."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from apps.marketdata.codes import Side
from apps.marketdata.ticks.base import Tick, TickStore
from apps.orders.codes import Liquidity
from apps.orders.ids import SEQUENCE_MAX, fill_id_first
from apps.orders.models import Fill
from apps.orders.selectors import projection_wait
from cift.orderservice.journal import journal_reads

_COLUMNS = ("trade_id", "price", "quantity", "side", "executed_at")


class FillTickStore(TickStore):
    """Reads what the projection has written."""

    def trades_last(self, instrument: int, *, after: int, up_to: int, limit: int) -> list[Tick]:
        """Read them from their end, once the tables have them."""
        projection_wait(sequence=up_to)
        rows = _takers(instrument).filter(id__gte=fill_id_first(after + 1), id__lt=fill_id_first(up_to + 1))
        return _ticks(rows.order_by("-id").values_list(*_COLUMNS)[:limit])[::-1]

    def trades_page(
        self, instrument: int, *, limit: int, cursor: int | None, newer: bool, start: int | None, end: int | None
    ) -> list[Tick]:
        """Read them along the index of takers' fills; a time is the first sequence that has it."""
        journal = journal_reads["default"]
        least = [] if start is None else [journal.sequence_at(start)]
        before = [] if end is None else [journal.sequence_at(end)]
        if cursor is not None:
            # It comes from a client: a number no sequence has must not become one no column holds.
            known = min(cursor, SEQUENCE_MAX)
            least, before = ([*least, known + 1], before) if newer else (least, [*before, known])
        rows = _takers(instrument)
        if least:
            rows = rows.filter(id__gte=fill_id_first(max(least)))
        if before:
            rows = rows.filter(id__lt=fill_id_first(min(before)))
        return _ticks(rows.order_by("id" if newer else "-id").values_list(*_COLUMNS)[:limit])


def _takers(instrument: int) -> QuerySet[Fill]:
    return Fill.objects.filter(instrument_id=instrument, liquidity=int(Liquidity.TAKER))


def _ticks(rows: Iterable[Any]) -> list[Tick]:
    return [Tick(sequence, price, quantity, Side(side), at) for sequence, price, quantity, side, at in rows]
