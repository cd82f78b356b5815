"""What the address of an order says, whichever way over HTTP it is asked for."""

from typing import Any

from django.http import QueryDict

from apps.marketdata.reference import reference_read
from apps.orders.entry.fields import CANCEL_FIELDS
from apps.orders.models import Order
from apps.orders.selectors import order_of_account
from apps.orders.shapes import OrderBody, order_body
from apps.orders.state import OrderState
from cift.errors.application import ApplicationError, FieldError
from cift.fields import CLIENT_ORDER_ID, FieldInvalidError, number
from cift.rest.queries import query_given, query_read


def order_id_read(text: str) -> int:
    """Read an order's id.

    Raises:
        ApplicationError: `not_found`: no order has such an id.

    """
    try:
        return int(number(text))
    except FieldInvalidError as error:
        raise ApplicationError("not_found", "There is no such order.") from error


def client_order_id_read(text: str) -> str:
    """Read an id a client gave.

    Raises:
        ApplicationError: `not_found`: no order has such an id.

    """
    try:
        return str(CLIENT_ORDER_ID(text))
    except FieldInvalidError as error:
        raise ApplicationError("not_found", "There is no such order.") from error


def body_with_id(given: Any, order_id: int) -> Any:
    """Put the address's id into a body, which may not bring one of its own.

    Raises:
        ApplicationError: `invalid`: it does.

    """
    if not isinstance(given, dict):
        return given
    if "id" in given:
        fault = FieldError(field="id", code="unknown_field", detail="The id is in the address.")
        raise ApplicationError("invalid", errors=[fault])
    return {**given, "id": str(order_id)}


CANCEL_QUERY = {"deadline": CANCEL_FIELDS["deadline"]}
"""What a cancel's query may bring: what it cancels is in its address."""


def cancel_given(query: QueryDict, **named: str) -> dict[str, Any]:
    """Put what an address names beside its query.

    Raises:
        ApplicationError: `invalid`: the query has more than a deadline.

    """
    query_read(query, CANCEL_QUERY, with_empty=True)
    return {**query_given(query, with_empty=True), **named}


def cancel_all_given(query: QueryDict) -> dict[str, Any]:
    """Take a mass cancel's filters; a query's `all` is the word for what is a boolean in JSON.

    Raises:
        ApplicationError: `invalid`: one is given more than once.

    """
    given: dict[str, Any] = query_given(query, with_empty=True)
    if given.get("all") in _FLAGS:
        given["all"] = _FLAGS[given["all"]]
    return given


_FLAGS = {"true": True, "false": False}


def body_refuse(body: bytes) -> None:
    """Refuse a body where none is read: what it says, a filter even, would be passed over.

    Raises:
        ApplicationError: `invalid`: there is one.

    """
    if body:
        raise ApplicationError("invalid", "This call takes no body; its filters are the query's.")


def order_shape(state: OrderState) -> OrderBody:
    """Return an order's shape."""
    return order_body(state, reference_read(state.instrument))


def order_row_read(account: int, order_id: int) -> Order:
    """Find one of an account's orders.

    Raises:
        ApplicationError: `not_found`.

    """
    row = order_of_account(account, order_id)
    if row is None:
        raise ApplicationError("not_found", "There is no such order.")
    return row


def order_read(account: int, order_id: int) -> OrderBody:
    """Read one of an account's orders as the tables have it.

    Raises:
        ApplicationError: `not_found`.

    """
    return order_shape(OrderState.of_row(order_row_read(account, order_id)))
