"""`docs/errors.md`, made from the table of codes."""

from cift.error_codes import CODES, FIELD_CODES
from cift.wire.reasons import Reason

_HEAD = """# Errors

Every error is answered as RFC 9457 `application/problem+json` with `type`, `title`, `status`, `detail`, `code`,
`request_id`, and `errors` (`field`, `code`, `detail`; at most 100) where fields are wrong. On a socket, and in a
batch's answer, an error has `code`, `detail` and `errors`. A code is stable: never renamed, never reused. This page is
made by `manage.py error_table`.
"""


def error_table() -> str:
    """Write the page."""
    reasons = {reason.code: reason for reason in Reason}
    lines = [_HEAD, "## Codes", "", "| code | status | title |", "|---|---|---|"]
    lines += [f"| `{code}` | {known.status} | {known.title} |" for code, known in CODES.items() if code not in reasons]
    lines += [
        "",
        "## Reasons",
        "",
        "Why the engine refused a command (then it is the error's `code`, with the `sequence` of the refusal), or why",
        "an order ended (then it is the order's `reason`). The numbers are those of the journal.",
        "",
        "| number | reason | status | title |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {reason.value} | `{reason.code}` | {CODES[reason.code].status} | {reason.title} |" for reason in Reason
    ]
    lines += ["", "## Codes of fields", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in FIELD_CODES.items()]
    return "\n".join(lines) + "\n"
