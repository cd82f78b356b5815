"""What the address of an order says, whichever way over HTTP it is asked for."""

from typing import Any

from apps.marketdata.reference import InstrumentReference, references
from apps.orders.models import Order
from apps.orders.params import CLIENT_ORDER_ID
from apps.orders.selectors import order_of_account
from apps.orders.shapes import OrderBody, order_body
from apps.orders.state import OrderState
from cift.errors import ApplicationError, FieldError
from cift.fields import FieldInvalidError, number


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


def reference_read(instrument: int) -> InstrumentReference:
    """Find the instrument of a row that exists.

    Raises:
        ApplicationError: `projection_behind`: it was listed a moment ago.

    """
    reference = references.read_id(instrument)
    if reference is None:
        raise ApplicationError("projection_behind")
    return reference


def instrument_wanted(symbol: str | None) -> int | None:
    """Give the number a filter by symbol looks for: one nothing has, where there is no such instrument."""
    if symbol is None:
        return None
    reference = references.read_symbol(symbol)
    return reference.id if reference else 0


def order_shape(state: OrderState) -> OrderBody:
    """Give an order's shape."""
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
