"""What a bus promises; `tests/contract/test_bus.py` holds every backend to it.

Requests. One responder a subject. No responder: `VenueUnavailable`, at once, and nothing happened. A responder that
does not answer in time, fails, or is lost meanwhile: `RequestTimeout`, and whether it took effect is not known.
A responder may raise either itself: its `VenueUnavailable` says that nothing happened.

Publishing. A publisher never waits for a subscriber. Each subscription has a bounded mailbox and is handed its
messages one at a time, in the order of publishing. When the mailbox overflows, or the connection to the bus was lost,
what was undelivered is dropped, the subscription's `on_gap` is awaited before anything newer is handed on, and the
subscriber makes up what it missed from the journal or the tables: no stream is the truth. A message whose handler
raises, as on bytes that are none of its messages, is logged, counted, and missed like one that was dropped.

All methods may be called from any event loop in any thread; a handler runs in the loop it was given in.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

RequestHandler = Callable[[bytes], Awaitable[bytes]]
"""Takes a request's payload, gives the answer's; one that gives a future at once is waited for without a task."""

MessageHandler = Callable[[str, bytes], Awaitable[None]]
"""Takes a message's subject and payload."""

GapHandler = Callable[[], Awaitable[None]]
"""Told that messages were dropped."""

PAYLOAD_BYTES_MAX = 32 * 1024 * 1024
"""The largest payload of a request, an answer or a message."""


class BusError(Exception):
    """The bus could not do what it was asked."""


class VenueUnavailable(BusError):
    """Nobody responds to the subject; nothing happened."""


class BusOverloaded(VenueUnavailable):
    """Too many requests are under way; nothing happened."""


class RequestTimeout(BusError):
    """No answer came; whether the request took effect is not known."""


class BusInUse(BusError):
    """Another process already hosts this bus, or another responder has the subject."""


class PayloadTooLarge(BusError):
    """The payload is above `PAYLOAD_BYTES_MAX`; nothing was sent."""


class Subscription(ABC):
    """A subject being listened to."""

    @abstractmethod
    async def close(self) -> None:
        """Stop listening; when this returns, the handler runs no more."""


class Bus(ABC):
    """Carries requests to a responder, and messages to subscribers."""

    @abstractmethod
    async def start(self) -> None:
        """Make the bus ready for responders of this process; one that only asks, listens or publishes need not call it.

        Raises:
            BusInUse: another process hosts the bus.

        """

    @abstractmethod
    async def close(self) -> None:
        """End all subscriptions and responders of this process and leave the bus."""

    @abstractmethod
    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Ask the subject's responder and wait for its answer.

        Raises:
            VenueUnavailable: no responder, or one with too much to do; nothing happened.
            RequestTimeout: no answer; the outcome is not known.
            PayloadTooLarge: nothing was sent.

        """

    def ask(self, subject: str, payload: bytes, *, timeout_s: float) -> "asyncio.Future[bytes]":
        """Ask as `request` does; the request is on its way, or about to be, when this returns."""
        return asyncio.ensure_future(self.request(subject, payload, timeout_s=timeout_s))

    @abstractmethod
    async def publish(self, subject: str, payload: bytes, *, message_id: str | None = None) -> None:
        """Hand a message to whoever listens; never waits for them.

        `message_id`: a second message of the same id carries nothing new, so a backend may drop it, and need not. None:
        no message is its double.

        Raises:
            VenueUnavailable: the bus cannot be reached.
            PayloadTooLarge: nothing was sent.

        """

    @abstractmethod
    async def subscribe(
        self, subject: str, handler: MessageHandler, *, on_gap: GapHandler | None = None
    ) -> Subscription:
        """Listen to a subject, or with a last token `*` to all that share the tokens before it (`book.*`).

        A bus that cannot be reached yet is tried again until it can; what was missed until then counts as a gap.
        """

    @abstractmethod
    async def respond(self, subject: str, handler: RequestHandler) -> Subscription:
        """Answer the subject's requests, many at once, until the returned subscription is closed.

        Raises:
            BusInUse: the subject has a responder.

        """
