"""Pages of the caller's own orders and fills, whichever way over HTTP they are asked for."""

from collections.abc import Callable
from typing import Any

from apps.marketdata.reference import instrument_wanted, reference_read
from apps.marketdata.shapes import SIDES
from apps.orders.lifecycle import OPEN, REACHABLE, OrderStatus
from apps.orders.rest.pages import OrderFilters, fills_page, orders_page
from apps.orders.rest.url_params import order_shape
from apps.orders.shapes import STATUSES, FillBody, fill_body
from apps.orders.state import FillState, OrderState
from cift.fields import CLIENT_ORDER_ID, SYMBOL, Field, choice
from cift.rest.lists import PagedList, PageQuery
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, SPAN_FIELDS, sequence_at


def _fill_shape(fill: FillState) -> FillBody:
    return fill_body(fill, reference_read(fill.instrument))


STATUS_FILTERS: dict[str, tuple[OrderStatus, ...]] = {
    "open": tuple(sorted(OPEN)),
    **{name: (status,) for name, status in STATUSES.items() if status in REACHABLE},
}
"""What an order list's `status` may say, and the statuses it stands for; `open`: all that is live."""

ORDERS: PagedList[OrderState] = PagedList(
    filters={
        "symbol": Field(SYMBOL),
        "status": Field(choice(STATUS_FILTERS)),
        "side": Field(choice(SIDES)),
        "client_order_id": Field(CLIENT_ORDER_ID),
        **SPAN_FIELDS,
        **PAGE_FIELDS,
        **AT_LEAST_FIELDS,
    },
    key=("id",),
    shape=order_shape,
)

FILLS = PagedList(
    filters={"symbol": Field(SYMBOL), **SPAN_FIELDS, **PAGE_FIELDS, **AT_LEAST_FIELDS}, key=("id",), shape=_fill_shape
)

OwnPage = Callable[[int, PageQuery[Any]], dict[str, Any]]
"""From an account, and the page that is asked for, to the page."""


def orders_read(account: int, query: PageQuery[OrderState]) -> dict[str, Any]:
    """Return a page of an account's orders.

    Raises:
        ApplicationError: `projection_behind`.

    """
    given = query.given
    wanted = OrderFilters(
        account=account,
        instrument=instrument_wanted(given["symbol"]),
        statuses=given["status"],
        side=given["side"],
        client_order_id=given["client_order_id"],
        first=sequence_at(given["start"]),
        before=sequence_at(given["end"]),
    )
    return query.answer(orders_page(wanted, query.ask))


def fills_read(account: int, query: PageQuery[FillState]) -> dict[str, Any]:
    """Return a page of an account's fills.

    Raises:
        ApplicationError: `projection_behind`.

    """
    found = fills_page(
        account,
        query.ask,
        instrument=instrument_wanted(query.given["symbol"]),
        first=sequence_at(query.given["start"]),
        before=sequence_at(query.given["end"]),
    )
    return query.answer(found)
