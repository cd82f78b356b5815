"""What a socket's requests may carry, besides their `id` and `op`."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec

from apps.marketdata.candles.intervals import INTERVALS_S
from apps.marketdata.streams.messages import DEPTHS
from apps.orders.entry import operations
from cift.errors.application import FieldError
from cift.fields import SYMBOL, Field, FieldInvalidError, Kind, boolean, choice, one_of, text, unread, whole
from cift.strictjson import JsonInvalidError


class _Glimpsed(msgspec.Struct):
    id: int | str


_glimpse = msgspec.json.Decoder(_Glimpsed).decode

_REQUEST_ID_LENGTH_MAX = 64
_SEQUENCE_MAX = 2**63 - 1


def _request_id(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise FieldInvalidError("wrong_type", "A number or a string is wanted.")
    if isinstance(value, str) and len(value) > _REQUEST_ID_LENGTH_MAX:
        raise FieldInvalidError("out_of_range", f"At most {_REQUEST_ID_LENGTH_MAX} characters.")
    return value


REQUEST_ID = Kind(_request_id, {"type": ["integer", "string"], "maxLength": _REQUEST_ID_LENGTH_MAX})
"""Reads what a request's answer is to be named by; an integer has as many digits as JSON may bring."""


def request_id_find(given: Mapping[str, Any]) -> int | str | None:
    """Return the id a request's answer is to be named by, if it can be read."""
    with suppress(FieldInvalidError):
        request_id: int | str = REQUEST_ID(given.get("id"))
        return request_id
    return None


def request_id_glimpse(message: str) -> int | str | None:
    """Return the id of a message that is not read, if it can be had without: in a hundredth of the time."""
    with suppress(msgspec.DecodeError, FieldInvalidError):
        request_id: int | str = REQUEST_ID(_glimpse(message).id)
        return request_id
    return None


ENVELOPE = {"id": Field(REQUEST_ID, required=True), "op": Field(text(r"[a-z_.]+", length_max=32), required=True)}

PUBLIC_CHANNELS = ("book", "trades", "ticker", "candles", "status")
SYMBOL_CHANNELS = ("book", "trades", "ticker", "candles")
"""Those that are always a symbol's; `status` without one is the venue's own."""

VENUE_CHANNELS = ("tickers", "account")
"""Those that are never a symbol's."""

CHANNELS = (*PUBLIC_CHANNELS, *VENUE_CHANNELS)
DEPTH_DEFAULT = 50

_TOKEN = Field(text(r"[A-Za-z0-9_\-.=]+", length_max=4_096, example="eyJhbGciOi"))
_CHANNEL_FIELDS = {
    "channel": Field(choice({name: name for name in CHANNELS}), required=True),
    "symbol": Field(SYMBOL),
    "depth": Field(one_of(DEPTHS)),
    "interval": Field(choice({name: name for name in INTERVALS_S})),
}

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "authenticate": {"token": _TOKEN, "ticket": _TOKEN},
    "ping": {},
    "subscribe": {**_CHANNEL_FIELDS, "from_sequence": Field(whole(least=0, most=_SEQUENCE_MAX))},
    "unsubscribe": _CHANNEL_FIELDS,
    "cancel_on_disconnect": {"enabled": Field(boolean, required=True)},
    **{name: {"params": Field(unread, default={}, nullable=False)} for name in operations.OPERATIONS},
}
"""By operation. `params` are the entry's to read, null too."""


def faults_of_json(error: JsonInvalidError) -> list[FieldError]:
    """Name the fields at fault; those of an order operation's `params` as their own reader names them."""
    op = error.sound.get("op")
    if not isinstance(op, str) or op not in operations.OPERATIONS:
        return list(error.errors)
    return [replace(fault, field=fault.field.removeprefix("params.")) for fault in error.errors]


def faults_together(op: str, read: Mapping[str, Any]) -> list[FieldError]:
    """Name fields that are missing or do not go together."""
    if op == "authenticate" and (read["token"] is None) == (read["ticket"] is None):
        return [FieldError(field="token", code="required", detail="Either a token or a ticket is wanted.")]
    channel = read.get("channel")
    faults = []
    if channel in VENUE_CHANNELS and read["symbol"] is not None:
        faults.append(FieldError(field="symbol", code="invalid", detail="This channel is no symbol's."))
    if channel in SYMBOL_CHANNELS and read["symbol"] is None:
        faults.append(FieldError(field="symbol", code="required", detail="This channel is a symbol's."))
    if channel is not None and channel != "book" and read["depth"] is not None:
        faults.append(FieldError(field="depth", code="invalid", detail="Only a book has a depth."))
    if channel == "candles" and read["interval"] is None:
        faults.append(FieldError(field="interval", code="required", detail="Candles are of an interval."))
    if channel is not None and channel != "candles" and read["interval"] is not None:
        faults.append(FieldError(field="interval", code="invalid", detail="Only candles have an interval."))
    return faults
