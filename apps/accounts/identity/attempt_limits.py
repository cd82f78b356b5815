"""How often anybody may try a password or a code: counted in the database, by all processes together, none twice.

The generic cell rate algorithm: a mark runs ahead of the clock by one interval a request, and a request that would put
it ahead by more than the window is refused. One conditional UPDATE takes the place, so that of many requests at once
only as many pass as there is room for.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from apps.accounts.models import RateMark
from cift.ratelimits import Standing, address_counted, refused
from cift.times import clock_ns

_NS = 1_000_000_000


class Wanted(NamedTuple):
    """A place under a limit (by its name in the settings) for somebody."""

    limit: str
    who: str


@contextmanager
def attempt(account: str, *, address: str) -> Iterator[Standing]:
    """Count a try at a password, a code or a mailed token while it is made; one that does not raise does not count.

    Everywhere one can be tried, the same two limits count it: that of the address it comes from, and that of the
    account (by its e-mail address, empty where none is named) as tried from there.

    Raises:
        ApplicationError: `rate_limited`; what the try raises.

    """
    source = address_counted(address)
    wanted = (Wanted("login-address", source), Wanted("login-account-address", f"{source}|{account.strip().lower()}"))
    yield places_take(wanted, at=clock_ns())
    places_return(wanted)


def places_take(wanted: Sequence[Wanted], *, at: int) -> Standing:
    """Take a place under each limit; give how the tightest stands.

    Raises:
        ApplicationError: `rate_limited`, with the headers that say when to come again.

    """
    tightest: Standing | None = None
    for limit, who in wanted:
        standing = _take(limit, who, at=at)
        if standing.wait_s:
            raise refused(standing)
        if tightest is None or standing.remaining < tightest.remaining:
            tightest = standing
    if tightest is None:
        raise ValueError("no limit was named")
    return tightest


def places_return(wanted: Sequence[Wanted]) -> None:
    """Release what was taken under each limit: what was done does not count."""
    for limit, who in wanted:
        interval = _interval(limit)
        RateMark.objects.filter(pk=_key(limit, who)).update(ahead_until=F("ahead_until") - Value(interval))


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
    if not taken:
        # No mark is further ahead than the window but one of before the clock was set back.
        RateMark.objects.filter(pk=key, ahead_until__gt=at + window).update(ahead_until=at + window)
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
