"""The hosting end of a local bus: an exchange, and a Unix socket that lets other processes in."""

import asyncio
import logging
import socket
from contextlib import suppress
from pathlib import Path

from cift.bus.base import BusError, BusInUse
from cift.bus.exchange import Exchange
from cift.bus.frames import Frame, FrameError, Op, failure_encode, frame_encode, frame_read
from cift.bus.reader import Reader

CONNECTIONS_MAX = 256
"""Processes let in at once."""

SUBSCRIPTIONS_MAX = 1_024
"""Subscriptions of one connection."""

REQUESTS_MAX = 8_192
"""Requests of one connection not answered yet; a process that asks more is cut off."""

_BACKLOG = 64

logger = logging.getLogger(__name__)


class Host:
    """Serves other processes what the exchange of this one has."""

    def __init__(self, path: Path) -> None:
        """Take the socket's path; `start` binds it."""
        self.loop = asyncio.get_running_loop()
        self.exchange = Exchange()
        self._path = path
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bind the socket, in place of one that was left behind.

        Raises:
            BusInUse: a living process has it.

        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _displace(self._path)
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        self._server = await asyncio.start_unix_server(self._accept, sock=listener)

    async def close(self) -> None:
        """Let all go and take the socket away."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        await self.exchange.close()
        for task in tuple(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(tuple(self._connections))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= CONNECTIONS_MAX:
            logger.warning("a process was refused: %d are connected to the bus", len(self._connections))
            writer.close()
            return
        self._connections.add(task)
        guest = _Guest(self.exchange, writer)
        try:
            while True:
                await guest.take(await frame_read(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except FrameError as error:
            logger.warning("a process was disconnected from the bus: %s", error)
        except asyncio.CancelledError:
            pass  # the host is closing; a task that ends cancelled would be logged by the server
        finally:
            self._connections.discard(task)
            await guest.close()
            writer.close()


class _Guest:
    """One connected process."""

    def __init__(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        self._exchange = exchange
        self._writer = writer
        self._readers: dict[int, Reader] = {}
        self._requests: set[asyncio.Task[None]] = set()

    async def take(self, frame: Frame) -> None:
        match frame.op:
            case Op.REQUEST:
                if len(self._requests) >= REQUESTS_MAX:
                    raise FrameError(f"more than {REQUESTS_MAX} requests under way")
                task = asyncio.create_task(self._answer(frame))
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)
            case Op.PUBLISH:
                self._exchange.publish(frame.subject, frame.payload)
            case Op.SUBSCRIBE:
                self._subscribe(frame)
                await self._send(frame_encode(Frame(Op.SUBSCRIBED, frame.id)))
            case Op.UNSUBSCRIBE:
                reader = self._readers.pop(frame.id, None)
                if reader is not None:
                    await reader.close()
            case _:
                raise FrameError(f"a frame only a host may send: {frame.op!r}")

    async def _answer(self, frame: Frame) -> None:
        try:
            answer = await self._exchange.request(frame.subject, frame.payload, timeout_s=None)
        except BusError as error:
            reply = failure_encode(frame.id, error)
        else:
            reply = frame_encode(Frame(Op.ANSWER, frame.id, "", answer))
        await self._send(reply)

    def _subscribe(self, frame: Frame) -> None:
        if frame.id in self._readers or len(self._readers) >= SUBSCRIPTIONS_MAX:
            raise FrameError(f"subscription {frame.id} is one too many")

        async def forward(subject: str, payload: bytes) -> None:
            await self._send(frame_encode(Frame(Op.MESSAGE, frame.id, subject, payload)))

        async def forward_gap() -> None:
            await self._send(frame_encode(Frame(Op.GAP, frame.id)))

        reader = Reader(forward, forward_gap, on_close=lambda reader: self._exchange.discard(frame.subject, reader))
        self._readers[frame.id] = reader
        self._exchange.add(frame.subject, reader)

    async def _send(self, data: bytes) -> None:
        """Send, waiting while the process reads slower; the mailboxes before this are bounded."""
        if not self._writer.is_closing():
            with suppress(ConnectionError):
                self._writer.write(data)
                await self._writer.drain()

    async def close(self) -> None:
        for reader in tuple(self._readers.values()):
            await reader.close()
        for task in tuple(self._requests):
            task.cancel()


def _displace(path: Path) -> None:
    """Take away a socket nobody listens on any more."""
    if not path.exists():
        return
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(str(path))
    except ConnectionRefusedError:
        path.unlink()
    else:
        raise BusInUse(f"another process hosts the bus at {path}")
    finally:
        probe.close()
