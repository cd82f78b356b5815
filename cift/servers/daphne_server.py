"""The web server: Daphne, on a socket bound already, with something running beside it in the same event loop."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from cryptography.x509 import load_pem_x509_certificates as load_certificates

# Daphne installs Twisted's asyncio reactor when it is imported, so it comes before anything else of Twisted.
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server, twisted_loop
from django.conf import settings
from OpenSSL.crypto import FILETYPE_PEM, X509, load_privatekey
from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.internet.tcp import Connection
from twisted.internet.tcp import Server as TcpServer
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.http import HTTPChannel

from cift.errors.application import ApplicationError
from cift.errors.problems import CONTENT_TYPE, problem_of
from cift.http.answers import date_now, phrase_of, problem_raw
from cift.http.bodies import LINGER_BYTES_MAX
from cift.http.handshakes import ANSWER_EXTENSION
from cift.request_ids import REQUEST_ID_HEADER, request_id_of
from cift.servers.acceptor import Acceptor
from cift.servers.base import DRAIN_S_MAX, MESSAGE_BYTES_MAX
from cift.servers.connections import Place, connections_bounded
from cift.servers.daphne_socket import DaphneSocket, protocol_options
from cift.servers.frames import CLOSE_S_MAX, EXTENSION
from cift.servers.grammar import no_request
from cift.servers.reader import RequestReader
from cift.settings.tls import TlsSettings

_DRAIN_POLL_S = 0.01

_NEVER_S = 10**9

_reactor: Any = reactor
_HttpChannel: Any = HTTPChannel
_TcpServer: Any = TcpServer


class DaphneServer:
    """Serves an ASGI application from one listening socket."""

    def __init__(self, application: Any, *, descriptor: int, tls: TlsSettings | None = None) -> None:
        """Take the application, the socket's file descriptor and the certificate; `serve` begins to accept."""
        self._descriptor = descriptor
        self._tls = None if tls is None else _tls_options(tls)
        self._acceptor: Acceptor | None = None
        self._server = _Daphne(
            application,
            endpoints=["adopted below"],
            signal_handlers=False,
            # How long a request may take is bounded for both servers, by cift.http.faults.
            http_timeout=None,
            websocket_timeout=-1,
            # Its own pings go to sockets that send nothing; those of the protocol's options go to all.
            ping_interval=_NEVER_S,
            websocket_max_message_size=MESSAGE_BYTES_MAX,
            websocket_max_frame_size=MESSAGE_BYTES_MAX,
            ready_callable=self._adopt,
            server_name="cift",
            verbosity=0,
        )
        self._server.endpoints = []
        self._server.socket_scheme = "ws" if tls is None else "wss"

    def serve(self, beside: Callable[["DaphneServer"], Awaitable[None]]) -> None:
        """Serve until `beside`, run in the server's event loop, returns; what it raises is raised here."""
        task = twisted_loop.create_task(self._until_done(beside))
        self._server.run()
        task.result()

    def _adopt(self) -> None:
        self._server.ws_factory.protocol = DaphneSocket
        self._server.ws_factory.setProtocolOptions(**protocol_options())
        self._factory = _Factory(self._server)
        self._wrapped: Any = self._factory
        if self._tls is not None:
            self._wrapped = TLSMemoryBIOFactory(self._tls, False, self._factory)  # noqa: FBT003 - Twisted's own shape
        self._acceptor = Acceptor(
            socket.socket(fileno=self._descriptor),
            self._connected,
            connections=connections_bounded(),
            loop=twisted_loop,
            speaks_tls=self._tls is not None,
        )
        self._acceptor.start()

    def _connected(self, connection: socket.socket, place: Place) -> None:
        """Begin with a connection, as Twisted's own port does: to have it adopted would take a second descriptor."""
        try:
            peer = connection.getpeername()
        except OSError:
            # Gone already.
            connection.close()
            place.leave()
            return
        self._factory.next_place = place
        address = IPv6Address if connection.family == socket.AF_INET6 else IPv4Address
        protocol = self._wrapped.buildProtocol(address("TCP", *peer))
        protocol.makeConnection(_TcpServer(connection, protocol, peer, None, peer[1], _reactor))

    async def _until_done(self, beside: Callable[["DaphneServer"], Awaitable[None]]) -> None:
        try:
            await beside(self)
        finally:
            await self.stop_accepting()
            await self._drain()
            _reactor.stop()

    async def stop_accepting(self) -> None:
        """Take no more connections; those there are go on."""
        if self._acceptor is not None:
            self._acceptor.stop()
        await asyncio.sleep(0)

    async def _drain(self) -> None:
        """Let HTTP requests under way be answered; sockets are ended by the server's end."""
        give_up_at = twisted_loop.time() + DRAIN_S_MAX
        while self._server.http_under_way() and twisted_loop.time() < give_up_at:  # noqa: ASYNC110 - Daphne tells nobody
            await asyncio.sleep(_DRAIN_POLL_S)


class _Request(WebRequest):  # type: ignore[misc]
    """Bounds a body while it arrives: Twisted hands it on when it is whole, however large and slow."""

    _body_bytes = 0
    _body_timer: Any = None

    def process(self) -> Any:
        """Handle the request, or the socket it asks for, without the header that would tell Daphne a root path."""
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return super().process()

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Begin to wait for a body, if there is one."""
        super().gotLength(length)
        if length != 0:
            self._body_timer = _reactor.callLater(settings.BODY_S_MAX, self._too_slow)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep no more than shows that it is too much; whoever goes on sending is cut off."""
        room = max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1 - self._body_bytes, 0)
        self._body_bytes += len(data)
        if room:
            super().handleContentChunk(data[:room])
        if self._body_bytes > LINGER_BYTES_MAX:
            self.channel.loseConnection()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 - Twisted's name
        """Wait no more: the request is whole."""
        self._body_there()
        super().requestReceived(command, path, version)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """Wait no more: the client has gone."""
        self._body_there()
        super().connectionLost(reason)

    def _body_there(self) -> None:
        timer, self._body_timer = self._body_timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _too_slow(self) -> None:
        self.channel.transport.write(problem_raw(ApplicationError("request_timeout"), request_id=self._request_id()))
        self.channel.loseConnection()

    def _request_id(self) -> str:
        return request_id_of(self.requestHeaders.getRawHeaders(b"x-request-id", [b""])[0].decode("latin-1"))

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:  # noqa: N802 - Twisted's name
        """Say a status in the words of RFC 9110."""
        super().setResponseCode(code, message or phrase_of(code).encode())

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Add to an answer's head what Daphne leaves out, and close where the head says so."""
        super().handle_reply(message)
        if message["type"] == "http.response.start" and self.channel is not None:
            self.setHeader(b"date", date_now().encode())
            if b"close" in self.responseHeaders.getRawHeaders(b"connection", ()):
                # Twisted says so for the client's wish, an application for its own.
                self.responseHeaders.setRawHeaders(b"connection", [b"close"])
                self.channel.persistent = False

    def basic_error(self, status: int, _status_text: bytes, body: str) -> None:
        """Answer as a problem what Daphne would answer with a page."""
        if status == HTTPStatus.BAD_REQUEST:
            error = ApplicationError("invalid", f"{body}.")
        else:
            # A fault, or an application that took too long: what it was doing may have been done all the same.
            error = ApplicationError("internal", "The request was not answered; whether it took effect is not known.")
        request_id = self._request_id()
        headers = [(b"Content-Type", CONTENT_TYPE.encode()), (REQUEST_ID_HEADER.encode(), request_id.encode())]
        problem = json.dumps(problem_of(error, request_id=request_id)).encode()
        self.handle_reply({"type": "http.response.start", "status": error.status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": problem})


class _Channel(_HttpChannel):  # type: ignore[misc]
    """Is handed plain requests by a reader."""

    transport: Any
    persistent: bool
    place: Place

    def __init__(self) -> None:
        """Begin with nothing read."""
        super().__init__()
        self._reader = RequestReader(self, loop=twisted_loop)

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Begin to wait for the first head."""
        super().connectionMade()
        self.factory.server.places[self.transport] = self.place
        self._reader.connected()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """Wait no more."""
        self._reader.lost()
        self.factory.server.place_leave(self.transport)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Read requests out of what comes."""
        self._reader.feed(data)

    def requestDone(self, request: Any) -> None:  # noqa: N802 - Twisted's name
        """Turn to the next request."""
        super().requestDone(request)
        if self.persistent:
            self._reader.answered()

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802 - Twisted's name
        """Answer as a problem what is no request of HTTP."""
        self.write_raw(problem_raw(no_request(), request_id=request_id_of(None)))
        self.cut()

    def parse(self, data: bytes) -> None:
        """Take bytes of a plain request."""
        super().dataReceived(data)

    def write_raw(self, data: bytes) -> None:
        """Write past Twisted's own answers."""
        self.transport.write(data)

    def reading_pause(self) -> None:
        """Read no more until the request under way is answered; Twisted reads again then."""
        self.transport.pauseProducing()

    def abandon(self) -> bool:
        """Let go of the request under way, of which no application has heard before its body is whole."""
        return True

    def writing_end(self) -> None:
        """Send no more, and read on, where the transport can."""
        transport = self.transport
        if issubclass(type(transport), Connection):
            transport.unregisterProducer()
            transport.loseWriteConnection()
        else:
            self.cut()

    def cut(self) -> None:
        """Close."""
        self.loseConnection()

    def expire(self) -> None:
        """Close, and cut off who does not read what was written."""
        self.abortTimeout = CLOSE_S_MAX
        self.timeoutConnection()


class _Factory(HTTPFactory):  # type: ignore[misc]
    # Twisted's own would only choose between this and HTTP/2.
    protocol = _Channel
    next_place: Place

    def buildProtocol(self, address: Any) -> Any:  # noqa: N802 - Twisted's name
        """Use the bounded request class for a connection."""
        protocol = super().buildProtocol(address)
        protocol.place = self.next_place
        # Twisted's own wait begins anew with each byte.
        protocol.timeOut = None
        # Twisted would read forms ahead of the application, and answer a bad one by itself, without a word why.
        protocol.requestFactory = partial(_Request, parsePOSTFormSubmission=False)
        return protocol


def _tls_options(tls: TlsSettings) -> Any:
    """Read the certificate with its chain, and its key; TLS 1.2 or newer."""
    certificate, *chain = (X509.from_cryptography(link) for link in load_certificates(tls["certificate"].read_bytes()))
    key = load_privatekey(FILETYPE_PEM, tls["key"].read_bytes())
    return CertificateOptions(
        privateKey=key, certificate=certificate, extraCertChain=chain, raiseMinimumTo=TLSVersion.TLSv1_2
    )


class _Daphne(Server):  # type: ignore[misc]
    connections: dict[Any, dict[str, Any]]
    socket_scheme = "ws"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Begin without connections."""
        super().__init__(*arguments, **options)
        self.places: dict[Any, Place] = {}

    def place_leave(self, transport: Any) -> None:
        """Leave the place of a connection that is gone."""
        place = self.places.pop(transport, None)
        if place is not None:
            place.leave()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Pass a socket's application its frame writer, and the scheme, which Daphne leaves out."""
        if isinstance(protocol, DaphneSocket):
            scope["scheme"] = self.socket_scheme
            scope["extensions"] = {
                EXTENSION: {"writer": protocol.writer, "inbound": protocol.inbound},
                ANSWER_EXTENSION: {},
            }
        return super().create_application(protocol, scope)

    def http_under_way(self) -> bool:
        """Return whether a request is still being answered."""
        return any(
            isinstance(protocol, WebRequest)
            and "application_instance" in details
            and not details["application_instance"].done()
            for protocol, details in self.connections.items()
        )

    def kill_all_applications(self) -> Any:
        """Leave out connections without an application, at which the original stumbles."""
        self.connections = {
            protocol: details for protocol, details in self.connections.items() if "application_instance" in details
        }
        return super().kill_all_applications()
