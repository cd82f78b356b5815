"""One event loop's connection to NATS: kept up, and told to all who wait or listen when it is lost."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, MaxPayloadError, NoRespondersError, SlowConsumerError
from nats.errors import TimeoutError as NatsTimeoutError

from cift.bus.base import (
    BusError,
    BusInUse,
    BusOverloaded,
    GapHandler,
    MessageHandler,
    PayloadTooLarge,
    RequestHandler,
    RequestTimeout,
    Subscription,
    VenueUnavailable,
)
from cift.bus.exchange import REQUESTS_MAX
from cift.bus.frames import failure_code, failure_of
from cift.bus.reader import Reader

CONNECT_S_MAX = 2.0
RECONNECT_PAUSE_S = 0.25
PRESENCE = "responders"
"""Before a subject: where its responder says that it is there."""

PRESENCE_S_MAX = 0.5
"""A responder that does not say within this time that it is there, is not."""

_FAILURE = "Cift-Failure"
_MESSAGE_ID = "Nats-Msg-Id"

logger = logging.getLogger(__name__)


class _Listening:
    """A subscription kept over reconnections; the client's, once there has been a connection."""

    def __init__(self, subject: str, reader: Reader) -> None:
        self.subject = subject
        self.reader = reader
        self.subscription: Any = None
        self._beginning = asyncio.Lock()

    async def begin(self, client: Client) -> None:
        """Subscribe, unless that was done; the client does it again by itself after each reconnection."""
        async with self._beginning:
            if self.subscription is None:
                self.subscription = await client.subscribe(self.subject, cb=self.take)

    async def take(self, message: Msg) -> None:
        self.reader.deliver(message.subject, message.data)


class Link:
    """Asks, publishes, listens and responds over one connection; used from the loop it was made in."""

    def __init__(self, options: Mapping[str, object]) -> None:
        """Take the client's options; the connection is made at first use."""
        self._options = options
        self._client = Client()
        self._connecting: asyncio.Task[None] | None = None
        self._refused = asyncio.Event()
        self._asked: set[asyncio.Task[Msg]] = set()
        self._listening: set[_Listening] = set()
        self._answering: set[asyncio.Future[None]] = set()
        self._closed = False
        self._said = ""

    async def connected(self) -> Client:
        """Return the client while it is connected.

        Raises:
            VenueUnavailable: no server can be reached.

        """
        if self._closed:
            raise VenueUnavailable("the bus is closed")
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="nats")
        if not self._client.is_connected and not self._connecting.done():
            refused = asyncio.ensure_future(self._refused.wait())
            try:
                await asyncio.wait(
                    (self._connecting, refused), timeout=CONNECT_S_MAX, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                refused.cancel()
        if not self._client.is_connected:
            raise VenueUnavailable(f"no NATS server can be used: {self._servers}{self.said}")
        return self._client

    @property
    def said(self) -> str:
        """What the server or the client last complained of, in brackets, since there was a connection."""
        return f" ({self._said})" if self._said else ""

    @property
    def _servers(self) -> str:
        return ", ".join(self._options["servers"])  # type: ignore[arg-type]

    async def _connect(self) -> None:
        """Connect for as long as it takes; from then on the client comes back by itself."""
        await self._client.connect(
            **self._options,  # type: ignore[arg-type]
            connect_timeout=CONNECT_S_MAX,  # type: ignore[arg-type]
            reconnect_time_wait=RECONNECT_PAUSE_S,  # type: ignore[arg-type]
            max_reconnect_attempts=-1,
            pending_size=0,
            error_cb=self._failed,
            disconnected_cb=self._lost,
            reconnected_cb=self._back,
        )
        if self._refused.is_set():
            await self._back()

    async def _failed(self, error: Exception) -> None:
        # Whom the server refuses is cut off as well: its own words say more.
        if not (isinstance(error, OSError) and self._said):
            self._said = str(error) or type(error).__name__
        if isinstance(error, SlowConsumerError):
            for listening in self._listening:
                if listening.subscription is error.sub:
                    listening.reader.deliver_gap()
        elif not self._client.is_connected and not self._refused.is_set():
            logger.warning("no NATS server can be used: %s%s", self._servers, self.said)
        self._refused.set()

    async def _lost(self) -> None:
        """Fail all who wait: what they asked may have taken effect."""
        self._said = ""
        for task in tuple(self._asked):
            task.cancel("lost")

    async def _back(self) -> None:
        """Listen again, and announce the gap only then: what is read to fill it leaves none behind it."""
        self._refused.clear()
        self._said = ""
        for listening in tuple(self._listening):
            await listening.begin(self._client)
        await settled(self._client)
        for listening in tuple(self._listening):
            listening.reader.deliver_gap()

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Ask a subject's responder."""
        client = await self.connected()
        if len(self._asked) >= REQUESTS_MAX:
            raise BusOverloaded(f"{REQUESTS_MAX} requests are under way")
        task = asyncio.ensure_future(client.request(subject, payload, timeout=timeout_s))
        self._asked.add(task)
        try:
            answer = await task
        except NoRespondersError as error:
            raise VenueUnavailable(f"nobody responds to {subject}") from error
        except NatsTimeoutError as error:
            raise RequestTimeout(f"no answer from {subject} in {timeout_s} s") from error
        except MaxPayloadError as error:
            raise PayloadTooLarge(f"{len(payload)} bytes to {subject}, above the server's bound") from error
        except Error as error:
            raise RequestTimeout(f"the bus was lost while asking {subject}") from error
        except asyncio.CancelledError as error:
            if error.args != ("lost",) and not (task.cancelled() and self._closed):
                raise
            raise RequestTimeout(f"the bus was lost while asking {subject}") from error
        finally:
            self._asked.discard(task)
            task.cancel()
        failure = (answer.headers or {}).get(_FAILURE)
        if failure is not None:
            raise failure_of(failure, answer.data)
        return answer.data

    async def publish(self, subject: str, payload: bytes, *, message_id: str | None) -> None:
        """Hand a message to the server."""
        client = await self.connected()
        try:
            await client.publish(subject, payload, headers=None if message_id is None else {_MESSAGE_ID: message_id})
        except MaxPayloadError as error:
            raise PayloadTooLarge(f"{len(payload)} bytes to {subject}, above the server's bound") from error
        except (Error, OSError) as error:
            raise VenueUnavailable(str(error) or type(error).__name__) from error

    async def subscribe(self, subject: str, handler: MessageHandler, on_gap: GapHandler | None) -> Reader:
        """Listen; without a server, from when there is one."""
        listening = _Listening(subject, Reader(handler, on_gap, on_close=lambda _reader: self._forget(listening)))
        self._listening.add(listening)
        try:
            client = await self.connected()
            await listening.begin(client)
            # What is published from here on is delivered: the server has read that somebody listens.
            await settled(client)
        except (VenueUnavailable, Error, OSError):
            self._refused.set()  # whoever listens is told of the gap when there is a connection
        return listening.reader

    def _forget(self, listening: _Listening) -> None:
        self._listening.discard(listening)
        if listening.subscription is not None and not self._closed:
            leaving = asyncio.ensure_future(_unsubscribe(listening.subscription))
            leaving.add_done_callback(asyncio.Task.cancelled)

    async def respond(self, subject: str, handler: RequestHandler) -> "NatsResponder":
        """Answer a subject's requests."""
        client = await self.connected()
        presence = f"{PRESENCE}.{subject}"
        with suppress(NoRespondersError, NatsTimeoutError):
            await client.request(presence, timeout=PRESENCE_S_MAX)
            raise BusInUse(f"{subject} has a responder")
        responder = NatsResponder(client, handler, self._answering)
        for name, callback in ((subject, responder.take), (presence, _here)):
            responder.subscriptions.append(await client.subscribe(name, cb=callback))
        await settled(client)
        return responder

    async def close(self) -> None:
        """End all that is on this connection, and hang up."""
        self._closed = True
        for answering in tuple(self._answering):
            answering.cancel()
        if self._answering:
            await asyncio.wait(tuple(self._answering))
        for listening in tuple(self._listening):
            await listening.reader.close()
        for task in tuple(self._asked):
            task.cancel("lost")
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._connecting
        with suppress(Error, OSError):
            await self._client.close()


class NatsResponder(Subscription):
    """A handler answering one subject, many requests at once; `under_way` is shared with the connection's others."""

    def __init__(self, client: Client, handler: RequestHandler, under_way: set[asyncio.Future[None]]) -> None:
        """Take the handler; `subscriptions` are the client's."""
        self._client = client
        self._handler = handler
        self._under_way = under_way
        self.subscriptions: list[Any] = []

    async def take(self, request: Msg) -> None:
        """Begin to answer a request; the next one does not wait for it."""
        if len(self._under_way) >= REQUESTS_MAX:
            await self._fail(request, BusOverloaded(f"{REQUESTS_MAX} requests are under way"))
            return
        task = asyncio.ensure_future(self._answer(request))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer(self, request: Msg) -> None:
        try:
            answer = await self._handler(request.data)
        except asyncio.CancelledError:
            await self._fail(request, RequestTimeout("the responder went away"))
        except (VenueUnavailable, RequestTimeout) as error:
            await self._fail(request, error)
        except Exception:
            logger.exception("a responder failed")
            await self._fail(request, RequestTimeout(f"the responder of {request.subject} failed"))
        else:
            with suppress(Error, OSError):
                await self._client.publish(request.reply, answer)

    async def _fail(self, request: Msg, error: BusError) -> None:
        with suppress(Error, OSError):
            headers = {_FAILURE: failure_code(error)}
            await self._client.publish(request.reply, str(error).encode(), headers=headers)

    async def close(self) -> None:
        """Take no more requests; those under way are answered still."""
        for subscription in self.subscriptions:
            await _unsubscribe(subscription)
        self.subscriptions.clear()


async def settled(client: Client) -> None:
    """Wait until the server has read all that was sent.

    Twice, as the client's ping overtakes what still waits to be written: only the second one is behind it.
    """
    await client.flush()
    await client.flush()


async def _here(presence: Msg) -> None:
    with suppress(Error, OSError):
        await presence.respond(b"")


async def _unsubscribe(subscription: Any) -> None:
    with suppress(Error, OSError):
        await subscription.unsubscribe()
