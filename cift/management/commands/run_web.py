"""`manage.py run_web`: a web process of the production topology; the order service is another one's."""

import asyncio
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cift.processes.workers import stop_on_signals
from cift.servers.base import Server

BACKLOG = 1_024


class Command(BaseCommand):
    """Serves REST, sockets and pages until SIGTERM, SIGINT, or the end of the process that started it."""

    help = "Serve REST, sockets and pages; orders are matched by `run_matching`, met on the bus."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where to listen."""
        parser.add_argument("--host", default=settings.HOST, help="the address to listen on (default: HOST)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="the port to listen on (default: PORT)")
        parser.add_argument(
            "--reuse-port", action="store_true", help="share the port with other web processes of this machine"
        )
        parser.add_argument("--lifeline", type=int, metavar="FD", help="end when this file descriptor is closed")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Serve."""
        from cift.asgi import application  # noqa: PLC0415 - needs the apps to be loaded
        from cift.servers.serving import serve  # noqa: PLC0415 - a web server is this command's alone

        host, port = options["host"], options["port"]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server(
                (host, port), family=family, backlog=BACKLOG, reuse_port=options["reuse_port"]
            )
        except (OSError, OverflowError) as error:
            raise CommandError(f"{host}:{port} cannot be listened on: {error}") from error
        beside = _Beside(lifeline=options["lifeline"]).run
        # The server's from here on: it closes it.
        serve(settings.WEB_SERVER, application, beside, descriptor=listener.detach(), tls=settings.TLS)


class _Beside:
    """What runs beside the web server: it waits for the end, and leaves in order."""

    def __init__(self, *, lifeline: int | None) -> None:
        self._lifeline = lifeline

    async def run(self, server: Server) -> None:
        from apps.gateways.socket.hub import hub  # noqa: PLC0415 - needs the apps to be loaded
        from cift.bus import buses  # noqa: PLC0415 - as does this

        stop = asyncio.Event()
        stop_on_signals(stop, lifeline=self._lifeline)
        await stop.wait()
        await server.stop_accepting()
        # While the bus is still there: some orders go with their sockets.
        await hub().last_orders()
        await hub().close()
        await buses["default"].close()
