"""Feeds between bus and sockets: gaps, conflation, what is gone on from, and what is built once."""

import asyncio
from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from apps.gateways.socket.hub import CONNECTIONS_PER_ACCOUNT_MAX, FEED_KEPT_S, Hub
from apps.marketdata.codes import InstrumentStatus, Side
from apps.marketdata.messages import BookBlock
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.streams.channel import Channel
from apps.marketdata.ticks.base import Tick
from cift.bus.base import VenueUnavailable
from cift.errors.application import ApplicationError
from cift.servers.outbox import Outbox
from cift.wire.queries import BookFound
from tests.support.buses import FeedBus
from tests.support.readers import Reader

Level = tuple[int, int, int]

AAPL_USD = InstrumentReference(
    id=1, symbol="AAPL-USD", base="AAPL", quote="USD", price_scale=2, base_scale=0, quote_scale=6
)


def book_answer(sequence: int, bids: list[Level], asks: list[Level]) -> bytes:
    return msgspec.msgpack.encode(BookFound(1, sequence, sequence, bids, asks, 0, 0))


def block(
    previous: int, sequence: int, bids: list[Level] | None = None, asks: list[Level] | None = None, **more: Any
) -> bytes:
    fields: dict[str, Any] = {
        "number": 1,
        "at": 0,
        "instrument": 1,
        "previous_sequence": previous,
        "sequence": sequence,
        "bids": bids or [],
        "asks": asks or [],
        "best_bid": None,
        "best_ask": None,
        "trades": [],
        "status": InstrumentStatus.CONTINUOUS,
    }
    return msgspec.msgpack.encode(BookBlock(**(fields | more)))


def ticks_given(*ticks: Tick) -> dict[str, Any]:
    return {"default": {"BACKEND": "tests.support.ticks.GivenTicks", "OPTIONS": {"ticks": ticks}}}


class Readers:
    """A hub, its feed of one instrument, and who reads it."""

    def __init__(self) -> None:
        self.hub = Hub()

    async def join(
        self, channel: str = "book", *, depth: int = 0, from_sequence: int | None = None, reader: Reader | None = None
    ) -> Reader:
        reader = reader or Reader()
        self.feed = await self.hub.instrument(AAPL_USD)
        found: Channel = await self.feed.channel(channel, depth=depth)
        self.hub.pace.settle(self.feed)
        reader.outbox.put_all(found.join(reader.outbox, from_sequence).texts)
        return reader

    def settle(self) -> None:
        self.hub.pace.settle(self.feed)


async def test_a_reader_gets_a_snapshot_and_what_follows_it(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [(100, 5, 1)], [])
    home = Readers()
    reader = await home.join(depth=10)
    await bus.tell("book.1", block(3, 7, bids=[(100, 9, 9)]))
    await bus.tell("book.1", block(7, 9, asks=[(101, 2, 1)]))
    home.settle()

    snapshot, update = reader.messages()

    assert (snapshot["type"], snapshot["sequence"], snapshot["bids"]) == ("snapshot", 7, [["1", "5", 1]])
    assert (update["previous"], update["sequence"], update["asks"]) == (7, 9, [["1.01", "2", 1]])


async def test_the_first_change_is_sent_in_the_same_turn(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    reader = await home.join()
    await bus.tell("book.1", block(7, 9, asks=[(101, 2, 1)]))
    await asyncio.sleep(0)

    assert [message["type"] for message in reader.messages()] == ["snapshot", "update"]


async def test_changes_of_one_round_are_one_message_and_the_same_bytes_for_all(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    one, two = await home.join(), await home.join()
    for reader in (one, two):
        reader.texts()
    await bus.tell("book.1", block(7, 8, asks=[(101, 2, 1)]))
    await bus.tell("book.1", block(8, 9, asks=[(101, 3, 1), (102, 1, 1)]))
    home.settle()

    assert one.writer.frames[0] is two.writer.frames[0]
    (update,) = one.messages()
    assert (update["previous"], update["sequence"]) == (7, 9)
    assert sorted(update["asks"]) == [["1.01", "3", 1], ["1.02", "1", 1]]


async def test_news_of_several_channels_are_one_frame(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    reader = await home.join()
    await home.join("ticker", reader=reader)
    reader.texts()
    await bus.tell("book.1", block(7, 9, asks=[(101, 2, 1)], best_ask=(101, 2)))
    home.settle()

    (frame,) = reader.texts()
    assert [message["channel"] for message in msgspec.json.decode(frame)] == ["book", "ticker"]


async def test_a_reader_behind_is_told_what_it_missed_in_one_update(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [(100, 5, 1)], [])
    home = Readers()
    slow, quick = await home.join(), await home.join()
    slow.texts()
    slow.writer.room = False
    for sequence, level in ((8, (99, 1, 1)), (9, (100, 0, 0)), (10, (98, 4, 1))):
        await bus.tell("book.1", block(sequence - 1, sequence, bids=[level]))
        home.settle()
    assert slow.texts() == []
    assert len(quick.messages()) == 4

    slow.writer.drain()
    home.settle()

    (update,) = slow.messages()
    assert (update["previous"], update["sequence"]) == (7, 10)
    assert sorted(update["bids"]) == [["0.98", "4", 1], ["0.99", "1", 1], ["1", "0", 0]]


async def test_trades_wait_for_a_reader_that_is_behind(bus: FeedBus, settings: Settings) -> None:
    settings.TICK_STORES = ticks_given()
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    reader = await home.join("trades")
    reader.texts()
    reader.writer.room = False
    for sequence in (8, 9):
        await bus.tell("book.1", block(sequence - 1, sequence, trades=[(sequence * 10, 100, 1, Side.BUY)]))
        home.settle()
    reader.writer.drain()

    assert [(trade["previous"], trade["id"]) for trade in reader.messages()] == [(0, "80"), (80, "90")]


async def test_trades_go_on_from_where_a_reader_was(bus: FeedBus, settings: Settings) -> None:
    settings.TICK_STORES = ticks_given(Tick(5, 100, 1, Side.BUY, 0), Tick(6, 101, 2, Side.SELL, 0))
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    (snapshot,) = (await home.join("trades")).messages()
    assert [(trade["previous"], trade["sequence"]) for trade in snapshot["trades"]] == [(0, 5), (5, 6)]
    await bus.tell("book.1", block(7, 8, trades=[(80, 100, 1, Side.BUY)]))
    home.settle()

    told = (await home.join("trades", from_sequence=5)).messages()
    assert [(trade["type"], trade["previous"], trade["sequence"]) for trade in told] == [
        ("trade", 5, 6),
        ("trade", 6, 80),
    ]
    assert (await home.join("trades", from_sequence=80)).messages() == []
    (told_anew,) = (await home.join("trades", from_sequence=7)).messages()
    assert (told_anew["type"], told_anew["resumed"], told_anew["sequence"]) == ("snapshot", False, 80)


async def test_a_book_goes_on_from_where_a_reader_was(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [(100, 5, 1)], [])
    home = Readers()
    await home.join(depth=10)
    for sequence in (8, 9):
        await bus.tell("book.1", block(sequence - 1, sequence, bids=[(sequence, 1, 1)]))
    home.settle()

    (update,) = (await home.join(depth=10, from_sequence=8)).messages()
    assert (update["type"], update["previous"], update["sequence"]) == ("update", 8, 9)
    assert (await home.join(depth=10, from_sequence=9)).messages() == []
    (snapshot,) = (await home.join(depth=10, from_sequence=6)).messages()
    assert (snapshot["type"], snapshot["resumed"]) == ("snapshot", False)


async def test_every_change_of_status_is_told(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    reader = await home.join("status")
    await bus.tell("book.1", block(7, 8, status=InstrumentStatus.HALTED))
    await bus.tell("book.1", block(8, 9))
    home.settle()

    told = reader.messages()
    assert [message["status"] for message in told] == ["continuous", "halted", "continuous"]
    assert [(message["previous"], message["sequence"]) for message in told[1:]] == [(7, 8), (8, 9)]
    again = (await home.join("status", from_sequence=8)).messages()
    assert [(message["previous"], message["status"]) for message in again] == [(8, "continuous")]


async def test_a_ticker_tells_its_whole_state(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [(100, 5, 1)], [])
    home = Readers()
    reader = await home.join("ticker")
    await bus.tell("book.1", block(7, 9, best_bid=(100, 5), best_ask=(101, 2), trades=[(8, 102, 1, Side.BUY)]))
    home.settle()

    snapshot, update = reader.messages()
    assert (snapshot["bid_price"], snapshot["ask_price"], snapshot["last_price"]) == ("1", None, None)
    assert (update["bid_price"], update["ask_price"], update["ask_quantity"]) == ("1", "1.01", "2")
    assert (update["last_price"], update["previous"], update["sequence"]) == ("1.02", 7, 9)


async def test_blocks_that_come_while_the_book_is_asked_for_are_not_lost(bus: FeedBus) -> None:
    async def answer(_subject: str, _query: bytes) -> bytes:
        for early in (block(5, 7, bids=[(1, 1, 1)]), block(7, 8, bids=[(99, 3, 1)])):
            await bus.tell("book.1", early)
        return book_answer(7, [(100, 5, 1)], [])

    bus.respond_with = answer
    home = Readers()
    (snapshot,) = (await home.join()).messages()

    assert (snapshot["sequence"], snapshot["bids"]) == (8, [["1", "5", 1], ["0.99", "3", 1]])


@pytest.mark.parametrize("lost_by", ["a block that does not follow", "the bus"])
async def test_after_a_gap_all_readers_get_the_book_anew(bus: FeedBus, lost_by: str) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    near, far = await home.join(depth=10), await home.join()
    bus.respond_with = lambda _subject, _query: book_answer(20, [(100, 5, 1)], [])
    if lost_by == "the bus":
        await bus.lose("book.1")
    else:
        await bus.tell("book.1", block(15, 20, bids=[(100, 5, 1)]))
    home.settle()

    for reader in (near, far):
        told = reader.messages()
        assert [message["type"] for message in told] == ["snapshot", "snapshot"]
        assert (told[-1]["sequence"], told[-1]["bids"]) == (20, [["1", "5", 1]])


async def test_a_gap_without_an_order_service_is_made_up_for_later(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    reader = await home.join()

    def nobody(_subject: str, _query: bytes) -> bytes:
        raise VenueUnavailable("nobody")

    bus.respond_with = nobody
    await bus.lose("book.1")
    bus.respond_with = lambda _subject, _query: book_answer(30, [(100, 5, 1)], [])
    await bus.tell("book.1", block(29, 30))
    home.settle()

    assert reader.messages()[-1]["sequence"] == 30


async def test_an_instrument_that_is_not_there_has_no_feed(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: b"\xc0"
    home = Hub()

    for _ in range(2):
        with pytest.raises(ApplicationError):
            await home.instrument(AAPL_USD)
    assert bus.handlers == {}


async def test_a_feed_is_opened_once_for_all_who_ask_at_once(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Hub()

    feeds = await asyncio.gather(*[home.instrument(AAPL_USD) for _ in range(5)])

    assert len({id(feed) for feed in feeds}) == 1
    assert len(bus.requests) == 1


async def test_a_feed_without_readers_is_kept_for_a_while(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Readers()
    reader = await home.join()
    assert home.hub.instruments.pop_idle(0.0) == []
    window = await home.feed.channel("book", depth=0)
    window.leave(reader.outbox)
    assert home.hub.instruments.pop_idle(1.0) == []

    assert home.hub.instruments.pop_idle(2.0 + FEED_KEPT_S) == [home.feed]
    assert home.hub.instruments == {}


async def test_an_account_s_connections_are_counted() -> None:
    home = Hub()

    assert [home.connection_enter(3) for _ in range(5)] == [True] * CONNECTIONS_PER_ACCOUNT_MAX + [False]
    home.connection_leave(3)
    assert home.connection_enter(3)


class Socket:
    """A session the hub knows."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.outbox: Outbox = self.reader.outbox

    def check(self, now: float) -> None: ...

    def tick(self) -> None: ...

    def last_orders(self) -> None: ...


async def test_a_restart_is_told_to_every_socket() -> None:
    home, socket = Hub(), Socket()
    home.enter(socket)
    closing = asyncio.create_task(home.close())
    await socket.outbox.wait_end()
    home.leave(socket)
    await closing

    assert socket.reader.writer.closed == (1012, "service_restart")
