"""What both web servers hold to, and the choice between them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from cift.errors import ApplicationError
from cift.settings.tls import TlsSettings

MESSAGE_BYTES_MAX = 64 * 1024
"""The largest WebSocket message taken; a larger one closes the socket."""

DRAIN_S_MAX = 2.0
"""How long requests under way may go on when the server ends."""


def no_request() -> ApplicationError:
    """Give the error of what is no request of HTTP, which no application gets to see."""
    return ApplicationError("invalid", "This is no HTTP request.")


class Server(Protocol):
    """A web server as what runs beside it sees it."""

    async def stop_accepting(self) -> None:
        """Take no more connections; those there are go on."""


def serve(
    name: str,
    application: Any,
    beside: Callable[[Server], Awaitable[None]],
    *,
    descriptor: int,
    tls: TlsSettings | None,
) -> None:
    """Serve an application with the web server of this name until `beside` returns; what it raises is raised here."""
    # Each is imported where it is wanted: Daphne's installs Twisted's reactor.
    if name == "uvicorn":
        from cift.embedded.uvicornserver import UvicornServer  # noqa: PLC0415 - see above

        UvicornServer(application, descriptor=descriptor, tls=tls).serve(beside)
    else:
        import uvloop  # noqa: PLC0415 - see above

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        from cift.embedded.webserver import WebServer  # noqa: PLC0415 - see above

        WebServer(application, descriptor=descriptor, tls=tls).serve(beside)
