"""Pages of orders, fills and trades, each read by walking an index from where the page begins.

An index serves a filter when the filter names all of its columns before the key. Where some are not named, every value
they may have is a stretch of the index of its own: each gives its first rows, and those are merged. So the cost of a
page depends on its limit, whatever the filters leave and however many rows there are.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import msgspec
from django.db import connection
from django.db.models import BigIntegerField, ExpressionWrapper, F, QuerySet, Value

from apps.marketdata.codes import Side
from apps.orders.ids import fill_id_first, order_id_first
from apps.orders.lifecycle import OrderStatus
from apps.orders.models import Fill, Order
from apps.orders.state import FillState, OrderState
from cift.rest.pages import PageAsk, key_bounds, rows_paged

_ORDER_COLUMNS = tuple(field.column for field in Order._meta.concrete_fields)
_FILL_COLUMNS = (
    "id",
    "order_id",
    "account_id",
    "instrument_id",
    "side",
    "price",
    "quantity",
    "fee",
    "liquidity",
    "trade_id",
    "executed_at",
)
_BY_ID = ("id",)
_SUMMED = {"id_sum": "id", "instrument_sum": "instrument_id", "status_sum": "status", "side_sum": "side"}
_SIGNS = {"gte": ">=", "lt": "<"}


class OrderFilters(msgspec.Struct, frozen=True):
    """What is wanted of an account's orders; None: anything. Times are sequences: from `first`, before `before`."""

    account: int
    instrument: int | None = None
    statuses: tuple[OrderStatus, ...] | None = None
    side: Side | None = None
    client_order_id: str | None = None
    first: int | None = None
    before: int | None = None


def orders_page(wanted: OrderFilters, ask: PageAsk) -> list[OrderState]:
    """Read a page of an account's orders, and one order more."""
    if wanted.client_order_id is not None:
        rows = _by_client_order_id(wanted, ask)
    elif (wanted.instrument, wanted.statuses, wanted.side) == (None, None, None):
        rows = Order.objects.of_account(wanted.account)
        rows = rows_paged(rows, ask, key=_BY_ID, least=_order_id(wanted.first), before=_order_id(wanted.before))
    else:
        with connection.cursor() as cursor:
            cursor.execute(*merged_statement(wanted, ask))
            return [OrderState(*row) for row in cursor.fetchall()]
    return [OrderState(*row) for row in rows.values_list(*_ORDER_COLUMNS)]


def _by_client_order_id(wanted: OrderFilters, ask: PageAsk) -> QuerySet[Order]:
    """Keep a page of the few orders of an id; all else is said of sums, so that no other index tempts a planner."""
    rows = Order.objects.of_account(wanted.account).filter(client_order_id=wanted.client_order_id)
    sums = {name: F(column) + Value(0, BigIntegerField()) for name, column in _SUMMED.items()}
    rows = rows.alias(**{name: ExpressionWrapper(each, BigIntegerField()) for name, each in sums.items()})
    named = {"instrument_sum": wanted.instrument, "status_sum__in": wanted.statuses, "side_sum": wanted.side}
    rows = rows.filter(**{name: value for name, value in named.items() if value is not None})
    bounds = {f"id_sum__{way}": bound for way, bound in _order_bounds(wanted, ask)}
    return rows.filter(**bounds).order_by("id" if ask.newer else "-id")[: ask.limit + 1]


def _order_bounds(wanted: OrderFilters, ask: PageAsk) -> Iterator[tuple[str, int]]:
    return key_bounds(ask, least=_order_id(wanted.first), before=_order_id(wanted.before))


def _order_id(sequence: int | None) -> int | None:
    return None if sequence is None else order_id_first(sequence)


def merged_statement(wanted: OrderFilters, ask: PageAsk) -> tuple[str, list[Any]]:
    """Write the query that merges stretches of an index: Django writes no union of limited parts for SQLite."""
    order = "ASC" if ask.newer else "DESC"
    bounds = [(f'"id" {_SIGNS[way]} %s', bound) for way, bound in _order_bounds(wanted, ask)]
    parts, values = [], []
    for number, stretch in enumerate(_stretches(wanted)):
        conditions = [*((f'"{column}" = %s', value) for column, value in stretch), *bounds]
        where = " AND ".join(condition for condition, _ in conditions)
        part = f'SELECT "id" FROM "{Order._meta.db_table}" WHERE {where} ORDER BY "id" {order} LIMIT %s'  # noqa: S608 - names are the model's
        parts.append(f'SELECT "id" FROM ({part}) AS "part_{number}"')  # noqa: S608 - as above
        values += [value for _, value in conditions] + [ask.limit + 1]
    ids = f'{" UNION ALL ".join(parts)} ORDER BY "id" {order} LIMIT %s'
    columns = ", ".join(f'"{column}"' for column in _ORDER_COLUMNS)
    # One statement, or an order could change between being found and being read.
    statement = f'SELECT {columns} FROM "{Order._meta.db_table}" WHERE "id" IN ({ids}) ORDER BY "id" {order}'  # noqa: S608 - as above
    return statement, [*values, ask.limit + 1]


def _stretches(wanted: OrderFilters) -> Iterator[list[tuple[str, int]]]:
    """Return the equalities of each stretch of the index that is walked."""
    fixed = [("account_id", wanted.account)]
    if wanted.instrument is not None:
        fixed.append(("instrument_id", wanted.instrument))
    statuses = tuple(OrderStatus) if wanted.statuses is None else wanted.statuses
    sides: Sequence[Side] = tuple(Side) if wanted.side is None else (wanted.side,)
    for status, side in product(statuses, sides):
        yield [*fixed, ("status", int(status)), ("side", int(side))]


def fills_page(
    account: int, ask: PageAsk, *, instrument: int | None, first: int | None, before: int | None
) -> list[FillState]:
    """Read a page of an account's fills, and one fill more; `first` and `before` bound the sequence."""
    rows = Fill.objects.filter(account_id=account)
    if instrument is not None:
        rows = rows.filter(instrument_id=instrument)
    least, end = (None if sequence is None else fill_id_first(sequence) for sequence in (first, before))
    found = rows_paged(rows, ask, key=_BY_ID, least=least, before=end)
    return [FillState(*row) for row in found.values_list(*_FILL_COLUMNS)]
