"""Readers of a stream as a group: each message is handed to one of them, until it is acknowledged.

Invariants:
    A message that was fetched and not acknowledged is handed out again after `AGAIN_S`, to whichever of them asks.
    One that no reader can take is set aside by `park`: it is handed out no more, stays in the stream under the number
    that is logged, and is counted.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import NamedTuple

from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.manager import JetStreamManager
from prometheus_client import Counter

from cift.bus.base import VenueUnavailable
from cift.bus.plans import StreamPlan
from cift.bus.streams import ANSWER_S_MAX, MessageMissing, StreamMissing, Streams, StreamsUnavailable

AGAIN_S = 10.0
"""A message that was not acknowledged for so long is handed out again."""

UNACKNOWLEDGED_MAX = 8_192
"""While so many are not acknowledged, no more are handed out."""

_NOTHING = frozenset({"404", "408"})
_NOBODY = "503"

parked = Counter("cift_stream_parked", "Messages of a stream no reader could take", ("stream", "group"))

logger = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """A message as it was handed out; `sequence` is its number in the stream."""

    sequence: int
    subject: str
    payload: bytes
    reply: str


class PullGroup:
    """One member of a group that reads a stream; used from one event loop."""

    def __init__(self, streams: Streams, plan: StreamPlan, *, name: str) -> None:
        """Name the stream and the group, which the stream remembers."""
        self._streams = streams
        self._plan = plan
        self._name = name
        self._made = False

    async def fetch(self, *, most: int) -> list[Delivery]:
        """Take what is there, at most so many; those that were handed out before come first once they are due.

        Raises:
            StreamMissing: the stream is not there; the group goes with it, and is made again when it is.
            VenueUnavailable, StreamsUnavailable, StreamRefused: it cannot be read.

        """
        try:
            if not self._made:
                await self._make()
            return await self._fetch(most)
        except (Error, OSError) as error:
            raise StreamsUnavailable(f"{self._plan.name} was lost while it was read: {error}") from error
        except BaseException:
            self._made = False
            raise

    async def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Have them handed out no more.

        Raises:
            VenueUnavailable: some may be handed out again.

        """
        await self._answer(deliveries, b"+ACK")

    async def give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Have them handed out again at once.

        Raises:
            VenueUnavailable: they are handed out again after `AGAIN_S`.

        """
        await self._answer(deliveries, b"-NAK")

    async def park(self, delivery: Delivery, *, reason: str) -> None:
        """Set a message aside that no reader can take.

        Raises:
            VenueUnavailable: it is handed out again after `AGAIN_S`.

        """
        parked.labels(self._plan.name, self._name).inc()
        logger.error(
            "message %s of %s (%s) is set aside by %s: %s",
            delivery.sequence,
            self._plan.name,
            delivery.subject,
            self._name,
            reason,
        )
        await self._answer((delivery,), b"+TERM")

    async def before(self, sequence: int) -> bytes | None:
        """Read the message before one of a number in the stream; None: it is no longer there.

        Raises:
            VenueUnavailable, StreamsUnavailable, StreamRefused, StreamMissing: it cannot be read.

        """
        if sequence <= 1:
            return None
        try:
            message = await self._streams.ask(
                lambda manager: JetStreamManager.get_msg(manager, self._plan.name, seq=sequence - 1)
            )
        except MessageMissing:
            return None
        return message.data or b""

    async def _make(self) -> None:
        config = ConsumerConfig(
            durable_name=self._name,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=AGAIN_S,
            max_ack_pending=UNACKNOWLEDGED_MAX,
        )
        await self._streams.ask(lambda manager: manager.add_consumer(self._plan.name, config))
        self._made = True

    async def _fetch(self, most: int) -> list[Delivery]:
        client = await self._streams.client()
        inbox = client.new_inbox()
        found: list[Delivery] = []
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def take(message: Msg) -> None:
            # A callback: to wait for each message by itself would take several times as long.
            if (status := _status(message)) is None:
                found.append(Delivery(message.metadata.sequence.stream, message.subject, message.data, message.reply))
                status = "" if len(found) == most else None
            if status is not None and not ended.done():
                ended.set_result(status)

        answers = await client.subscribe(inbox, cb=take)
        try:
            wanted = json.dumps({"batch": most, "no_wait": True}).encode()
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self._plan.name}.{self._name}", wanted, reply=inbox)
            async with asyncio.timeout(ANSWER_S_MAX):
                status = await ended
        except TimeoutError as error:
            raise StreamsUnavailable(f"{self._plan.name} does not answer {self._name}{self._streams.said}") from error
        finally:
            await answers.unsubscribe()
        if status and status not in _NOTHING:
            self._made = False
            if not found:
                missing = f"{self._plan.name} has no group {self._name}"
                raise StreamMissing(missing) if status == _NOBODY else StreamsUnavailable(f"{missing} ({status})")
        return found

    async def _answer(self, deliveries: Iterable[Delivery], word: bytes) -> None:
        client = await self._streams.client()
        try:
            for delivery in deliveries:
                await client.publish(delivery.reply, word)
            await client.flush()
        except (Error, OSError) as error:
            raise VenueUnavailable(f"{self._plan.name} was lost while it was acknowledged: {error}") from error


def _status(message: Msg) -> str | None:
    """Return the status of what is no message of the stream; None: it is one."""
    return None if message.reply else (message.headers or {}).get("Status", "")
