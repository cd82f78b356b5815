"""The choice between the two web servers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cift.processes.turns import switch_quickly
from cift.servers.base import Server
from cift.settings.tls import TlsSettings


def serve(
    name: str,
    application: Any,
    beside: Callable[[Server], Awaitable[None]],
    *,
    descriptor: int,
    tls: TlsSettings | None,
) -> None:
    """Serve an application with the web server of this name until `beside` returns; what it raises is raised here."""
    switch_quickly()
    # Each is imported where it is wanted: Daphne's installs Twisted's reactor.
    if name == "uvicorn":
        from cift.servers.uvicorn_server import UvicornServer  # noqa: PLC0415 - see above

        UvicornServer(application, descriptor=descriptor, tls=tls).serve(beside)
    else:
        import uvloop  # noqa: PLC0415 - see above

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        from cift.servers.daphne_server import DaphneServer  # noqa: PLC0415 - see above

        DaphneServer(application, descriptor=descriptor, tls=tls).serve(beside)
