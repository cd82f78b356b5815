"""How fast one socket may speak: by its address, whatever it says; who does not heed refusals is cut."""

from typing import Any

from cift.errors.application import ApplicationError
from cift.ratelimits import address_counted, rate_limits

REFUSALS_MAX = 100
"""Refusals one behind the other, for want of a place, after which a socket is closed."""


class SocketLimits:
    """One socket's places."""

    def __init__(self, scope: dict[str, Any]) -> None:
        """Take the handshake's scope."""
        client = scope.get("client")
        self._who = address_counted(client[0] if client else "")
        self._refusals = 0

    def handshake(self) -> None:
        """Take the place of a handshake.

        Raises:
            ApplicationError: `rate_limited`.

        """
        rate_limits.take("sockets-address", self._who)

    def message(self) -> None:
        """Take the place of a message.

        Raises:
            ApplicationError: `rate_limited`.

        """
        rate_limits.check("messages-address", self._who)

    def heeded(self) -> None:
        """Note that a request was taken."""
        self._refusals = 0

    def too_many(self, error: ApplicationError) -> bool:
        """Note a refusal; tell whether the socket is to be closed for it."""
        self._refusals += error.code == "rate_limited"
        return self._refusals >= REFUSALS_MAX
