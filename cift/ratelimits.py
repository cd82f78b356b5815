"""How many requests anybody may make: by kind of call, for an account and for an address, the same at every edge.

The generic cell rate algorithm: a mark runs ahead of the clock by one interval a request, and a request that would put
it ahead by more than the window is refused. Checked and moved under one lock, so of many requests at once only as many
pass as there is room for. Each web process counts by itself, in memory, and grants its share of a limit
(CIFT_WEB_PROCESSES); what must not be guessed (passwords, codes) is counted in the database by all of them together
(apps.accounts.identity.attempt_limits).

At most `MARKS_MAX` marks are kept. The one unused longest leaves first, and whose it was is counted from nothing.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import NamedTuple

from django.conf import settings
from django.core.signals import setting_changed

from cift.errors.application import ApplicationError

MARKS_MAX = 100_000

_NS = 1_000_000_000
_IPV6_PREFIX = 64
"""Of IPv6 a subscriber has a whole network, so a network counts as one address."""


class Standing(NamedTuple):
    """How somebody stands under a limit; times in s, rounded up. `wait_s` 0: the place was taken."""

    limit: str
    requests: int
    window_s: int
    remaining: int
    reset_s: int
    wait_s: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the IETF's draft, and Retry-After where it is full."""
        told = {
            "RateLimit-Policy": f'"{self.limit}";q={self.requests};w={self.window_s}',
            "RateLimit": f'"{self.limit}";r={self.remaining};t={self.reset_s}',
        }
        return {**told, "Retry-After": str(self.wait_s)} if self.wait_s else told


def refused(standing: Standing) -> ApplicationError:
    """Return the error of who has no place; it says when to come again."""
    return ApplicationError("rate_limited", headers=standing.headers, extra={"retry_after": standing.wait_s})


class RateLimits:
    """The marks of one process; used from any thread."""

    def __init__(self, *, marks_max: int = MARKS_MAX, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Begin with none; `clock`: ns, never going back."""
        self._marks_max = marks_max
        self._clock = clock
        self._marks: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the marks."""
        return len(self._marks)

    def take(self, limit: str, who: str, *, weight: int = 1) -> Standing:
        """Take `weight` places (all of the window's at most) under a limit, by its name in the settings.

        Raises:
            ApplicationError: `rate_limited`; no place was taken.

        """
        now = self._clock()
        mark, over = self._move(limit, who, now, weight)
        standing = _standing(limit, now, mark, over)
        if over > 0:
            raise refused(standing)
        return standing

    def check(self, limit: str, who: str, *, weight: int = 1) -> None:
        """Take places as `take` does, where nobody is told how they stand.

        Raises:
            ApplicationError: `rate_limited`; no place was taken.

        """
        now = self._clock()
        mark, over = self._move(limit, who, now, weight)
        if over > 0:
            raise refused(_standing(limit, now, mark, over))

    def _move(self, limit: str, who: str, now: int, weight: int) -> tuple[int, int]:
        """Move a mark if there is room; give where it stands, and by how much it would be ahead of the window."""
        requests, window, interval = _terms(limit)
        key = (limit, who)
        with self._lock:
            mark = max(self._marks.get(key, 0), now)
            ahead = mark + interval * min(weight, requests)
            over = ahead - now - window
            if over <= 0:
                self._marks[key] = mark = ahead
                self._marks.move_to_end(key)
                if len(self._marks) > self._marks_max:
                    self._marks.popitem(last=False)
        return mark, over


@cache
def _terms(limit: str) -> tuple[int, int, int]:
    """Return a limit's requests, its window and the interval between two of them, in ns."""
    requests, window_s = settings.RATE_LIMITS[limit]
    return requests, window_s * _NS, window_s * _NS // requests


def _terms_forget(*, setting: str, **_more: object) -> None:
    if setting == "RATE_LIMITS":
        _terms.cache_clear()


setting_changed.connect(_terms_forget)


def _standing(limit: str, now: int, mark: int, over: int) -> Standing:
    requests, window, interval = _terms(limit)
    return Standing(
        limit=limit,
        requests=requests,
        window_s=window // _NS,
        remaining=max(0, (now + window - mark) // interval),
        reset_s=-((now - mark) // _NS),
        wait_s=0 if over <= 0 else max(1, -(-over // _NS)),
    )


rate_limits = RateLimits()
"""This process's."""


def tighter(standing: Standing, other: Standing | None) -> Standing:
    """Return the one of two with less room, which is the one to be told."""
    if other is None or standing.remaining * other.requests <= other.remaining * standing.requests:
        return standing
    return other


def address_counted(address: str) -> str:
    """Return what counts as one address: an IPv4 address, a /64 network of IPv6, or whatever else a server names."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
    return str(parsed)
