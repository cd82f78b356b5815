"""What errors carry beside their code and their sentence.

The API's schema with its examples, the socket's, and docs/reference/errors.md are made of these tables; tests compare
answers with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cift.texts import ID_PATTERN
from cift.wire.reasons import Reason

_TEXT = {"type": "string"}
_ID = {"type": "string", "minLength": 1, "maxLength": 64}
_COUNT = {"type": "integer", "minimum": 0}


@dataclass(frozen=True, slots=True)
class Extra:
    """A member of an error: what it holds, an example, and what it says."""

    schema: Mapping[str, Any]
    example: Any
    meaning: str


EXTRAS: Mapping[str, Extra] = {
    "sequence": Extra(
        _COUNT, 4711, "The sequence of the event that says so; for a change that was made, of its last event"
    ),
    "client_order_id": Extra(_ID, "my-order-1", "The client's id of the order, or the one the venue assigned"),
    "client_order_ids": Extra(
        {"type": "array", "items": _ID}, ["my-order-1"], "The `client_order_id` of each order of a batch"
    ),
    "id": Extra({"type": "string", "pattern": ID_PATTERN}, "12217155584", "The venue's id of the order"),
    "order_status": Extra(_TEXT, "filled", "How the order ended"),
    "resolve_after": Extra(
        {"type": "string", "format": "date-time"},
        "2026-01-31T09:30:06.000001Z",
        "From this time on the answer of `orders/by-client-order-id/{id}/` is final",
    ),
    "retry_after": Extra({"type": "integer", "minimum": 1}, 1, "Seconds until a request is possible again"),
    "consistency_token": Extra(
        _TEXT,
        "MC4xNy45Zjg2ZDA4MTg4NGM3ZDY1",
        "For a change that was made: a read that carries it as `at_least` sees the change",
    ),
    "index": Extra(_COUNT, 1, "The position of the command in the atomic batch, from 0"),
    "store": Extra(_TEXT, "questdb", "The store that cannot be read"),
    "known_sequence": Extra(
        _COUNT,
        4711,
        "Up to which sequence it was last seen to have all; 0: that was never seen",
    ),
    "reason": Extra(_TEXT, "price_outside_band", "Why that command was refused"),
}
"""By name."""


@dataclass(frozen=True, slots=True)
class ErrorExtras:
    """The members an error of one code always has, and those it may have, as its call says."""

    always: tuple[str, ...] = ()
    may: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Both."""
        return (*self.always, *self.may)


_NONE = ErrorExtras()
_DONE = ErrorExtras(may=("sequence", "consistency_token", "client_order_id"))
_SERVICE = ErrorExtras(may=("client_order_id", "client_order_ids", "id"))
_REFUSED = ErrorExtras(("sequence",), may=("client_order_id", "id"))

ERROR_EXTRAS: Mapping[str, ErrorExtras] = {
    **{reason.code: _REFUSED for reason in Reason},
    # Most symbols nobody knows are refused at the edge, before the writer, which alone numbers what happens.
    "instrument_unknown": ErrorExtras(may=("client_order_id", "sequence", "id", "index")),
    "batch_member_refused": ErrorExtras(("sequence", "reason"), may=("client_order_id",)),
    "not_found": ErrorExtras(may=("index",)),
    "duplicate_client_order_id": ErrorExtras(("client_order_id",), may=("sequence",)),
    "order_terminal": ErrorExtras(("id", "client_order_id", "order_status")),
    "rate_limited": ErrorExtras(("retry_after",)),
    "venue_unavailable": _SERVICE,
    "venue_halted": _SERVICE,
    "overloaded": _SERVICE,
    "projection_behind": _DONE,
    "database_busy": _DONE,
    "history_unavailable": ErrorExtras(("store", "known_sequence")),
    "outcome_unknown": ErrorExtras(("resolve_after",), may=("client_order_id", "client_order_ids", "id")),
}
"""By code; the others have none."""


def error_extras_of(code: str) -> ErrorExtras:
    """Return the members of an error of a code."""
    return ERROR_EXTRAS.get(code, _NONE)
