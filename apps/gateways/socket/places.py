"""How many sockets there are: of one address, and without a login. Connections are counted before, where they come in.

Behind a proxy all connections are the proxy's; the address counted here is the client's own.
"""

from collections import Counter

from django.conf import settings

from cift.errors.application import ApplicationError


class SocketPlaces:
    """The sockets of one event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._of: Counter[str] = Counter()
        self._anonymous = 0

    def enter(self, who: str, *, brings_token: bool) -> None:
        """Take a place; with a token in the handshake there is always one among those without a login.

        Raises:
            ApplicationError: `rate_limited`: the address has its most; `overloaded`: as many have no login as may.

        """
        if self._of[who] >= settings.CONNECTIONS_PER_ADDRESS_MAX:
            raise ApplicationError("rate_limited", "Your address has its most sockets.")
        if self._anonymous >= settings.SOCKETS_ANONYMOUS_MAX and not brings_token:
            raise ApplicationError("overloaded", "There are as many sockets without a login as there may be.")
        self._of[who] += 1
        self._anonymous += 1

    def logged_in(self) -> None:
        """Count a socket out of those without a login."""
        self._anonymous -= 1

    def leave(self, who: str, *, anonymous: bool) -> None:
        """Make room for another."""
        self._of[who] -= 1
        if not self._of[who]:
            del self._of[who]
        self._anonymous -= anonymous
