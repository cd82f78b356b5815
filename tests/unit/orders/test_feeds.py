"""Feeds between bus and sockets: gaps, windows, and what is built once."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.books import Book
from apps.marketdata.codes import InstrumentStatus
from apps.marketdata.reference import InstrumentReference
from apps.orders.accountfeed import AccountFeed
from apps.orders.bookfeed import BookFeed, _Window
from apps.orders.codes import OrderType, Side, TimeInForce
from apps.orders.events import AccountBlock, BookBlock, OrderAccepted
from apps.orders.hub import CONNECTIONS_PER_ACCOUNT_MAX, Hub
from apps.orders.outbox import Outbox
from cift.bus import buses
from cift.bus.base import VenueUnavailable
from cift.errors import ApplicationError
from tests.support.buses import FeedBus

Level = tuple[int, int, int]

AAPL_USD = InstrumentReference(
    id=1, symbol="AAPL-USD", base="AAPL", quote="USD", price_scale=2, base_scale=0, quote_scale=6
)


@pytest.fixture
def bus(settings: Settings) -> FeedBus:
    settings.BUSES = {"default": {"BACKEND": "tests.support.buses.FeedBus"}}
    made = buses["default"]
    assert isinstance(made, FeedBus)
    return made


def book_answer(sequence: int, bids: list[Level], asks: list[Level]) -> bytes:
    return msgspec.msgpack.encode([1, sequence, sequence, bids, asks, 0, 0])


def block(previous: int, sequence: int, bids: list[Level] | None = None, asks: list[Level] | None = None) -> bytes:
    return msgspec.msgpack.encode(
        BookBlock(
            number=1,
            at=0,
            instrument=1,
            previous_sequence=previous,
            sequence=sequence,
            bids=bids or [],
            asks=asks or [],
            best_bid=None,
            best_ask=None,
            trades=[],
            status=InstrumentStatus.CONTINUOUS,
        )
    )


async def messages(outbox: Outbox) -> list[dict[str, Any]]:
    outbox.put('{"end":true}')
    frame = await outbox.take()
    assert frame is not None
    found = json.loads(frame)
    return found[:-1] if isinstance(found, list) else []


async def test_a_reader_gets_a_snapshot_and_what_follows_it(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [(100, 5, 1)], [])
    feed, reader = BookFeed(AAPL_USD), Outbox()
    await feed.open()
    feed.join(reader, depth=10)
    await bus.tell("book.1", block(3, 7, bids=[(100, 9, 9)]))
    await bus.tell("book.1", block(7, 9, asks=[(101, 2, 1)]))

    snapshot, update = await messages(reader)

    assert (snapshot["type"], snapshot["sequence"], snapshot["bids"]) == ("snapshot", 7, [["1", "5", 1]])
    assert (update["previous"], update["sequence"], update["asks"]) == (7, 9, [["1.01", "2", 1]])


async def test_blocks_that_come_while_the_book_is_asked_for_are_not_lost(bus: FeedBus) -> None:
    feed, reader = BookFeed(AAPL_USD), Outbox()

    def answer(_subject: str, _query: bytes) -> bytes:
        for early in (block(5, 7, bids=[(1, 1, 1)]), block(7, 8, bids=[(99, 3, 1)])):
            feed._waiting.append(msgspec.msgpack.decode(early, type=BookBlock))
        return book_answer(7, [(100, 5, 1)], [])

    bus.respond_with = answer
    await feed.open()
    feed.join(reader, depth=0)

    (snapshot,) = await messages(reader)
    assert (snapshot["sequence"], snapshot["bids"]) == (8, [["1", "5", 1], ["0.99", "3", 1]])


@pytest.mark.parametrize("lost_by", ["a block that does not follow", "the bus"])
async def test_after_a_gap_all_readers_get_the_book_anew(bus: FeedBus, lost_by: str) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    feed, near, far = BookFeed(AAPL_USD), Outbox(), Outbox()
    await feed.open()
    feed.join(near, depth=10)
    feed.join(far, depth=0)
    bus.respond_with = lambda _subject, _query: book_answer(20, [(100, 5, 1)], [])
    if lost_by == "the bus":
        await bus.lose("book.1")
    else:
        await bus.tell("book.1", block(15, 20, bids=[(100, 5, 1)]))

    for reader in (near, far):
        told = await messages(reader)
        assert [message["type"] for message in told] == ["snapshot", "snapshot"]
        assert (told[-1]["sequence"], told[-1]["bids"]) == (20, [["1", "5", 1]])


async def test_a_gap_without_an_order_service_is_made_up_for_later(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    feed, reader = BookFeed(AAPL_USD), Outbox()
    await feed.open()
    feed.join(reader, depth=0)

    def nobody(_subject: str, _query: bytes) -> bytes:
        raise VenueUnavailable("nobody")

    bus.respond_with = nobody
    await bus.lose("book.1")
    bus.respond_with = lambda _subject, _query: book_answer(30, [(100, 5, 1)], [])
    await bus.tell("book.1", block(29, 30))

    assert (await messages(reader))[-1]["sequence"] == 30


async def test_an_instrument_that_is_not_there_has_no_feed(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: b"\xc0"
    home = Hub()

    for _ in range(2):
        with pytest.raises(ApplicationError):
            await home.book(AAPL_USD)
    assert bus.handlers == {}


async def test_a_feed_is_opened_once_for_all_who_ask_at_once(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: book_answer(7, [], [])
    home = Hub()

    feeds = await asyncio.gather(*[home.book(AAPL_USD) for _ in range(5)])

    assert len({id(feed) for feed in feeds}) == 1
    assert len(bus.requests) == 1


CHANGES = st.lists(
    st.tuples(st.booleans(), st.integers(1, 30), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=40
)


@given(CHANGES, st.sampled_from([0, 1, 3, 10]))
def test_a_window_s_changes_keep_its_reader_at_the_best_levels(
    changes: list[tuple[bool, int, int, int]], depth: int
) -> None:
    book = Book(sequence=0, bids=(), asks=())
    window = _Window(book, depth)
    kept: tuple[dict[int, Level], dict[int, Level]] = ({}, {})
    sequence = 0
    for number, (is_bid, price, quantity, orders) in enumerate(changes, start=1):
        level = (price, quantity, orders if quantity else 0)
        bids, asks = ([level], []) if is_bid else ([], [level])
        book.apply(sequence=number, bids=bids, asks=asks)
        moved = window.move(book, msgspec.msgpack.decode(block(number - 1, number, bids, asks), type=BookBlock))
        if moved is not None:
            previous, *sides = moved
            assert previous == sequence
            sequence = window.sequence
            for side, levels in zip(kept, sides, strict=True):
                for changed in levels:
                    side[changed[0]] = changed
                    if not changed[1]:
                        del side[changed[0]]
        assert sorted(kept[0].values(), reverse=True) == book.bids.best(depth)
        assert sorted(kept[1].values()) == book.asks.best(depth)


def accepted(account_sequence: int) -> OrderAccepted:
    return OrderAccepted(
        sequence=account_sequence * 10,
        account_sequence=account_sequence,
        instrument_sequence=1,
        account=3,
        order_id=account_sequence << 20,
        id=f"o-{account_sequence}",
        instrument=1,
        side=Side.BUY,
        type=OrderType.LIMIT,
        tif=TimeInForce.GTC,
        flags=0,
        stp=SelfTradePrevention.CANCEL_NEWEST,
        price=100,
        quantity=5,
        quote_amount=0,
        maker_ppm=0,
        taker_ppm=0,
    )


async def test_an_account_s_feed_goes_on_from_where_it_was_joined(
    bus: FeedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reference_of(_instrument: int) -> InstrumentReference:
        return AAPL_USD

    monkeypatch.setattr("apps.orders.accountfeed.reference_of", reference_of)
    bus.respond_with = lambda _subject, _query: msgspec.msgpack.encode([0, False, 0, 5, [], 0, []])
    feed, reader = AccountFeed(3), Outbox()
    await feed.open()
    feed.readers[reader] = None
    events = [accepted(n) for n in (4, 5, 6, 7)]
    await bus.tell("account.3", msgspec.msgpack.encode(AccountBlock(1, 0, 3, list(events))))

    told = await messages(reader)
    assert [(message["previous"], message["account_sequence"]) for message in told] == [(5, 6), (6, 7)]
    assert feed.head == 7


async def test_an_account_s_last_reader_closes_its_feed(bus: FeedBus) -> None:
    bus.respond_with = lambda _subject, _query: b"\xc0"
    home, one, two = Hub(), Outbox(), Outbox()
    for reader in (one, two):
        await home.account_join(reader, 3)

    await home.account_leave(one, 3)
    assert "account.3" in bus.handlers
    await home.account_leave(two, 3)
    assert bus.handlers == {}
    assert home.account_head(3) is None


async def test_an_account_s_connections_are_counted() -> None:
    home = Hub()

    assert [home.connection_enter(3) for _ in range(5)] == [True] * CONNECTIONS_PER_ACCOUNT_MAX + [False]
    home.connection_leave(3)
    assert home.connection_enter(3)


async def test_a_restart_is_told_to_every_socket(bus: FeedBus) -> None:
    home, outbox = Hub(), Outbox()
    home.sockets.add(outbox)
    closing = asyncio.create_task(home.close())
    assert await outbox.take() is None
    home.sockets.discard(outbox)
    await closing

    assert (outbox.close_code, outbox.close_reason) == (1012, "service_restart")
