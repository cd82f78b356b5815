"""What clients send about orders: the tables of fields, and how they become commands.

Only shape and types are looked at: whether a price is on the tick or an account has the funds is the engine's to say.
"""

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.shapes import SIDES
from apps.orders.shapes import ORDER_TYPES, SELF_TRADE_PREVENTIONS, TIMES_IN_FORCE
from cift.errors.application import ApplicationError, FieldError
from cift.fields import (
    CLIENT_ORDER_ID,
    SYMBOL,
    Field,
    FieldInvalidError,
    Kind,
    boolean,
    choice,
    decimal,
    fields_read,
    moment,
    number,
)
from cift.times import clock_ns
from cift.wire.base import BATCH_MEMBERS_MAX

DEADLINE_NS_MAX = 5_000_000_000
"""The furthest a command's deadline is from its arrival; without one of the client's, that is its deadline."""

SUBMIT_FIELDS: Mapping[str, Field] = {
    "symbol": Field(SYMBOL, required=True),
    "side": Field(choice(SIDES), required=True),
    "type": Field(choice(ORDER_TYPES), required=True),
    "quantity": Field(decimal),
    "quote_amount": Field(decimal),
    "price": Field(decimal),
    "time_in_force": Field(choice(TIMES_IN_FORCE)),
    "post_only": Field(boolean, default=False),
    "self_trade_prevention": Field(choice(SELF_TRADE_PREVENTIONS), default=SelfTradePrevention.DEFAULT),
    "client_order_id": Field(CLIENT_ORDER_ID),
    "deadline": Field(moment),
}

AMEND_FIELDS: Mapping[str, Field] = {
    "id": Field(number, required=True),
    "price": Field(decimal),
    "quantity": Field(decimal),
    "deadline": Field(moment),
}

CANCEL_FIELDS: Mapping[str, Field] = {
    "id": Field(number),
    "client_order_id": Field(CLIENT_ORDER_ID),
    "deadline": Field(moment),
}

CANCEL_ALL_FIELDS: Mapping[str, Field] = {
    "symbol": Field(SYMBOL),
    "side": Field(choice(SIDES)),
    "price_min": Field(decimal),
    "price_max": Field(decimal),
    "all": Field(boolean, default=False),
    "deadline": Field(moment),
}
"""`all` says that no filter is meant; without either, nothing is canceled."""


def _members(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise FieldInvalidError("wrong_type", "A list is wanted.")
    if not 1 <= len(value) <= BATCH_MEMBERS_MAX:
        raise FieldInvalidError("out_of_range", f"1 to {BATCH_MEMBERS_MAX} commands.")
    return value


_MEMBERS = Kind(_members, {"type": "array", "minItems": 1, "maxItems": BATCH_MEMBERS_MAX})

BATCH_FIELDS: Mapping[str, Field] = {
    "orders": Field(_MEMBERS, required=True),
    "atomic": Field(boolean, default=False),
    "client_batch_id": Field(CLIENT_ORDER_ID),
    "deadline": Field(moment),
}

BATCH_OPERATIONS = ("submit", "amend", "cancel")

BATCH_OPERATION = choice({name: name for name in BATCH_OPERATIONS})


def params_read(given: Any, table: Mapping[str, Field]) -> dict[str, Any]:
    """Read a request's fields.

    Raises:
        ApplicationError: `invalid`, with every fault.

    """
    errors: list[FieldError] = []
    read = fields_read(given, table, errors)
    if errors:
        raise ApplicationError("invalid", errors=errors)
    return read


def deadline_of(given: int | None, *, at: int) -> int:
    """Return a command's deadline in the venue's time: the client's, which is of the clock, within the bound."""
    latest = at + DEADLINE_NS_MAX
    return latest if given is None else min(max(given, 1) + clock_ns.lead_ns, latest)


def client_order_id_make(*, batch_id: str | None = None, index: int = 0) -> str:
    """Make an id for an order that came without one; in a batch with an id the same each time."""
    if batch_id is None:
        return f"v-{secrets.token_hex(12)}"
    return f"v-{blake2b(f'{index}:{batch_id}'.encode(), digest_size=12).hexdigest()}"


def client_order_id_find(given: Any) -> str | None:
    """Return the id a client names an order by, where it does and the id is one, before the rest is read."""
    try:
        found: str = CLIENT_ORDER_ID(given["client_order_id"])
    except (FieldInvalidError, KeyError, TypeError):
        return None
    return found
