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
        self.page = page
