"""Read your own writes: a token names a batch of the journal; a read that brings it waits until the tables have it.

A token carries a short tag made with a key of the settings: who invents one is refused at once and makes nobody wait.
"""

import base64
import binascii
import hmac
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from django.conf import settings

from cift.errors.application import ApplicationError, FieldError

WAIT_S_MAX = 2.0
"""How long a read waits for the tables."""

WAITS_MAX = 256
"""So many reads of a process wait at a time, each of which looks at a database meanwhile; the others are refused."""

WAITS_OF_ONE_MAX = 32
"""So many of them are one account's; of what anybody may read, half of all."""

_TAG_BYTES = 8
_CONTEXT = b"cift.consistency-token"
_TOKEN = re.compile(rb"(([0-9]{1,4})\.([0-9]{1,19}))\.([0-9a-f]{%d})" % (2 * _TAG_BYTES))
_TOKEN_LENGTH_MAX = 64


class JournalPlace(NamedTuple):
    """A batch of a shard's journal."""

    shard: int
    number: int


@lru_cache(maxsize=64)
def token_of(place: JournalPlace) -> str:
    """Return the opaque token of a place."""
    named = f"{place.shard}.{place.number}".encode()
    return base64.urlsafe_b64encode(named + b"." + _tag(named)).decode().rstrip("=")


def place_of(token: str) -> JournalPlace:
    """Read a token.

    Raises:
        ApplicationError: `invalid`: it is none of ours.

    """
    try:
        padded = token[:_TOKEN_LENGTH_MAX].encode("ascii") + b"=" * (-len(token) % 4)
        match = _TOKEN.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error):
        match = None
    if match is None or int(match.group(3)) >= 2**63 or not hmac.compare_digest(match.group(4), _tag(match.group(1))):
        error = FieldError(field="at_least", code="malformed", detail="This is no consistency token.")
        raise ApplicationError("invalid", errors=[error])
    return JournalPlace(shard=int(match.group(2)), number=int(match.group(3)))


@contextmanager
def waiting(account: int | None) -> Iterator[None]:
    """Take one of the process's places for a read that waits for the tables; nobody queues for one.

    `account`: whose own is read; None: what anybody may read.

    Raises:
        ApplicationError: `projection_behind`: all are taken, or the account has its most.

    """
    _waits.enter(account)
    try:
        yield
    finally:
        _waits.leave(account)


class _Waits:
    """Who waits in this process; used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of: Counter[int | None] = Counter()
        self._all = 0

    def enter(self, account: int | None) -> None:
        of_one = WAITS_MAX // 2 if account is None else WAITS_OF_ONE_MAX
        with self._lock:
            if self._all >= WAITS_MAX or self._of[account] >= of_one:
                raise ApplicationError("projection_behind", "Too many reads wait for the tables.")
            self._of[account] += 1
            self._all += 1

    def leave(self, account: int | None) -> None:
        with self._lock:
            self._all -= 1
            self._of[account] -= 1
            if not self._of[account]:
                del self._of[account]


_waits = _Waits()


def _tag(named: bytes) -> bytes:
    return hmac.digest(_key(settings.SECRET_KEY), named, sha256)[:_TAG_BYTES].hex().encode()


@lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    """Derive the key from the settings' secret, so that no other use of it signs a token."""
    return hmac.digest(secret.encode(), _CONTEXT, sha256)
