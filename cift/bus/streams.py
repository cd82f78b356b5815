"""Streams of NATS JetStream: made, altered and compared with what is declared, and filled without gaps.

Invariants:
    A message enters a stream behind the one that was published before it, or not at all: each names the one it
    follows. So what a stream has is a beginning of what was published, whatever was cut off.
    Nothing is held back here: what was not acknowledged is published again by whoever has it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from django.core.exceptions import ImproperlyConfigured
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import DiscardPolicy, RawStreamMsg, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError
from nats.js.manager import JetStreamManager

from cift.backends import BackendHandler
from cift.bus import buses
from cift.bus.base import BusError, VenueUnavailable
from cift.bus.nats import NatsBus
from cift.bus.plans import StreamPlan

ANSWER_S_MAX = 2.0
"""How long the server may take to answer about a stream."""

ACKNOWLEDGED_S_MAX = 5.0
"""How long it may take to acknowledge what was published together."""

_NO_MESSAGE = 10_037
_NOBODY = "503"
_UNSAID = "the server does not say why"
_EXPECTED_STREAM = "Nats-Expected-Stream"
_FOLLOWS = "Nats-Expected-Last-Msg-Id"
_MESSAGE_ID = "Nats-Msg-Id"

_FIXED = frozenset({"retention", "storage"})
"""What no stream can be altered in."""

T = TypeVar("T")


class StreamsUnavailable(VenueUnavailable):
    """The server keeps no streams, or does not answer about them."""


class StreamMissing(BusError):
    """There is no such stream."""


class MessageMissing(StreamMissing):
    """The stream is there, the message is not."""


class StreamRefused(BusError):
    """The server did not do what was asked; the text has its words."""


class StreamDifference(NamedTuple):
    """Where a stream is not as it is declared; `field` and `found` are empty where there is none.

    `refused`: why it cannot be altered.
    """

    stream: str
    field: str
    found: str
    wanted: str
    refused: str = ""

    def __str__(self) -> str:
        if not self.field:
            return f"{self.stream} is missing{self._why}"
        return f"{self.stream}: {self.field} is {self.found}, and should be {self.wanted}{self._why}"

    @property
    def _why(self) -> str:
        return f" (cannot be altered: {self.refused})" if self.refused else ""


class StreamMessage(NamedTuple):
    """A message for a stream; `id` is its own for good."""

    stream: str
    subject: str
    id: str
    payload: bytes


class LastMessage(NamedTuple):
    """The newest message of a stream."""

    id: str
    subject: str
    payload: bytes


class Streams:
    """The streams of one NATS, over the bus' own connection."""

    def __init__(self, *, bus: NatsBus | str = "default", replicas: int = 1) -> None:
        """Take the bus, or its alias, and on how many servers each stream is.

        Raises:
            ImproperlyConfigured: that bus keeps no streams.

        """
        found = buses[bus] if isinstance(bus, str) else bus
        if not isinstance(found, NatsBus):
            raise ImproperlyConfigured(f"the bus {bus!r} keeps no streams")
        self._bus = found
        self._replicas = replicas
        self._answers: WeakKeyDictionary[Client, _Acknowledgements] = WeakKeyDictionary()

    async def check(self) -> None:
        """Find out whether the server keeps streams at all.

        Raises:
            VenueUnavailable, StreamsUnavailable, StreamRefused: it cannot be used for them; the text says why.

        """
        await self.ask(lambda manager: manager.account_info())

    @property
    def said(self) -> str:
        """What the server last complained of, in brackets."""
        return self._bus.said

    async def close(self) -> None:
        """Leave the bus, which others may use again."""
        await self._bus.close()

    async def client(self) -> Client:
        """Return the running loop's client.

        Raises:
            VenueUnavailable: there is no connection.

        """
        return await self._bus.client()

    async def reconnections(self) -> int:
        """Count how often the connection was lost: after each, what a stream has must be read again.

        Raises:
            VenueUnavailable: there is none.

        """
        return int((await self._bus.client()).stats["reconnects"])

    async def differences(self, plans: Iterable[StreamPlan]) -> list[StreamDifference]:
        """Compare the streams with their plans.

        Raises:
            VenueUnavailable, StreamsUnavailable, StreamRefused: they cannot be read.

        """
        found = []
        for plan in plans:
            found += self._compared(plan, await self._config(plan.name))
        return found

    async def ensure(self, plans: Iterable[StreamPlan]) -> list[StreamDifference]:
        """Make and alter streams until they are as planned; return what was different.

        What could not be altered has `refused`; the rest of that stream's differences is altered all the same.

        Raises:
            VenueUnavailable, StreamsUnavailable, StreamRefused: the server cannot be asked.

        """
        done: list[StreamDifference] = []
        for plan in plans:
            config = await self._config(plan.name)
            differences = self._compared(plan, config)
            if any(not each.refused for each in differences):
                try:
                    await self._bring(plan, config)
                except StreamRefused as error:
                    differences = [each._replace(refused=each.refused or str(error)) for each in differences]
            done += differences
        return done

    async def last(self, plan: StreamPlan) -> LastMessage | None:
        """Read the newest message; None: the stream is empty.

        Raises:
            StreamMissing: there is no such stream.
            VenueUnavailable, StreamsUnavailable, StreamRefused: it cannot be read.

        """
        newest: RawStreamMsg | None = None
        for subject in plan.subjects:
            # By its subjects: by its number alone one that was deleted would hide those before it.
            with suppress(MessageMissing):
                message = await self.ask(partial(JetStreamManager.get_last_msg, stream_name=plan.name, subject=subject))
                if newest is None or (message.seq or 0) > (newest.seq or 0):
                    newest = message
        if newest is None:
            return None
        return LastMessage((newest.headers or {}).get(_MESSAGE_ID, ""), newest.subject or "", newest.data or b"")

    async def publish(self, messages: Sequence[StreamMessage], *, behind: dict[str, str]) -> None:
        """Publish in order, and wait until all are in their streams.

        `behind`: for each stream the id of the message the next one must follow; it is kept up to date. Without one the
        first may follow any.

        Raises:
            StreamMissing: a stream is not there; what is behind the first such message is not published.
            StreamRefused: a message is the double of one, or does not follow the one it should.
            VenueUnavailable, StreamsUnavailable: how much was published is not known; it is a beginning.

        """
        client = await self._bus.client()
        if client not in self._answers:
            self._answers[client] = await _Acknowledgements.begun(client)
        reached = dict(behind)
        acknowledged, reply = self._answers[client].expect(len(messages))
        try:
            async with asyncio.timeout(ACKNOWLEDGED_S_MAX):
                for stream, subject, message_id, payload in messages:
                    headers = {_MESSAGE_ID: message_id, _EXPECTED_STREAM: stream}
                    if stream in reached:
                        headers[_FOLLOWS] = reached[stream]
                    await client.publish(subject, payload, reply=reply, headers=headers)
                    reached[stream] = message_id
                await acknowledged
        except (Error, OSError, TimeoutError) as error:
            raise StreamsUnavailable(f"the streams do not acknowledge{self._bus.said}") from error
        finally:
            self._answers[client].forget(reply)
        behind.update(reached)

    async def _config(self, name: str) -> StreamConfig | None:
        try:
            return (await self.ask(lambda manager: manager.stream_info(name))).config
        except StreamMissing:
            return None

    async def _bring(self, plan: StreamPlan, config: StreamConfig | None) -> None:
        """Make a stream, or alter what can be."""
        wanted = self._wanted(plan)
        if config is None:
            await self.ask(lambda manager: manager.add_stream(StreamConfig(name=plan.name, **wanted)))
        else:
            altered = config.evolve(**{field: value for field, value in wanted.items() if field not in _FIXED})
            await self.ask(lambda manager: manager.update_stream(altered))

    def _wanted(self, plan: StreamPlan) -> dict[str, Any]:
        return {
            "subjects": list(plan.subjects),
            "max_bytes": plan.bytes_max,
            "max_age": float(plan.age_s),
            "max_msg_size": plan.message_bytes_max,
            "duplicate_window": float(plan.duplicate_s),
            "discard": DiscardPolicy(plan.discard),
            "num_replicas": self._replicas,
            "retention": RetentionPolicy(plan.retention),
            "storage": StorageType.FILE,
        }

    def _compared(self, plan: StreamPlan, config: StreamConfig | None) -> list[StreamDifference]:
        if config is None:
            return [StreamDifference(plan.name, "", "", "")]
        fixed = "make it anew; it is filled again from the journal"
        return [
            StreamDifference(plan.name, field, _shown(found), _shown(value), fixed if field in _FIXED else "")
            for field, value in self._wanted(plan).items()
            if (found := getattr(config, field)) != value
        ]

    async def ask(self, question: Callable[[JetStreamManager], Awaitable[T]]) -> T:
        """Ask JetStream, and say what it does not answer in the bus' own errors.

        Raises:
            StreamMissing: there is no such stream, or message.
            VenueUnavailable, StreamsUnavailable, StreamRefused: it cannot be asked, or does not do it.

        """
        client = await self._bus.client()
        try:
            return await question(JetStreamManager(client, timeout=ANSWER_S_MAX))
        except NotFoundError as error:
            if error.err_code == _NO_MESSAGE:
                raise MessageMissing(_words(error)) from error
            raise StreamMissing(_words(error)) from error
        except ServiceUnavailableError as error:
            raise StreamsUnavailable(f"JetStream is off, or has no leader: {_words(error)}") from error
        except APIError as error:
            raise StreamRefused(_words(error)) from error
        except NatsTimeoutError as error:
            # One that may not ask gets no answer: why is said to the connection.
            raise StreamsUnavailable(f"JetStream does not answer{self._bus.said}") from error
        except (Error, OSError) as error:
            raise StreamsUnavailable(f"NATS was lost while JetStream was asked: {error}") from error


class _Acknowledgements:
    """What a connection's streams answer to what is published, counted: those of one call share where they are sent."""

    def __init__(self, inbox: str) -> None:
        self._inbox = inbox
        self._expected: dict[str, tuple[int, asyncio.Future[None]]] = {}
        self._calls = 0

    @classmethod
    async def begun(cls, client: Client) -> "_Acknowledgements":
        made = cls(client.new_inbox())
        await client.subscribe(f"{made._inbox}.*", cb=made.take)
        return made

    def expect(self, count: int) -> tuple[asyncio.Future[None], str]:
        """Return what is done once so many have come, or the first that is a refusal; and where they are to be sent."""
        self._calls += 1
        reply = f"{self._inbox}.{self._calls}"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if count:
            self._expected[reply] = count, done
        else:
            done.set_result(None)
        return done, reply

    def forget(self, reply: str) -> None:
        """Wait for no more of them."""
        _, done = self._expected.pop(reply, (0, None))
        if done is not None:
            done.cancel()

    async def take(self, message: Msg) -> None:
        count, done = self._expected.get(message.subject, (0, None))
        if done is None or done.done():
            return
        refusal = _refusal_in(message)
        if refusal is not None:
            done.set_exception(refusal)
        elif count == 1:
            done.set_result(None)
        else:
            self._expected[message.subject] = count - 1, done


def _refusal_in(acknowledgement: Msg) -> BusError | None:
    """Read an acknowledgement that is none: nobody keeps the subject, or the stream does not take the message."""
    if (acknowledgement.headers or {}).get("Status") == _NOBODY:
        return StreamMissing("no stream keeps what is published")
    answer = json.loads(acknowledgement.data)
    if "error" in answer:
        return StreamRefused(answer["error"].get("description") or _UNSAID)
    return StreamRefused("the server knows a message's id from before") if answer.get("duplicate") else None


def _words(error: APIError) -> str:
    return error.description or _UNSAID


def _shown(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return ", ".join(value) if isinstance(value, list) else str(value)


streams: BackendHandler[Streams] = BackendHandler("STREAMS", Streams)
