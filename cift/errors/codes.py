"""Every code an error answer may carry; documented in docs/reference/errors.md, which is made from this table.

A code is stable: it is never renamed, and never reused. The engine's reasons are codes too, answered with 422.
"""

from dataclasses import dataclass

from cift.wire.reasons import Reason


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """The HTTP status of a code, and its short title."""

    status: int
    title: str


CODES = {
    "invalid": ErrorCode(400, "The request is not valid"),
    "unauthenticated": ErrorCode(401, "Who asks is not known"),
    "forbidden": ErrorCode(403, "This is not allowed"),
    "csrf_failed": ErrorCode(403, "The CSRF check failed"),
    "email_unconfirmed": ErrorCode(403, "The e-mail address is not confirmed yet"),
    "second_factor_required": ErrorCode(403, "A code of the second factor is needed"),
    "second_factor_wrong": ErrorCode(403, "The code of the second factor is wrong, or was used"),
    "not_found": ErrorCode(404, "There is no such thing"),
    "method_not_allowed": ErrorCode(405, "The method is not allowed here"),
    "not_acceptable": ErrorCode(406, "No accepted format can be answered"),
    "request_timeout": ErrorCode(408, "The body took too long to arrive"),
    "conflict": ErrorCode(409, "The request conflicts with what is there"),
    "email_taken": ErrorCode(409, "The e-mail address is registered already"),
    "duplicate_client_order_id": ErrorCode(409, "The id was used with another payload"),
    "order_terminal": ErrorCode(409, "The order has ended"),
    "payload_too_large": ErrorCode(413, "The body is too large"),
    "unsupported_media_type": ErrorCode(415, "The media type is not supported"),
    "rate_limited": ErrorCode(429, "Too many requests"),
    "internal": ErrorCode(500, "The venue failed"),
    "venue_unavailable": ErrorCode(503, "No order service answers; nothing happened"),
    "venue_halted": ErrorCode(503, "Trading is halted: a check found the records wrong; nothing happened"),
    "overloaded": ErrorCode(503, "The order service has too much to do; nothing happened"),
    "projection_behind": ErrorCode(503, "The tables have not reached the asked state in time"),
    "database_busy": ErrorCode(503, "The database did not answer in time"),
    "outcome_unknown": ErrorCode(504, "Whether the request took effect is not known yet"),
    **{reason.code: ErrorCode(422, reason.title) for reason in Reason},
}
"""The table of codes."""

FIELD_CODES = {
    "required": "A field that must be given is missing",
    "unknown_field": "The request has a field that is not known",
    "wrong_type": "The value has another type",
    "out_of_range": "The value is outside its bounds",
    "malformed": "The value does not have the form it must have",
    "not_a_choice": "The value is none of those allowed",
    "invalid": "The value is not valid",
}
"""The codes of single fields, in `errors`."""
