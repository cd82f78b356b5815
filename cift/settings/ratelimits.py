"""How many requests of each kind an account and an address may make: `{name: (requests, seconds)}`.

The edges name a limit by the kind of call (`orders`: entry, change and cancel, a batch counts its commands; `reads`:
private reads; `market`: public market data; `auth`: identities, and the forms that take a password; `pages`: everything
else over HTTP; `refusals`: those answered at once over HTTP; `sockets`: handshakes; `messages`: what comes over
sockets; `frames`: what those come in, and all other frames) and by whom it counts. A costly call takes several of its
address's places (`cift.http.costs`). All of a limit's requests may come at once. Each web process counts by itself, so
with several each grants its share.
"""

import re

from cift.env import EnvironmentVariableError
from cift.settings import variables

# One's own machine: bounds against a program run wild, far above what the venue carries.
EMBEDDED = {
    "orders-account": (10_000, 1),
    "orders-address": (20_000, 1),
    "reads-account": (2_000, 1),
    "reads-address": (4_000, 1),
    "market-address": (4_000, 1),
    "pages-address": (2_000, 1),
    "refusals-address": (1_000, 1),
    "auth-address": (3_000, 60),
    "sockets-address": (3_000, 60),
    "messages-address": (50_000, 1),
    "frames-socket": (20_000, 1),
    "frames-address": (50_000, 1),
}

PRODUCTION = {
    "orders-account": (500, 1),
    "orders-address": (2_000, 1),
    "reads-account": (100, 1),
    "reads-address": (400, 1),
    "market-address": (200, 1),
    "pages-address": (200, 1),
    "refusals-address": (20, 1),
    "auth-address": (120, 60),
    "sockets-address": (120, 60),
    "messages-address": (4_000, 1),
    "frames-socket": (4_000, 1),
    "frames-address": (8_000, 1),
}


def rate_limits(defaults: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return the limits of this process; CIFT_RATE_LIMITS changes some: `orders-account=100/1,auth-address=30/60`.

    Of CIFT_WEB_PROCESSES each has that part of every limit, rounded down, so that all together never grant more than
    it; but at least one request, so that nobody is shut out by a process.

    Raises:
        EnvironmentVariableError: it names no limit, or none of this form.

    """
    limits = dict(defaults)
    for given in variables.RATE_LIMITS.given() or ():
        match = re.fullmatch(r"([a-z-]+)=([1-9][0-9]{0,6})/([1-9][0-9]{0,4})", given, re.ASCII)
        if match is None or match.group(1) not in limits:
            known = ", ".join(limits)
            raise EnvironmentVariableError(
                f"CIFT_RATE_LIMITS: {given!r} is not NAME=REQUESTS/SECONDS with one of these names: {known}"
            )
        limits[match.group(1)] = (int(match.group(2)), int(match.group(3)))
    processes = variables.WEB_PROCESSES.read()
    return {
        # A socket is one process's alone.
        name: (requests if name.endswith("-socket") else max(requests // processes, 1), seconds)
        for name, (requests, seconds) in limits.items()
    }
