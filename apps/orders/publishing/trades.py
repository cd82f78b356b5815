"""Trades read back from `MARKET_DATA`, whole batches of the journal at a time, for a store that keeps its own place.

Invariants:
    What is returned has all trades of its batches: of the newest one messages may still come, so it is held back until
    one of a later batch, or a place, says that it is whole.
    A message is acknowledged when what it says is where it belongs; until then it is handed out again after a fault.
    The reader says behind which batch a stretch follows. A store that is not there yet has missed something the stream
    no longer hands out, and takes it from the journal.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from apps.marketdata.messages import TradesMessage, trades_decode
from cift.bus.base import BusError
from cift.bus.groups import Delivery, PullGroup
from cift.bus.streams import Streams
from cift.wire.streams import (
    MARKET_DATA,
    MessageUnknownError,
    PlaceMessage,
    head_decode,
    place_decode,
    place_subject,
)

FETCH_MAX = 4_096
"""How many messages are fetched at once."""

HELD_MAX = 4_096
"""While more are held, none are fetched."""


class Stretch(NamedTuple):
    """Whole batches: their trades, the place a store has reached with them, and the batch they follow.

    `number`, `sequence`, `at` (ns since the epoch, UTC): of the last batch and its last trade, or of a place.
    """

    follows: int
    trades: Sequence[TradesMessage]
    number: int
    sequence: int
    at: int
    deliveries: Sequence[Delivery]


class _Held(NamedTuple):
    delivery: Delivery
    message: TradesMessage | PlaceMessage


class TradesReader:
    """Reads one shard's trades as a member of a group; used from one thread, in a loop of its own."""

    def __init__(self, streams: Streams, *, shard: int, group: str) -> None:
        """Name the group, whose members share the messages."""
        self._streams = streams
        self._shard = shard
        self._group = PullGroup(streams, MARKET_DATA, name=group)
        self._runner = asyncio.Runner()
        self._held: dict[int, _Held] = {}
        self._done = (0, 0)
        self._follows: tuple[int, int] | None = None

    def next(self) -> Stretch | None:
        """Return the next whole batches; the same again until `done`. None: there are none yet.

        Raises:
            BusError: the stream cannot be read.

        """
        if len(self._held) <= HELD_MAX:
            try:
                self._runner.run(self._fetch())
            except BusError:
                # It may be another stream when it is back: what is held is handed out again.
                self._held.clear()
                self._done = (0, 0)
                raise
        if not self._held:
            return None
        run = self._run()
        newest = run[-1].message
        follows = self._follows_of(run[0])
        if isinstance(newest, PlaceMessage):
            return _stretch(run, follows=follows)
        whole = [each for each in run if each.message.number < newest.number]
        if whole:
            return _stretch(whole, follows=follows)
        if len(run) < len(self._held):
            # What would say that the batch is whole is missing: it must come from elsewhere.
            return _stretch(run, follows=newest.number)
        return None

    def done(self, stretch: Stretch) -> None:
        """Acknowledge a stretch.

        Raises:
            BusError: some of it may be handed out again.

        """
        self._runner.run(self._group.acknowledge(stretch.deliveries))
        for delivery in stretch.deliveries:
            self._held.pop(delivery.sequence, None)
        self._done = (stretch.deliveries[-1].sequence, stretch.number)

    def is_beyond(self, number: int) -> bool:
        """Return whether nothing is held, and the stream has more than a store at this batch: the store lost some.

        Raises:
            BusError: the stream cannot be read.

        """
        if self._held:
            return False
        last = self._runner.run(self._streams.last(MARKET_DATA))
        with suppress(MessageUnknownError):
            return last is not None and head_decode(last.payload).number > number
        return False

    def close(self) -> None:
        """Return what is held to the group, and hang up; the next use connects again."""
        with suppress(BusError):
            self._runner.run(self._group.give_back([each.delivery for each in self._held.values()]))
        self._held.clear()
        self._runner.run(self._streams.close())
        self._runner.close()
        self._runner = asyncio.Runner()

    def _run(self) -> list[_Held]:
        """Return what is held from the oldest on, up to the first message that is missing between."""
        sequences = sorted(self._held)
        count = next((n for n, sequence in enumerate(sequences) if sequence != sequences[0] + n), len(sequences))
        return [self._held[sequence] for sequence in sequences[:count]]

    async def _fetch(self) -> None:
        for delivery in await self._group.fetch(most=FETCH_MAX):
            if delivery.sequence <= self._done[0]:
                # Handed out again, or the stream was made anew.
                self._done = (0, 0)
            try:
                if delivery.subject == place_subject(MARKET_DATA, self._shard):
                    message: TradesMessage | PlaceMessage = place_decode(delivery.payload)
                else:
                    message = trades_decode(delivery.payload)
            except MessageUnknownError as error:
                await self._group.park(delivery, reason=str(error))
                continue
            self._held[delivery.sequence] = _Held(delivery, message)

    def _follows_of(self, first: _Held) -> int:
        """Return the batch a store must be at for this message to be the next it lacks.

        That of the message before it; where that one is no longer there, the batch before its own.
        """
        sequence = first.delivery.sequence
        if sequence == self._done[0] + 1 and self._done[0]:
            return self._done[1]
        if self._follows is None or self._follows[0] != sequence:
            before = self._runner.run(self._group.before(sequence))
            number = first.message.number - 1
            if before is not None:
                with suppress(MessageUnknownError):
                    number = head_decode(before).number
            self._follows = sequence, number
        return self._follows[1]


def _stretch(whole: Sequence[_Held], *, follows: int) -> Stretch:
    last = whole[-1].message
    return Stretch(
        follows,
        [each.message for each in whole if isinstance(each.message, TradesMessage)],
        last.number,
        last.sequence if isinstance(last, PlaceMessage) else max(row[0] for row in last.trades),
        last.at,
        [each.delivery for each in whole],
    )
