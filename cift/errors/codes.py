"""Every code an error answer may carry; documented in docs/reference/errors.md, which is made from this table.

A code is stable: it is never renamed, and never reused. The engine's reasons are codes too, answered with 422.
"""

from dataclasses import dataclass

from cift.wire.reasons import Reason


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """The HTTP status of a code, its short title, and after how many seconds the same may be asked again.

    `retry_s`: 0 where asking again is no use; else `Retry-After` says it, if an error does not know better.
    """

    status: int
    title: str
    retry_s: int = 0


CODES = {
    "invalid": ErrorCode(400, "Invalid request"),
    "unauthenticated": ErrorCode(401, "Authentication required"),
    "forbidden": ErrorCode(403, "Permission denied"),
    "csrf_failed": ErrorCode(403, "CSRF verification failed"),
    "email_unconfirmed": ErrorCode(403, "E-mail address not confirmed"),
    "second_factor_required": ErrorCode(403, "Second factor required"),
    "second_factor_wrong": ErrorCode(403, "Second factor code wrong or already used"),
    "not_found": ErrorCode(404, "Not found"),
    "method_not_allowed": ErrorCode(405, "Method not allowed"),
    "not_acceptable": ErrorCode(406, "None of the accepted formats is available"),
    "request_timeout": ErrorCode(408, "Request body not received in time"),
    "conflict": ErrorCode(409, "Conflict with the current state"),
    "email_taken": ErrorCode(409, "E-mail address already registered"),
    "duplicate_client_order_id": ErrorCode(409, "Client order id already used for another request"),
    "order_terminal": ErrorCode(409, "Order already filled, canceled or expired"),
    "payload_too_large": ErrorCode(413, "Request body too large"),
    "uri_too_long": ErrorCode(414, "Request target too long"),
    "unsupported_media_type": ErrorCode(415, "Unsupported media type"),
    "expectation_failed": ErrorCode(417, "Expectation not supported"),
    "rate_limited": ErrorCode(429, "Too many requests", 1),
    "headers_too_large": ErrorCode(431, "Request headers too large"),
    "internal": ErrorCode(500, "Internal error"),
    "not_implemented": ErrorCode(501, "Not implemented"),
    "venue_unavailable": ErrorCode(503, "Order service unavailable; the request had no effect", 1),
    # It lasts until an operator has looked into it.
    "venue_halted": ErrorCode(503, "Trading halted after an integrity check failed; the request had no effect", 60),
    "overloaded": ErrorCode(503, "Order service overloaded; the request had no effect", 1),
    "projection_behind": ErrorCode(503, "Requested state not yet readable", 1),
    "database_busy": ErrorCode(503, "Database busy", 1),
    "history_unavailable": ErrorCode(503, "Store of trades and candles unavailable", 1),
    "outcome_unknown": ErrorCode(504, "Outcome unknown: no answer from the order service in time"),
    **{reason.code: ErrorCode(422, reason.title) for reason in Reason},
}
"""The table of codes."""

FIELD_CODES = {
    "required": "Required field missing",
    "unknown_field": "Unknown field",
    "wrong_type": "Wrong type",
    "out_of_range": "Value out of range",
    "malformed": "Malformed value",
    "not_a_choice": "Not one of the allowed values",
    "invalid": "Invalid value",
}
"""The codes of single fields, in `errors`."""
