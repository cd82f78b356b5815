"""What the API's schema says of order calls beyond what the code says itself."""

from collections.abc import Mapping
from typing import Any

from apps.orders.params import AMEND_FIELDS, BATCH_FIELDS, BATCH_OPERATIONS, CANCEL_FIELDS, SUBMIT_FIELDS
from apps.orders.reasons import Reason
from cift.fields import Field
from cift.rest.parts import table_schema
from cift.rest.schema import WRITER_WRITES, Body

_REFUSALS = tuple(reason.code for reason in Reason if reason < Reason.USER_REQUESTED)
"""Why the engine refuses an order; the reasons behind these are why orders end, or refuse other commands."""

SUBMIT_ERRORS = (*WRITER_WRITES, *_REFUSALS, "duplicate_client_order_id", "projection_behind")
AMEND_ERRORS = (*WRITER_WRITES, *_REFUSALS, "order_terminal", "projection_behind")
CANCEL_ERRORS = (*WRITER_WRITES, "order_terminal", "projection_behind")
CANCEL_ALL_ERRORS = (*WRITER_WRITES, "instrument_unknown", "projection_behind")
BATCH_ERRORS = (*WRITER_WRITES, "instrument_unknown", "batch_member_refused", "not_found", "projection_behind")

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


def _member(table: Mapping[str, Field], operation: str) -> dict[str, Any]:
    """Give the schema of a batch's command, which names its operation; left out, it is an order."""
    schema = table_schema(table)
    schema["properties"]["op"] = {"const": operation}
    if operation != "submit":
        schema["required"].append("op")
    return schema


_MEMBERS = {"submit": SUBMIT_FIELDS, "amend": AMEND_FIELDS, "cancel": CANCEL_FIELDS}

SUBMIT_BODY = Body(name="SubmitOrder", table=SUBMIT_FIELDS, examples={"limit": _LIMIT, "market": _MARKET})

AMEND_BODY = Body(
    name="AmendOrder",
    table={name: field for name, field in AMEND_FIELDS.items() if name != "id"},
    examples={"amend": {"price": "191.00", "quantity": "4"}},
)

BATCH_BODY = Body(
    name="Batch",
    table=BATCH_FIELDS,
    instead={"orders": {"items": {"anyOf": [_member(_MEMBERS[name], name) for name in BATCH_OPERATIONS]}}},
    examples={
        "batch": {
            "atomic": True,
            "orders": [_LIMIT, {"op": "cancel", "client_order_id": "my-order-0"}],
        }
    },
)
