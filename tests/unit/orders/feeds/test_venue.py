"""The venue's own feed: the kill switch asked for and heard of, what is gone on from, and what a gap costs."""

import asyncio

import msgspec
import pytest

from apps.gateways.socket.hub import FEED_KEPT_S, Hub
from apps.marketdata.streams.changes import CHANGES_KEPT
from apps.orders.events import VenueBlock
from apps.orders.feeds import venue as module
from cift.bus.base import VenueUnavailable
from cift.errors.application import ApplicationError
from cift.wire.queries import EngineStats
from tests.support.buses import FeedBus
from tests.support.readers import Reader


def standing(sequence: int, *, on: bool) -> bytes:
    """Answer how the engine stands."""
    return msgspec.msgpack.encode(EngineStats(1, sequence, 1, 2, 0, 0, 0, 0, 0, 2, int(on)))


def switched(sequence: int, *, on: bool) -> bytes:
    return msgspec.msgpack.encode(VenueBlock(number=1, at=0, sequence=sequence, kill_switch=on))


class Readers:
    """A hub, its venue's feed, and who reads it."""

    def __init__(self, bus: FeedBus) -> None:
        self.bus, self.hub = bus, Hub()

    async def join(self, from_sequence: int | None = None) -> Reader:
        reader = Reader()
        self.feed = await self.hub.venue()
        self.hub.pace.settle(self.feed)
        reader.outbox.put_all(self.feed.status.join(reader.outbox, from_sequence).texts)
        return reader

    async def set(self, sequence: int, *, on: bool) -> None:
        """Let the switch be set, and its readers be told."""
        await self.bus.tell("venue.0", switched(sequence, on=on))
        self.hub.pace.settle(self.feed)


@pytest.fixture
def home(bus: FeedBus) -> Readers:
    bus.respond_with = lambda _subject, _query: standing(7, on=False)
    return Readers(bus)


def told(reader: Reader) -> list[tuple[str, int | None, int, bool]]:
    """Return what a reader was sent: type, previous, sequence, switch."""
    messages = reader.messages()
    assert {(message["channel"], message["symbol"]) for message in messages} <= {("status", None)}
    return [(each["type"], each.get("previous"), each["sequence"], each["kill_switch"]) for each in messages]


async def test_readers_get_a_snapshot_and_every_change(home: Readers) -> None:
    one, two = await home.join(), await home.join()
    await home.set(9, on=True)
    await home.set(12, on=False)

    for reader in (one, two):
        assert told(reader) == [("snapshot", None, 7, False), ("update", 7, 9, True), ("update", 9, 12, False)]
    assert told(await home.join()) == [("snapshot", None, 12, False)]
    assert len(home.bus.requests) == 1


async def test_what_is_known_already_is_not_told_again(home: Readers) -> None:
    reader = await home.join()
    await home.set(6, on=True)
    await home.set(7, on=True)
    await home.set(8, on=False)
    await home.set(9, on=True)
    await home.set(9, on=True)

    assert told(reader) == [("snapshot", None, 7, False), ("update", 7, 9, True)]


async def test_a_reader_goes_on_from_where_it_was(home: Readers) -> None:
    await home.join()
    await home.set(9, on=True)
    await home.set(12, on=False)

    assert told(await home.join(7)) == [("update", 7, 9, True), ("update", 9, 12, False)]
    # What another process sent it may lie between the changes known here.
    assert told(await home.join(10)) == [("update", 10, 12, False)]
    assert told(await home.join(12)) == []


@pytest.mark.parametrize("from_sequence", [6, 13])
async def test_what_is_too_long_ago_or_no_sequence_of_it_is_a_snapshot(home: Readers, from_sequence: int) -> None:
    await home.join()
    await home.set(12, on=True)

    (snapshot,) = (await home.join(from_sequence)).messages()

    assert (snapshot["type"], snapshot["sequence"], snapshot["resumed"]) == ("snapshot", 12, False)


async def test_only_the_last_changes_are_kept(home: Readers) -> None:
    await home.join()
    last = 7 + CHANGES_KEPT + 1
    for sequence in range(8, last + 1):
        await home.set(sequence, on=sequence % 2 == 0)

    assert len(told(await home.join(8))) == CHANGES_KEPT
    assert told(await home.join(7)) == [("snapshot", None, last, last % 2 == 0)]


@pytest.mark.parametrize(("heard", "stands"), [(switched(9, on=True), (9, True)), (switched(6, on=True), (7, False))])
async def test_what_is_heard_while_the_writer_answers_counts_where_it_is_newer(
    home: Readers, heard: bytes, stands: tuple[int, bool]
) -> None:
    async def answer(_subject: str, _query: bytes) -> bytes:
        await home.bus.tell("venue.0", heard)
        return standing(7, on=False)

    home.bus.respond_with = answer

    assert told(await home.join()) == [("snapshot", None, *stands)]


async def test_an_answer_older_than_what_was_heard_since_is_none(home: Readers) -> None:
    reader = await home.join()
    await home.set(9, on=True)
    home.feed.status.reset(8, on=False, at=0)
    home.hub.pace.settle(home.feed)

    assert told(reader)[1:] == [("update", 7, 9, True)]


async def test_after_a_gap_the_switch_is_asked_for_anew(home: Readers) -> None:
    reader = await home.join()
    home.bus.respond_with = lambda _subject, _query: standing(20, on=True)
    await home.bus.lose("venue.0")
    home.hub.pace.settle(home.feed)
    await home.set(18, on=False)
    await home.set(21, on=False)

    assert told(reader)[1:] == [("snapshot", None, 20, True), ("update", 20, 21, False)]
    assert told(await home.join(7)) == [("snapshot", None, 21, False)]


async def test_a_gap_without_an_order_service_is_made_up_for_when_there_is_one(
    home: Readers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "ASK_AGAIN_S", 0)
    reader = await home.join()
    asked = []

    def seldom(_subject: str, query: bytes) -> bytes:
        asked.append(query)
        if len(asked) < 4:
            raise VenueUnavailable("nobody")
        return standing(20, on=True)

    home.bus.respond_with = seldom
    await home.bus.lose("venue.0")
    home.hub.pace.settle(home.feed)

    assert told(reader)[-1] == ("snapshot", None, 20, True)
    assert len(caplog.messages) == 1


async def test_without_an_order_service_there_is_no_feed(home: Readers) -> None:
    def nobody(_subject: str, _query: bytes) -> bytes:
        raise VenueUnavailable("nobody")

    home.bus.respond_with = nobody
    with pytest.raises(ApplicationError):
        await home.hub.venue()

    assert home.bus.handlers == {}


async def test_the_feed_is_opened_once_and_let_go_when_nobody_reads_it(home: Readers) -> None:
    feeds = await asyncio.gather(*[home.hub.venue() for _ in range(5)])
    assert len({id(feed) for feed in feeds}) == len(home.bus.requests) == 1

    reader = await home.join()
    assert home.hub.venues.pop_idle(0.0) == []
    home.feed.status.leave(reader.outbox)
    assert home.hub.venues.pop_idle(1.0) == []
    assert home.hub.venues.pop_idle(2.0 + FEED_KEPT_S) == [home.feed]


async def test_the_end_of_the_hub_is_the_feed_s(home: Readers) -> None:
    await home.join()
    await home.hub.close()

    assert home.bus.handlers == {}
    assert home.hub.venues == {}
