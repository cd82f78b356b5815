"""Read your own writes: a token names a batch of the journal; a read that brings it waits until the tables have it."""

import base64
import binascii
import re
from functools import lru_cache
from typing import NamedTuple

from cift.errors.application import ApplicationError, FieldError

WAIT_S_MAX = 2.0
"""How long a read waits for the tables."""

_PLACE = re.compile(rb"([0-9]{1,4})\.([0-9]{1,19})")
_TOKEN_LENGTH_MAX = 64


class JournalPlace(NamedTuple):
    """A batch of a shard's journal."""

    shard: int
    number: int


@lru_cache(maxsize=64)
def token_of(place: JournalPlace) -> str:
    """Give the opaque token of a place."""
    return base64.urlsafe_b64encode(f"{place.shard}.{place.number}".encode()).decode().rstrip("=")


def place_of(token: str) -> JournalPlace:
    """Read a token.

    Raises:
        ApplicationError: `invalid`: it is none of ours.

    """
    try:
        padded = token[:_TOKEN_LENGTH_MAX].encode("ascii") + b"=" * (-len(token) % 4)
        match = _PLACE.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error):
        match = None
    if match is None or int(match.group(2)) >= 2**63:
        error = FieldError(field="at_least", code="malformed", detail="This is no consistency token.")
        raise ApplicationError("invalid", errors=[error])
    return JournalPlace(shard=int(match.group(1)), number=int(match.group(2)))
