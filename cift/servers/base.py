"""What both web servers are to what runs beside them, and the bounds they hold to."""

from typing import Protocol

from cift.errors.application import ApplicationError

MESSAGE_BYTES_MAX = 64 * 1024
"""The largest WebSocket message taken; a larger one closes the socket."""

DRAIN_S_MAX = 2.0
"""How long requests under way may go on when the server ends."""


def head_late() -> ApplicationError:
    """Return the error of a request whose head does not end."""
    return ApplicationError("request_timeout", "The request's head was not received in time.")


class Server(Protocol):
    """A web server as what runs beside it sees it."""

    async def stop_accepting(self) -> None:
        """Take no more connections; those there are go on."""
