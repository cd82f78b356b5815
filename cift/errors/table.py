"""`docs/reference/errors.md`, made from the table of codes."""

from cift.errors.codes import CODES, FIELD_CODES
from cift.errors.extras import EXTRAS, ErrorExtras, error_extras_of
from cift.wire.reasons import Reason

_HEAD = """# Errors

Every error is answered as RFC 9457 `application/problem+json` with `type`, `title`, `status`, `detail`, `code`,
`request_id`, and `errors` (`field`, `code`, `detail`; at most 100) where fields are wrong. On a socket, and in a
batch's answer, an error has `code`, `detail` and `errors`. A code is stable: never renamed, never reused. This page is
made by `manage.py error_table`.

Over HTTP every 429 and 503 has `Retry-After`: the seconds after which it is worth asking again.

An error also has the members listed beside its code; those in brackets only where there is something to name. An error
of an order names its `client_order_id`, even if the venue assigned it.
"""

_OF_REASONS = """
A reason says why the engine refused a command (then it is the error's `code`), or why an order ended (then it is the
order's `reason`). The numbers are those of the journal. A refusal has the members {members};
`batch_member_refused` has `reason` as well.

`instrument_unknown` usually has no `sequence`: an unknown symbol cannot be sent to the engine as a command, so the
request is refused at the edge, before the writer assigns sequences. The journal has nothing of it, and the id may be
used again."""


def error_table() -> str:
    """Write the page."""
    reasons = {reason.code: reason for reason in Reason}
    lines = [_HEAD, "## Codes", "", "| code | status | title | members |", "|---|---|---|---|"]
    lines += [
        f"| `{code}` | {known.status} | {known.title} | {_members(error_extras_of(code))} |"
        for code, known in CODES.items()
        if code not in reasons
    ]
    lines += [
        "",
        "## Reasons",
        _OF_REASONS.format(members=_members(error_extras_of(Reason.INSUFFICIENT_FUNDS.code))),
        "",
    ]
    lines += ["| number | reason | status | title |", "|---|---|---|---|"]
    lines += [
        f"| {reason.value} | `{reason.code}` | {CODES[reason.code].status} | {reason.title} |" for reason in Reason
    ]
    lines += ["", "## Members", "", "| member | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {extra.meaning} |" for name, extra in EXTRAS.items()]
    lines += ["", "## Codes of fields", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in FIELD_CODES.items()]
    return "\n".join(lines) + "\n"


def _members(extras: ErrorExtras) -> str:
    return ", ".join([*(f"`{name}`" for name in extras.always), *(f"(`{name}`)" for name in extras.may)])
