"""What the API's schema says of order calls beyond what the code says itself."""

from collections.abc import Mapping
from typing import Any

from apps.orders.entry.fields import AMEND_FIELDS, BATCH_FIELDS, BATCH_OPERATIONS, CANCEL_FIELDS, SUBMIT_FIELDS
from apps.orders.reasons import Reason
from cift.fields import Field
from cift.rest.parts import case_of, table_schema
from cift.rest.schema import WRITER_WRITES, Body

_REFUSALS = tuple(reason.code for reason in Reason if reason < Reason.USER_REQUESTED)
"""Why the engine refuses an order; the reasons behind these are why orders end, or refuse other commands."""

SUBMIT_ERRORS = (*WRITER_WRITES, *_REFUSALS, "duplicate_client_order_id", "projection_behind")
AMEND_ERRORS = (*WRITER_WRITES, *_REFUSALS, "order_terminal", "projection_behind")
CANCEL_ERRORS = (*WRITER_WRITES, "order_terminal", "projection_behind")
CANCEL_ALL_ERRORS = (*WRITER_WRITES, "instrument_unknown", "mass_cancels_limit", "projection_behind")
BATCH_ERRORS = (
    *WRITER_WRITES,
    "instrument_unknown",
    "batch_member_refused",
    "duplicate_client_order_id",
    "ids_exhausted",
    "not_found",
    "projection_behind",
)

_UNREAD = dict.fromkeys(("projection_behind", "database_busy"), ("sequence", "consistency_token"))
_SERVICE = ("venue_unavailable", "venue_halted", "overloaded", "outcome_unknown")

SUBMIT_ERROR_EXTRAS = dict.fromkeys((*_SERVICE, *_REFUSALS, "deadline_passed", "venue_not_open"), ("client_order_id",))
CHANGE_ERROR_EXTRAS = {**_UNREAD, **dict.fromkeys(_SERVICE, ("id",)), "outcome_unknown": ("id", "client_order_id")}
CANCEL_BY_CLIENT_ERROR_EXTRAS = {**_UNREAD, **dict.fromkeys(_SERVICE, ("client_order_id",))}
CANCEL_ALL_ERROR_EXTRAS = _UNREAD
BATCH_ERROR_EXTRAS = {
    **dict.fromkeys(_SERVICE, ("client_order_ids",)),
    "instrument_unknown": ("client_order_id", "index"),
    "not_found": ("index",),
    "batch_member_refused": ("client_order_id",),
}
"""What errors of each call bring of all they may."""

_LIMIT = {
    "symbol": "AAPL-USD",
    "side": "buy",
    "type": "limit",
    "quantity": "5",
    "price": "190.00",
    "time_in_force": "gtc",
    "client_order_id": "my-order-1",
}
_MARKET = {"symbol": "AAPL-USD", "side": "sell", "type": "market", "quote_amount": "1000"}


SUBMIT_FIELD_RULES = {
    "oneOf": [
        case_of("limit order", type="limit", given=("price", "quantity"), absent=("quote_amount",)),
        case_of("market order by quantity", type="market", given=("quantity",), absent=("price", "quote_amount")),
        case_of("market order by quote amount", type="market", given=("quote_amount",), absent=("price", "quantity")),
    ]
}
AMEND_FIELD_RULES = {
    "anyOf": [case_of("another price", given=("price",)), case_of("another total quantity", given=("quantity",))]
}
CANCEL_FIELD_RULES = {
    "oneOf": [
        case_of("by the venue's id", given=("id",), absent=("client_order_id",)),
        case_of("by the client's id", given=("client_order_id",), absent=("id",)),
    ]
}
_NOT_ALL = {"not": {"properties": {"all": {"const": True}}, "required": ["all"]}}
CANCEL_ALL_FIELD_RULES = {
    "anyOf": [
        case_of("of one symbol", given=("symbol",)) | _NOT_ALL,
        case_of("of one side, whatever their prices", given=("side",), absent=("price_min", "price_max")) | _NOT_ALL,
        case_of("all", absent=("symbol", "side", "price_min", "price_max"), all=True),
    ]
}
"""How the fields of each operation go together."""


def _member(operation: str) -> dict[str, Any]:
    """Return the schema of a batch's command, which names its operation; left out, it is an order."""
    table, field_rules = _MEMBERS[operation]
    schema = table_schema(table, field_rules=field_rules)
    schema["properties"]["op"] = {"const": operation}
    if operation != "submit":
        schema["required"].append("op")
    return schema


_MEMBERS: Mapping[str, tuple[Mapping[str, Field], Mapping[str, Any]]] = {
    "submit": (SUBMIT_FIELDS, SUBMIT_FIELD_RULES),
    "amend": (AMEND_FIELDS, AMEND_FIELD_RULES),
    "cancel": (CANCEL_FIELDS, CANCEL_FIELD_RULES),
}

BATCH_FIELD_RULES = {
    "anyOf": [
        case_of("all or none", atomic=True),
        case_of("each for itself", absent=("client_batch_id",)),
    ]
}

BATCH_INSTEAD = {"orders": {"items": {"anyOf": [_member(name) for name in BATCH_OPERATIONS]}}}

SUBMIT_BODY = Body(
    name="SubmitOrder",
    table=SUBMIT_FIELDS,
    field_rules=SUBMIT_FIELD_RULES,
    examples={"limit": _LIMIT, "market": _MARKET},
)

AMEND_BODY = Body(
    name="AmendOrder",
    table={name: field for name, field in AMEND_FIELDS.items() if name != "id"},
    field_rules=AMEND_FIELD_RULES,
    examples={"amend": {"price": "191.00", "quantity": "4"}},
)

BATCH_BODY = Body(
    name="Batch",
    table=BATCH_FIELDS,
    field_rules=BATCH_FIELD_RULES,
    instead=BATCH_INSTEAD,
    examples={
        "batch": {
            "atomic": True,
            "client_batch_id": "my-batch-1",
            "orders": [_LIMIT, {"op": "cancel", "client_order_id": "my-order-0"}],
        }
    },
)
