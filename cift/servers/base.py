"""What both web servers are to what runs beside them, and the bounds they hold to."""

from typing import Protocol

MESSAGE_BYTES_MAX = 64 * 1024
"""The largest WebSocket message taken; a larger one closes the socket."""

DRAIN_S_MAX = 2.0
"""How long requests under way may go on when the server ends."""


class Server(Protocol):
    """A web server as what runs beside it sees it."""

    async def stop_accepting(self) -> None:
        """Take no more connections; those there are go on."""
