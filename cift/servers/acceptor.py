"""The way in of all connections, under both servers: accepted, counted, and refused where there is no room."""

import errno
import logging
import socket
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from contextlib import suppress

from prometheus_client import Counter

from cift.errors.application import ApplicationError
from cift.http.answers import problem_raw
from cift.request_ids import request_id_of
from cift.servers.connections import Connections, Place

REST_S = 1.0
"""How long no connection is accepted after the system had no descriptor or no memory for one; they wait meanwhile."""

LINGERING_MAX = 64
"""So many refused connections are kept for a moment, so that their clients get to read why; others end at once."""

_LINGER_S = 0.5
_ACCEPTED_AT_ONCE = 64
_BACKLOG = 2_048
_READ_BYTES = 64 * 1024
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_FAILED = Counter("cift_accepts_failed", "Times the system had no descriptor or memory for a connection")

logger = logging.getLogger(__name__)


class Acceptor:
    """Accepts the connections of one listening socket, in an event loop."""

    def __init__(
        self,
        listener: socket.socket,
        connected: Callable[[socket.socket, Place], None],
        *,
        connections: Connections,
        loop: AbstractEventLoop,
        speaks_tls: bool,
    ) -> None:
        """Take a bound socket; `connected` is handed each connection, and leaves its place when that is gone.

        `speaks_tls`: who is refused is not told why, for nobody could read it.
        """
        self._listener = listener
        self._connected = connected
        self._connections = connections
        self._loop = loop
        self._speaks_tls = speaks_tls
        self._lingering: dict[socket.socket, TimerHandle] = {}
        self._resting: TimerHandle | None = None

    def start(self) -> None:
        """Begin to accept."""
        self._listener.settimeout(0)
        self._listener.listen(_BACKLOG)
        self._loop.add_reader(self._listener.fileno(), self._accept_some)

    def stop(self) -> None:
        """Accept no more; harmless when done twice."""
        if self._resting is not None:
            self._resting.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for connection in list(self._lingering):
            self._let_go(connection)

    def _accept_some(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                # Gone before it was accepted.
                continue
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._rest(error)
                return
            connection.settimeout(0)
            try:
                place = self._connections.enter(str(peer[0]))
            except ApplicationError as error:
                self._refuse(connection, error)
            else:
                self._connected(connection, place)

    def _rest(self, error: OSError) -> None:
        """Accept nothing for a moment: the listening socket stays readable, and trying on would take all time."""
        _FAILED.inc()
        logger.warning("no connection can be accepted for %s s: %s", REST_S, error.strerror)
        self._loop.remove_reader(self._listener.fileno())
        self._resting = self._loop.call_later(REST_S, self._go_on)

    def _go_on(self) -> None:
        self._resting = None
        self._loop.add_reader(self._listener.fileno(), self._accept_some)

    def _refuse(self, connection: socket.socket, error: ApplicationError) -> None:
        """Answer what is asked, unread, and end; closed at once, the client's own bytes would have its answer lost."""
        if self._speaks_tls or len(self._lingering) >= LINGERING_MAX:
            connection.close()
            return
        with suppress(OSError):
            connection.send(problem_raw(error, request_id=request_id_of(None)))
            connection.shutdown(socket.SHUT_WR)
        self._lingering[connection] = self._loop.call_later(_LINGER_S, self._let_go, connection)

    def _let_go(self, connection: socket.socket) -> None:
        self._lingering.pop(connection).cancel()
        with suppress(OSError):
            connection.recv(_READ_BYTES)
        connection.close()
