"""How fast one socket may speak: by its address, whatever it says; who does not heed refusals is cut."""

from typing import Any

from django.conf import settings

from apps.gateways.socket.places import SocketPlaces
from cift.errors.application import ApplicationError
from cift.http.costs import BODY_BYTES_PER_PLACE, PROGRAM
from cift.ratelimits import address_counted, rate_limits
from cift.servers.frames import frames_count_for

REFUSALS_MAX = 100
"""Refusals one behind the other, for want of a place, after which a socket is closed."""


class SocketLimits:
    """One socket's places."""

    def __init__(self, scope: dict[str, Any], *, places: SocketPlaces) -> None:
        """Take the handshake's scope."""
        client = scope.get("client")
        self._who = address_counted(client[0] if client else "")
        self._brings_token = any(name.lower() == b"authorization" for name, _ in scope.get("headers", ()))
        self._refusals = 0
        self._places = places
        self._enters = False
        self._anonymous = True
        self._idle_since: float | None = None
        frames_count_for(scope, self._who)

    def handshake(self) -> None:
        """Take the place of a handshake, and of the socket.

        Raises:
            ApplicationError: `rate_limited`, `overloaded`.

        """
        rate_limits.take("sockets-address", self._who)
        self._places.enter(self._who, brings_token=self._brings_token)
        self._enters = True

    def logged_in(self) -> None:
        """Count as a socket with a login from now on."""
        if self._enters and self._anonymous:
            self._anonymous = False
            self._places.logged_in()

    def leave(self) -> None:
        """Leave the socket's place."""
        if self._enters:
            self._enters = False
            self._places.leave(self._who, anonymous=self._anonymous)

    def is_idle(self, now: float, *, used: bool) -> bool:
        """Look at whether the socket is of use to anybody; tell whether it has not been for `IDLE_S_MAX`; `now`: s."""
        if used:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        return self._idle_since is not None and now - self._idle_since >= settings.IDLE_S_MAX

    def message(self, message: str) -> None:
        """Take the places of a message: by its size, as those of a program's call over HTTP.

        Raises:
            ApplicationError: `rate_limited`.

        """
        size = len(message) if message.isascii() else len(message.encode(errors="replace"))
        rate_limits.check("messages-address", self._who, weight=PROGRAM + size // BODY_BYTES_PER_PLACE)

    def heeded(self) -> None:
        """Note that a request was taken."""
        self._refusals = 0

    def too_many(self, error: ApplicationError) -> bool:
        """Note a refusal; tell whether the socket is to be closed for it."""
        self._refusals += error.code == "rate_limited"
        return self._refusals >= REFUSALS_MAX
