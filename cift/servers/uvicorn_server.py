"""The web server: uvicorn on uvloop, on a socket bound already, with something running beside it in its event loop."""

import asyncio
import socket
from asyncio import TimerHandle, Transport
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import uvicorn
import uvloop
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cift.http.answers import phrase_of, problem_raw
from cift.request_ids import request_id_of
from cift.servers.acceptor import Acceptor
from cift.servers.base import DRAIN_S_MAX, MESSAGE_BYTES_MAX
from cift.servers.connections import Place, connections_bounded
from cift.servers.frames import CLOSE_S_MAX
from cift.servers.grammar import no_request
from cift.servers.reader import RequestReader
from cift.servers.uvicorn_socket import UvicornSocket
from cift.settings.tls import TlsSettings

# uvicorn takes the phrases from Python, which has older names for some.
STATUS_LINE.update({status: f"HTTP/1.1 {int(status)} {phrase_of(status)}\r\n".encode() for status in HTTPStatus})


class UvicornServer:
    """Serves an ASGI application from one listening socket."""

    def __init__(self, application: Any, *, descriptor: int, tls: TlsSettings | None = None) -> None:
        """Take the application, the socket's file descriptor and the certificate; `serve` begins to accept."""
        self._listener = socket.socket(fileno=descriptor)
        self._acceptor: Acceptor | None = None
        self._connecting: set[asyncio.Task[None]] = set()
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
                timeout_keep_alive=settings.IDLE_S_MAX,
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
        # Its own `startup` would accept by itself.
        self._server.servers, self._server.started = [], True
        self._acceptor = Acceptor(
            self._listener,
            self._connected,
            connections=connections_bounded(),
            loop=asyncio.get_running_loop(),
            speaks_tls=config.ssl is not None,
        )
        self._acceptor.start()
        ticking = asyncio.create_task(self._server.main_loop())
        try:
            await beside(self)
        finally:
            self._acceptor.stop()
            self._server.should_exit = True
            await ticking
            await self._server.shutdown()

    def _connected(self, connection: socket.socket, place: Place) -> None:
        task = asyncio.create_task(self._connect(connection, place))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket, place: Place) -> None:
        """Begin with a connection, TLS first."""
        config, loop = self._server.config, asyncio.get_running_loop()
        protocol = partial(
            _Http, config=config, server_state=self._server.server_state, app_state={}, _loop=loop, place=place
        )
        try:
            await loop.connect_accepted_socket(
                protocol,
                connection,
                ssl=config.ssl,
                ssl_handshake_timeout=None if config.ssl is None else settings.HEAD_S_MAX,
            )
        except OSError:
            # Gone, or no TLS: there is nobody to tell.
            place.leave()

    async def stop_accepting(self) -> None:
        """Take no more connections; those there are go on."""
        if self._acceptor is not None:
            self._acceptor.stop()
        await asyncio.sleep(0)


class _Http(HttpToolsProtocol):
    """Is handed plain requests by a reader; bounds how long an answer may lie unread."""

    _cutting: TimerHandle | None = None

    def __init__(self, *arguments: Any, place: Place, **options: Any) -> None:
        """Take the connection's place, which a socket takes over."""
        super().__init__(*arguments, **options)
        self._place = place
        self._reader = RequestReader(self, loop=self.loop)
        self.ws_protocol_class = partial(UvicornSocket, place=place)  # type: ignore[assignment]

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._reader.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._reader.lost()
        self._cut_not()
        self._place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read requests out of what comes."""
        self._reader.feed(data)

    def on_response_complete(self) -> None:
        """Turn to the next request."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._reader.answered()

    def send_400_response(self, msg: str) -> None:
        """Answer as a problem what is no request of HTTP."""
        del msg
        self.write_raw(problem_raw(no_request(), request_id=request_id_of(None)))
        self.cut()

    def parse(self, data: bytes) -> None:
        """Take bytes of a plain request."""
        super().data_received(data)

    def write_raw(self, data: bytes) -> None:
        """Write past uvicorn's own answers."""
        self.transport.write(data)

    def reading_pause(self) -> None:
        """Read no more until the request under way is answered; uvicorn reads again then."""
        self.flow.pause_reading()

    def abandon(self) -> bool:
        """Let go of the request under way, whose application is told that its client has gone."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        return not self.cycle.response_started

    def writing_end(self) -> None:
        """Send no more, and read on, where the transport can."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.cut()

    def cut(self) -> None:
        """Close."""
        self.transport.close()

    def pause_writing(self) -> None:
        """Cut off who does not read its answer."""
        super().pause_writing()
        self._cut_in(settings.IDLE_S_MAX)

    def resume_writing(self) -> None:
        """Go on with who reads."""
        self._cut_not()
        super().resume_writing()

    def expire(self) -> None:
        """Close, and cut off who does not read what was written."""
        self.transport.close()
        self._cut_in(CLOSE_S_MAX)

    def _cut_in(self, seconds: float) -> None:
        self._cut_not()
        self._cutting = self.loop.call_later(seconds, self.transport.abort)

    def _cut_not(self) -> None:
        cutting, self._cutting = self._cutting, None
        if cutting is not None:
            cutting.cancel()
