"""The web server: uvicorn on uvloop, on a socket bound already, with something running beside it in its event loop."""

import asyncio
import socket
from asyncio import TimerHandle, Transport
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
import uvloop
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cift.http.answers import problem_raw
from cift.request_ids import request_id_of
from cift.servers.base import DRAIN_S_MAX, MESSAGE_BYTES_MAX, no_request
from cift.servers.uvicorn_socket import UvicornSocket
from cift.settings.tls import TlsSettings

IDLE_S_MAX = 60
"""How long a connection may stay open without a request."""

HEAD_S_MAX = 60.0
"""How long a request's head may take to arrive."""

HEAD_BYTES_MAX = 64 * 1024
"""The largest head of a request taken; a larger one closes the connection."""


class UvicornServer:
    """Serves an ASGI application from one listening socket."""

    def __init__(self, application: Any, *, descriptor: int, tls: TlsSettings | None = None) -> None:
        """Take the application, the socket's file descriptor and the certificate; `serve` begins to accept."""
        self._listener = socket.socket(fileno=descriptor)
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                http=_Http,
                ws=UvicornSocket,
                ws_max_size=MESSAGE_BYTES_MAX,
                ws_ping_interval=settings.SOCKET_PING_S,
                ws_ping_timeout=settings.SOCKET_PING_S,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                headers=[("server", "cift")],
                timeout_keep_alive=IDLE_S_MAX,
                timeout_graceful_shutdown=int(DRAIN_S_MAX),
                ssl_certfile=None if tls is None else tls["certificate"],
                ssl_keyfile=None if tls is None else tls["key"],
            )
        )

    def serve(self, beside: Callable[["UvicornServer"], Awaitable[None]]) -> None:
        """Serve until `beside`, run in the server's event loop, returns; what it raises is raised here."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._until_done(beside))

    async def _until_done(self, beside: Callable[["UvicornServer"], Awaitable[None]]) -> None:
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self._listener])
        ticking = asyncio.create_task(self._server.main_loop())
        try:
            await beside(self)
        finally:
            self._server.should_exit = True
            await ticking
            await self._server.shutdown(sockets=[self._listener])

    async def stop_accepting(self) -> None:
        """Take no more connections; those there are go on."""
        for server in self._server.servers:
            server.close()
        await asyncio.sleep(0)


class _Http(HttpToolsProtocol):
    """Bounds what uvicorn leaves open: a request's head, in time and in size."""

    _waiting: TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes while a head is waited for."""
        if self._waiting is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and b"\r\n\r\n" not in data:
                self.transport.close()
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Answer as a problem what is no request of HTTP."""
        del msg
        self.transport.write(problem_raw(no_request(), request_id=request_id_of(None)))
        self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to wait for the head of the next request."""
        super().on_message_begin()
        if self._waiting is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Wait no more."""
        self._arrived()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._head_bytes = 0
        self._waiting = self.loop.call_later(HEAD_S_MAX, self.transport.close)

    def _arrived(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.cancel()
