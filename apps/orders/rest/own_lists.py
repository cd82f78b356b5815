"""Pages of the caller's own orders and fills, whichever way over HTTP they are asked for."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.marketdata.reference import instrument_wanted, reference_read
from apps.marketdata.shapes import SIDES
from apps.orders.entry.fields import CLIENT_ORDER_ID, SYMBOL
from apps.orders.rest.pages import OrderFilters, fills_page, orders_page
from apps.orders.rest.url_params import order_shape
from apps.orders.shapes import STATUSES, FillBody, fill_body
from apps.orders.state import FillState
from cift.fields import Field, choice
from cift.rest.pages import PageRequest, page_answer, page_ask
from cift.rest.queries import AT_LEAST_FIELDS, PAGE_FIELDS, SPAN_FIELDS, sequence_at

ORDER_FILTERS = {
    "symbol": Field(SYMBOL),
    "status": Field(choice(STATUSES)),
    "side": Field(choice(SIDES)),
    "client_order_id": Field(CLIENT_ORDER_ID),
    **SPAN_FIELDS,
    **PAGE_FIELDS,
    **AT_LEAST_FIELDS,
}

FILL_FILTERS = {"symbol": Field(SYMBOL), **SPAN_FIELDS, **PAGE_FIELDS, **AT_LEAST_FIELDS}

PageRead = Callable[[int, Mapping[str, Any], PageRequest], dict[str, Any]]
"""From an account, what its query says, and the request, to a page."""


def orders_read(account: int, read: Mapping[str, Any], request: PageRequest) -> dict[str, Any]:
    """Give a page of an account's orders, as a query read by `ORDER_FILTERS` wants them.

    Raises:
        ApplicationError: `invalid`: the cursor is none of this list's; `projection_behind`.

    """
    ask = page_ask(read)
    wanted = OrderFilters(
        account=account,
        instrument=instrument_wanted(read["symbol"]),
        status=read["status"],
        side=read["side"],
        client_order_id=read["client_order_id"],
        first=sequence_at(read["start"]),
        before=sequence_at(read["end"]),
    )
    found = orders_page(wanted, ask)
    return page_answer(found, ask, request, shape=order_shape, key_of=lambda order: (order.id,))


def fills_read(account: int, read: Mapping[str, Any], request: PageRequest) -> dict[str, Any]:
    """Give a page of an account's fills, as a query read by `FILL_FILTERS` wants them.

    Raises:
        ApplicationError: `invalid`: the cursor is none of this list's; `projection_behind`.

    """
    ask = page_ask(read)
    found = fills_page(
        account,
        ask,
        instrument=instrument_wanted(read["symbol"]),
        first=sequence_at(read["start"]),
        before=sequence_at(read["end"]),
    )
    return page_answer(found, ask, request, shape=_fill_shape, key_of=fill_key)


def fill_key(fill: FillState) -> tuple[int, ...]:
    """Give a fill's place in a list."""
    return (fill.id,)


def _fill_shape(fill: FillState) -> FillBody:
    return fill_body(fill, reference_read(fill.instrument))
