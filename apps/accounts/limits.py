"""How often anybody may try: counted in the database, so that all processes count together and none counts twice.

The generic cell rate algorithm: a mark runs ahead of the clock by one interval a request, and a request that would put
it ahead by more than the window is refused. One conditional UPDATE takes the place, so that of many requests at once
only as many pass as there is room for.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from apps.accounts.models import RateMark
from cift.errors import ApplicationError

_NS = 1_000_000_000
_IPV6_PREFIX = 64
"""Of IPv6 a subscriber has a whole network, so a network counts as one address."""

_SWEEP_ONE_IN = 256


class Wanted(NamedTuple):
    """A place under a limit (by its name in the settings) for somebody."""

    limit: str
    who: str


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


def places_take(wanted: Sequence[Wanted], *, at: int) -> Standing:
    """Take a place under each limit; give how the tightest stands.

    Raises:
        ApplicationError: `rate_limited`, with the headers that say when to come again.

    """
    tightest: Standing | None = None
    for limit, who in wanted:
        standing = _take(limit, who, at=at)
        if standing.wait_s:
            raise ApplicationError("rate_limited", headers=standing.headers)
        if tightest is None or standing.remaining < tightest.remaining:
            tightest = standing
    if secrets.randbelow(_SWEEP_ONE_IN) == 0:
        RateMark.objects.filter(ahead_until__lt=at).delete()
    if tightest is None:
        raise ValueError("no limit was named")
    return tightest


def places_return(wanted: Sequence[Wanted]) -> None:
    """Give back the place that was taken under each limit: what was done does not count."""
    for limit, who in wanted:
        interval = _interval(limit)
        RateMark.objects.filter(pk=_key(limit, who)).update(ahead_until=F("ahead_until") - Value(interval))


def address_counted(address: str) -> str:
    """Give what counts as one address: an IPv4 address, a /64 network of IPv6, or whatever else a server names."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
    return str(parsed)


def _take(limit: str, who: str, *, at: int) -> Standing:
    requests, window_s = settings.IDENTITIES["LIMITS"][limit]
    window = window_s * _NS
    interval, key = _interval(limit), _key(limit, who)
    room_until = at + window - interval
    taken = _update(key, interval, room_until, at=at)
    if not taken and not RateMark.objects.filter(pk=key).exists():
        try:
            with transaction.atomic():
                RateMark.objects.create(key=key, ahead_until=at + interval)
            taken = True
        except IntegrityError:
            # Another made it meanwhile.
            taken = _update(key, interval, room_until, at=at)
    ahead_until = RateMark.objects.filter(pk=key).values_list("ahead_until", flat=True).first() or at
    remaining = max(0, (at + window - max(ahead_until, at)) // interval)
    return Standing(
        limit=limit,
        requests=requests,
        window_s=window_s,
        remaining=remaining,
        reset_s=_seconds_up(ahead_until - at),
        wait_s=0 if taken else max(1, _seconds_up(ahead_until - room_until)),
    )


def _interval(limit: str) -> int:
    requests, window_s = settings.IDENTITIES["LIMITS"][limit]
    interval: int = window_s * _NS // requests
    return interval


def _key(limit: str, who: str) -> str:
    return hashlib.blake2b(f"{limit}|{who}".encode(), digest_size=32).hexdigest()


def _update(key: str, interval: int, room_until: int, *, at: int) -> bool:
    ahead = Greatest(F("ahead_until"), Value(at)) + Value(interval)
    return bool(RateMark.objects.filter(pk=key, ahead_until__lte=room_until).update(ahead_until=ahead))


def _seconds_up(span: int) -> int:
    return max(0, -(-span // _NS))
