"""A process that gives back what its sockets are sent: the most a web server can do with messages of this size."""

import asyncio
import sys
from typing import Any

import django

from cift.processes.workers import stop_on_signals


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one socket."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def until_stopped(_server: Any) -> None:
    """Wait for the signal that ends the process."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    await stop.wait()


def main() -> None:
    """Serve on the listening socket that was handed down."""
    django.setup()
    from cift.servers.serving import serve  # noqa: PLC0415 - needs Django set up

    serve(sys.argv[1], echo, until_stopped, descriptor=int(sys.argv[2]), tls=None)


if __name__ == "__main__":
    main()
