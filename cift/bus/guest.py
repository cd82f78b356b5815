"""The other end of a local bus: one event loop's connection to the process that hosts it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from cift.bus.base import GapHandler, MessageHandler, RequestTimeout, VenueUnavailable
from cift.bus.frames import Frame, FrameError, Op, failure_decode, frame_encode, frame_read
from cift.bus.reader import Reader

_RETRY_S_MIN = 0.05
_RETRY_S_MAX = 1.0
_CONNECT_S_MAX = 2.0


@dataclass(slots=True)
class _Listening:
    """A subscription kept over reconnections; `ready` once the host has confirmed it for the first time."""

    subject: str
    reader: Reader
    ready: asyncio.Event
    missed: bool = False


class Guest:
    """Asks, publishes and listens over the host's socket, and comes back when the host does."""

    def __init__(self, path: Path) -> None:
        """Take the socket's path; the connection is made at first use."""
        self._path = path
        self._ids = count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._connecting = asyncio.Lock()
        self._pending: dict[int, asyncio.Future[bytes]] = {}
        self._listening: dict[int, _Listening] = {}
        self._receiving: asyncio.Task[None] | None = None
        self._returning: asyncio.Task[None] | None = None
        self._closed = False

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Ask the host."""
        writer = await self._connected()
        request_id = next(self._ids)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(writer, Frame(Op.REQUEST, request_id, subject, payload))
                return await answer
        except TimeoutError as error:
            raise RequestTimeout(f"no answer from {subject} in {timeout_s} s") from error
        except ConnectionError as error:
            raise RequestTimeout(f"the bus was lost while asking {subject}") from error
        finally:
            del self._pending[request_id]

    async def publish(self, subject: str, payload: bytes) -> None:
        """Hand a message to the host."""
        writer = await self._connected()
        try:
            await self._send(writer, Frame(Op.PUBLISH, 0, subject, payload))
        except ConnectionError as error:
            raise VenueUnavailable(str(error)) from error

    async def subscribe(self, subject: str, handler: MessageHandler, on_gap: GapHandler | None) -> Reader:
        """Listen; without a host, from when there is one."""
        subscription_id = next(self._ids)
        reader = Reader(handler, on_gap, on_close=lambda _reader: self._forget(subscription_id))
        listening = _Listening(subject, reader, asyncio.Event())
        self._listening[subscription_id] = listening
        try:
            known = self._writer
            writer = await self._connected()
            if writer is known:  # else connecting has sent it already
                await self._send(writer, Frame(Op.SUBSCRIBE, subscription_id, subject))
            async with asyncio.timeout(_CONNECT_S_MAX):
                await listening.ready.wait()
        except (VenueUnavailable, ConnectionError, TimeoutError):
            listening.missed = True
            self._return()
        return reader

    def _forget(self, subscription_id: int) -> None:
        self._listening.pop(subscription_id, None)
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(frame_encode(Frame(Op.UNSUBSCRIBE, subscription_id)))

    async def _send(self, writer: asyncio.StreamWriter, frame: Frame) -> None:
        writer.write(frame_encode(frame))
        await writer.drain()

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._closed:
                raise VenueUnavailable("the bus is closed")
            if self._writer is None:
                try:
                    async with asyncio.timeout(_CONNECT_S_MAX):
                        reader, writer = await asyncio.open_unix_connection(str(self._path))
                except (OSError, TimeoutError) as error:
                    raise VenueUnavailable(f"nobody hosts the bus at {self._path}") from error
                self._writer = writer
                self._receiving = asyncio.create_task(self._receive(reader, writer))
                for subscription_id, listening in self._listening.items():
                    writer.write(frame_encode(Frame(Op.SUBSCRIBE, subscription_id, listening.subject)))
            return self._writer

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self._take(await frame_read(reader))
        except (asyncio.IncompleteReadError, ConnectionError, FrameError):
            pass
        finally:
            writer.close()
            self._lose()

    def _take(self, frame: Frame) -> None:
        match frame.op:
            case Op.ANSWER | Op.FAILURE:
                answer = self._pending.get(frame.id)
                if answer is None or answer.done():
                    return
                if frame.op is Op.ANSWER:
                    answer.set_result(frame.payload)
                else:
                    answer.set_exception(failure_decode(frame))
            case Op.MESSAGE | Op.GAP | Op.SUBSCRIBED:
                listening = self._listening.get(frame.id)
                if listening is None:
                    return
                if frame.op is Op.MESSAGE:
                    listening.reader.deliver(frame.subject, frame.payload)
                elif frame.op is Op.GAP:
                    listening.reader.deliver_gap()
                else:
                    self._confirm(listening)
            case _:
                raise FrameError(f"a frame only a guest may send: {frame.op!r}")

    def _confirm(self, listening: _Listening) -> None:
        """Announce a gap only now: what is read to fill it and what comes from here on leave none between them."""
        if listening.missed:
            listening.missed = False
            listening.reader.deliver_gap()
        listening.ready.set()

    def _lose(self) -> None:
        """Fail all who wait, as the connection is gone, and reconnect for those who listen."""
        self._writer = None
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(RequestTimeout("the bus was lost before the answer came"))
        for listening in self._listening.values():
            listening.missed = True
        if self._listening and not self._closed:
            self._return()

    def _return(self) -> None:
        if self._returning is None or self._returning.done():
            self._returning = asyncio.create_task(self._come_back())

    async def _come_back(self) -> None:
        wait_s = _RETRY_S_MIN
        while self._writer is None and self._listening and not self._closed:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _RETRY_S_MAX)
            with suppress(VenueUnavailable):
                await self._connected()

    async def close(self) -> None:
        """End all subscriptions and hang up."""
        self._closed = True
        for listening in tuple(self._listening.values()):
            await listening.reader.close()
        for task in (self._returning, self._receiving):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
