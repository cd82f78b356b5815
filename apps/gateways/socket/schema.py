"""The schema of everything that is said on a socket: JSON Schema 2020-12, in an AsyncAPI document.

What the venue says comes from the very shapes it is encoded from, what it takes from the tables it is read by. The
document is served and stands in `docs/reference/asyncapi.json`; tests hold every message to it.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from apps.gateways.socket.fields import CHANNELS, FIELDS, PUBLIC_CHANNELS, REQUEST_ID
from apps.marketdata.candles.intervals import INTERVALS_S
from apps.marketdata.streams.messages import (
    DEPTHS,
    BookSnapshot,
    BookUpdate,
    CandlesSnapshot,
    CandlesUpdate,
    StatusSnapshot,
    StatusUpdate,
    TickerSnapshot,
    TickersSnapshot,
    TickersUpdate,
    TickerUpdate,
    TradeMessage,
    TradesSnapshot,
    VenueStatusSnapshot,
    VenueStatusUpdate,
)
from apps.orders.entry.batches import BatchAnswer
from apps.orders.entry.fields import AMEND_FIELDS, BATCH_FIELDS, CANCEL_ALL_FIELDS, CANCEL_FIELDS, SUBMIT_FIELDS
from apps.orders.entry.schema import (
    AMEND_FIELD_RULES,
    BATCH_FIELD_RULES,
    BATCH_INSTEAD,
    CANCEL_ALL_FIELD_RULES,
    CANCEL_FIELD_RULES,
    SUBMIT_FIELD_RULES,
)
from apps.orders.feeds.account_messages import (
    AccountSnapshot,
    AccountTermsMessage,
    BalanceMessage,
    CashMessage,
    FillMessage,
    OrderMessage,
    PositionLimitMessage,
    PositionMessage,
    WithdrawalMessage,
)
from apps.orders.shapes import OrderAnswer, OrdersAnswer
from cift import __version__
from cift.errors.extras import EXTRAS
from cift.fields import SYMBOL, Field
from cift.http.documents import Documents
from cift.rest.parts import case_of, table_schema

Schema = dict[str, Any]

REF = "#/components/schemas/{name}"

EVENTS: tuple[type[msgspec.Struct], ...] = (
    BookSnapshot,
    BookUpdate,
    TradesSnapshot,
    TradeMessage,
    TickerSnapshot,
    TickerUpdate,
    TickersSnapshot,
    TickersUpdate,
    CandlesSnapshot,
    CandlesUpdate,
    StatusSnapshot,
    StatusUpdate,
    VenueStatusSnapshot,
    VenueStatusUpdate,
    AccountSnapshot,
    OrderMessage,
    FillMessage,
    BalanceMessage,
    PositionMessage,
    CashMessage,
    WithdrawalMessage,
    AccountTermsMessage,
    PositionLimitMessage,
)
"""What channels carry."""

ORDER_RESULTS: Mapping[str, type[msgspec.Struct]] = {
    "order.submit": OrderAnswer,
    "order.amend": OrderAnswer,
    "order.cancel": OrderAnswer,
    "order.cancel_all": OrdersAnswer,
    "order.batch": BatchAnswer,
}

PARAMS: Mapping[str, tuple[Mapping[str, Field], Schema, Schema]] = {
    "order.submit": (SUBMIT_FIELDS, {}, SUBMIT_FIELD_RULES),
    "order.amend": (AMEND_FIELDS, {}, AMEND_FIELD_RULES),
    "order.cancel": (CANCEL_FIELDS, {}, CANCEL_FIELD_RULES),
    "order.cancel_all": (CANCEL_ALL_FIELDS, {}, CANCEL_ALL_FIELD_RULES),
    "order.batch": (BATCH_FIELDS, BATCH_INSTEAD, BATCH_FIELD_RULES),
}
"""An operation's table of params, its fields the table cannot tell, and how they go together."""

_CHANNEL_CASES = [
    case_of("a book", given=("symbol",), absent=("interval",), channel="book"),
    case_of("a symbol's candles", given=("symbol", "interval"), absent=("depth",), channel="candles"),
    *(
        case_of(f"a symbol's {name}", given=("symbol",), absent=("depth", "interval"), channel=name)
        for name in PUBLIC_CHANNELS
        if name not in {"book", "candles"}
    ),
    case_of("the venue's own status", absent=("symbol", "depth", "interval"), channel="status"),
    case_of("all instruments' tickers", absent=("symbol", "depth", "interval"), channel="tickers"),
    case_of("one's own account", absent=("symbol", "depth", "interval"), channel="account"),
]
FIELD_RULES: Mapping[str, Schema] = {
    "authenticate": {
        "oneOf": [
            case_of("by an access token", given=("token",), absent=("ticket",)),
            case_of("by a one-time ticket", given=("ticket",), absent=("token",)),
        ]
    },
    "subscribe": {"oneOf": _CHANNEL_CASES},
    "unsubscribe": {"oneOf": _CHANNEL_CASES},
}
"""How the fields of other requests go together."""

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_SYMBOL: Schema = dict(SYMBOL.schema)
_DEPTH: Schema = {"type": "integer", "enum": list(DEPTHS)}
_INTERVAL: Schema = {"type": "string", "enum": list(INTERVALS_S)}
_REQUEST_ID: Schema = dict(REQUEST_ID.schema)


def _words(names: Any) -> Schema:
    return {"type": "string", "enum": list(names)}


def _null_or(schema: Schema) -> Schema:
    return {"oneOf": [{"type": "null"}, schema]}


_SAID_OF_ERRORS: Mapping[str, Schema] = {
    "code": {"type": "string", "pattern": "^[a-z_]+$", "description": "One of docs/reference/errors.md."},
    "detail": _TEXT,
    "errors": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"field": _TEXT, "code": _TEXT, "detail": _TEXT},
            "required": ["field", "code", "detail"],
            "additionalProperties": False,
        },
    },
    **{name: dict(extra.schema) for name, extra in EXTRAS.items()},
}


def request_schema(op: str) -> Schema:
    """Return the schema of a request."""
    body = table_schema(FIELDS[op], field_rules=FIELD_RULES.get(op))
    body["properties"] = {"id": REQUEST_ID.schema, "op": {"const": op}, **body["properties"]}
    body["required"] = ["id", "op", *body["required"]]
    if op in PARAMS:
        table, instead, field_rules = PARAMS[op]
        body["properties"]["params"] = table_schema(table, instead=instead, field_rules=field_rules)
        body["required"].append("params")
    return body


def _closed(schema: Schema, **more: Schema) -> Schema:
    properties = {**more, **schema.get("properties", {})}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_SUBSCRIBED = _closed({}, channel=_words(CHANNELS), symbol=_SYMBOL, depth=_DEPTH, interval=_INTERVAL, resumed=_FLAG)


def _optional(schema: Schema, *names: str) -> Schema:
    return {**schema, "required": [name for name in schema["required"] if name not in names]}


RESULTS: Mapping[str, Schema] = {
    "authenticate": _closed({}, account=_null_or(_TEXT)),
    "cancel_on_disconnect": _closed({}, enabled=_FLAG),
    "ping": _closed({}, at=_TIME, account_sequence=_null_or(_WHOLE)),
    "subscribe": _optional(
        _closed(_SUBSCRIBED, account_sequence=_WHOLE, simulated=_FLAG),
        *("symbol", "depth", "interval", "account_sequence", "simulated"),
    ),
    "unsubscribe": _optional(_SUBSCRIBED, "symbol", "depth", "interval", "resumed"),
    **{op: {"$ref": REF.format(name=shape.__name__)} for op, shape in ORDER_RESULTS.items()},
}

_STATUS: Schema = {"type": "integer", "minimum": 200, "maximum": 599}


def answer_schema(op: str) -> Schema:
    """Return the schema of the answer to a request that was carried out."""
    answer = _closed({}, id=_REQUEST_ID, ok={"const": True}, status=_STATUS, result=RESULTS[op])
    return answer if op in PARAMS else {**answer, "required": ["id", "ok", "result"]}


ERROR: Schema = _closed(
    {},
    id=_null_or(_REQUEST_ID),
    ok={"const": False},
    status=_STATUS,
    error={**_closed({"properties": dict(_SAID_OF_ERRORS)}), "required": ["code", "detail"]},
)
"""The answer to a request that was refused, and to what is none."""

PING: Schema = _closed({}, type={"const": "ping"}, at=_TIME, account_sequence=_null_or(_WHOLE))
"""The server's own."""


def schemas() -> dict[str, Schema]:
    """Return all schemas by name; they name one another by `REF`."""
    shapes: tuple[Any, ...] = (*EVENTS, OrderAnswer, OrdersAnswer, BatchAnswer)
    _, said = msgspec.json.schema_components(shapes, ref_template=REF)
    for shape in EVENTS:
        schema = said[shape.__name__]
        channel = next(field.default for field in msgspec.structs.fields(shape) if field.name == "channel")
        schema["properties"]["channel"] = {"const": channel}
    for schema in said.values():
        if "properties" in schema:
            # All fields are always there, and no others.
            schema["required"] = list(schema["properties"])
            schema["additionalProperties"] = False
        schema.pop("title", None)
    item = said["BatchItem"]["properties"]
    item["order"] = _null_or({"$ref": REF.format(name="OrderAnswer")})
    item["error"] = _null_or(ERROR["properties"]["error"])
    named = {request_name(op): request_schema(op) for op in FIELDS}
    answers = {f"{request_name(op)}Answer": answer_schema(op) for op in FIELDS}
    return {**said, **named, **answers, "Refusal": ERROR, "ServerPing": PING}


def request_name(op: str) -> str:
    """Return the schema name of a request: `order.submit` is OrderSubmit."""
    return "".join(part.capitalize() for part in op.replace(".", "_").split("_")) + "Request"


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    known = schemas()
    requests = [request_name(op) for op in FIELDS]
    said = [shape.__name__ for shape in EVENTS] + [f"{name}Answer" for name in requests] + ["Refusal", "ServerPing"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "CIFT Markets socket",
            "version": __version__,
            "description": "Feeds and orders as JSON text. A frame is one message, or an array of messages of feeds.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/ws/v1/",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*requests, *said)},
            }
        },
        "operations": {
            "take": {
                "action": "receive",
                "channel": {"$ref": "#/channels/socket"},
                "messages": [{"$ref": f"#/channels/socket/messages/{name}"} for name in requests],
                "reply": {
                    "channel": {"$ref": "#/channels/socket"},
                    "messages": [
                        {"$ref": f"#/channels/socket/messages/{name}"}
                        for name in [*(f"{name}Answer" for name in requests), "Refusal"]
                    ],
                },
            },
            "tell": {
                "action": "send",
                "channel": {"$ref": "#/channels/socket"},
                "messages": [
                    {"$ref": f"#/channels/socket/messages/{name}"}
                    for name in [*(shape.__name__ for shape in EVENTS), "ServerPing"]
                ],
            },
        },
        "components": {
            "messages": {
                name: {"name": name, "payload": {"$ref": REF.format(name=name)}} for name in (*requests, *said)
            },
            "schemas": known,
        },
    }


def document_text() -> str:
    """Return the document as it is served and stored."""
    return json.dumps(document(), indent=1, sort_keys=True) + "\n"


_documents = Documents()


@csrf_exempt
@require_safe
def socket_schema(request: HttpRequest) -> HttpResponseBase:
    """Serve the document."""
    made = _documents.get("application/vnd.aai.asyncapi+json;version=3.0.0", lambda: document_text().encode())
    return made.answer(request)
