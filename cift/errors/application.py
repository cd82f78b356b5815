"""`ApplicationError`: what goes wrong for a client, with a stable code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cift.errors.codes import CODES

FIELDS_TOLD_MAX = 100
"""The most faults an answer names, so that neither it nor the work for it grows with what was sent."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `field` is a dotted path into the body."""

    field: str
    code: str
    detail: str


class ApplicationError(Exception):
    """A fault to tell the client: a stable code, a sentence, and what else helps.

    `status` is the table's unless given; a code outside the table (an engine's reason) needs one. `page` is where
    somebody in a browser can mend it.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        status: int | None = None,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        page: str = "",
    ) -> None:
        """Take the parts of the answer."""
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.status = CODES[code].status if status is None else status
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        known = CODES.get(code)
        if known is not None and known.retry_s:
            self._retry_say(known.retry_s)
        self.page = page

    def _retry_say(self, retry_s: int) -> None:
        """Say when to come again: in a header (RFC 9110, 10.2.3), and of a limit, for which sockets too have a wait."""
        if self.code == "rate_limited":
            self.extra.setdefault("retry_after", retry_s)
        self.headers.setdefault("Retry-After", str(self.extra.get("retry_after", retry_s)))
