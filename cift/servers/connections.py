"""How many connections there are, and who has them: counted where they are accepted, until they are gone."""

from collections import Counter

from django.conf import settings
from prometheus_client import Gauge

from cift.errors.application import ApplicationError
from cift.http.proxies import is_trusted
from cift.processes.descriptors import descriptors_raise
from cift.ratelimits import address_counted

DESCRIPTORS_RESERVED = 200
"""What is left to databases, logs and the bus when all connections there may be are open."""

_OPEN = Gauge("cift_connections_open", "Connections open")


class Place:
    """One connection's; it is left once, however often that is said."""

    def __init__(self, connections: "Connections", address: str) -> None:
        """Take who has it."""
        self._connections: Connections | None = connections
        self._address = address

    def leave(self) -> None:
        """Make room for another connection."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.left(self._address)


class Connections:
    """The connections of one process; used from its event loop."""

    def __init__(self, *, most: int, of_address: int) -> None:
        """Begin with none; `most`: of all, `of_address`: of one address, a trusted proxy's excepted."""
        self._most = most
        self._of_address = of_address
        self._counts: Counter[str] = Counter()
        self._count = 0

    def enter(self, address: str) -> Place:
        """Take a place.

        Raises:
            ApplicationError: `overloaded`: all are taken; `rate_limited`: the address has its most.

        """
        who = address_counted(address)
        if self._count >= self._most:
            raise ApplicationError("overloaded", "The venue has its most connections; the request had no effect.")
        if self._counts[who] >= self._of_address and not is_trusted(address):
            raise ApplicationError("rate_limited", "Your address has its most connections.")
        self._counts[who] += 1
        self._count += 1
        _OPEN.set(self._count)
        return Place(self, who)

    def left(self, who: str) -> None:
        """Count a connection out."""
        self._count -= 1
        self._counts[who] -= 1
        if not self._counts[who]:
            del self._counts[who]
        _OPEN.set(self._count)


def connections_bounded() -> Connections:
    """Return the count of this process, by the settings, and below what the system allows."""
    allowed = descriptors_raise(settings.CONNECTIONS_MAX + DESCRIPTORS_RESERVED)
    most = max(min(settings.CONNECTIONS_MAX, allowed - DESCRIPTORS_RESERVED), 1)
    return Connections(most=most, of_address=settings.CONNECTIONS_PER_ADDRESS_MAX)
