"""The tickers of all instruments: put together by the second, gone on from, and told without a store of trades too."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, ClassVar

import msgspec
import pytest
from pytest_django import Settings

from apps.gateways.socket.hub import FEED_KEPT_S, Hub
from apps.marketdata.codes import InstrumentStatus, Side
from apps.marketdata.messages import BookBlock
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.streams.tickers import TickersFeed
from apps.marketdata.ticks.base import DayStatistics
from cift.errors.application import ApplicationError
from cift.wire.queries import BookFound
from tests.support.buses import FeedBus
from tests.support.messages import message_check
from tests.support.readers import Reader
from tests.support.ticks import GivenTicks

LISTED = [
    InstrumentReference(
        id=number, symbol=f"{base}-USD", base=base, quote="USD", price_scale=2, base_scale=0, quote_scale=6
    )
    for number, base in ((1, "AAPL"), (2, "MSFT"))
]


class Days(GivenTicks):
    """A store that has what a test says of the 24 hours, up to a sequence."""

    has: ClassVar[int]
    day: ClassVar[DayStatistics]
    asked: ClassVar[list[list[int]]]
    away: ClassVar[bool]
    hangs: ClassVar[threading.Event | None]

    def sequence(self) -> int:
        if Days.hangs is not None:
            Days.hangs.wait()
        if Days.away:
            raise ApplicationError("history_unavailable")
        return Days.has

    def statistics(self, instruments: Sequence[int], *, at: int) -> dict[int, DayStatistics]:
        Days.asked.append(list(instruments))
        return dict.fromkeys(instruments, Days.day)


@pytest.fixture(autouse=True)
def _store(settings: Settings) -> None:
    settings.TICK_STORES = {"default": {"BACKEND": f"{__name__}.Days", "OPTIONS": {"ticks": ()}}}
    Days.has, Days.away, Days.asked, Days.hangs = 7, False, [], None
    Days.day = DayStatistics(0, 10_000, 10_400, 9_900, 10_200, 30, 3_000_000_000, 3)


def block(instrument: int, previous: int, sequence: int, **more: Any) -> bytes:
    fields: dict[str, Any] = {"number": 1, "at": 0, "bids": [], "asks": [], "best_bid": None, "best_ask": None}
    fields |= {"trades": [], "status": InstrumentStatus.CONTINUOUS, "instrument": instrument}
    return msgspec.msgpack.encode(BookBlock(**(fields | {"previous_sequence": previous, "sequence": sequence} | more)))


class Home:
    """A hub with two instruments, and who reads all of them."""

    def __init__(self, *, beat_s: float) -> None:
        self.hub = Hub()
        self.listed = list(LISTED)
        self.feed = TickersFeed(
            listed=self._listed, opened=self.hub.instrument, changed=self.hub.pace.changed, beat_s=beat_s
        )

    async def _listed(self, count_max: int) -> Sequence[InstrumentReference]:
        await asyncio.sleep(0)
        return self.listed[:count_max]

    async def join(self, from_sequence: int | None = None) -> tuple[Reader, bool]:
        reader = Reader()
        channel = await self.feed.channel()
        self.hub.pace.settle(self.feed)
        joined = channel.join(reader.outbox, from_sequence)
        reader.outbox.put_all(joined.texts)
        return reader, joined.resumed


@pytest.fixture
def home_made(bus: FeedBus) -> Callable[..., Home]:
    bus.respond_with = lambda _subject, _query: msgspec.msgpack.encode(
        BookFound(1, 7, 7, [(9_990, 5, 1)], [], 10_200, 0)
    )
    return lambda beat_s=0.01: Home(beat_s=beat_s)


@pytest.fixture
async def home(home_made: Callable[..., Home]) -> AsyncIterator[Home]:
    made = home_made()
    await made.feed.open()
    yield made
    await made.feed.close()


async def told(reader: Reader, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait for a message."""
    async with asyncio.timeout(20):
        while True:
            for message in reader.messages():
                message_check(message)
                if holds(message):
                    return message
            await asyncio.sleep(0.005)


async def test_a_reader_gets_all_instruments_in_the_order_they_were_listed(home: Home) -> None:
    reader, resumed = await home.join()
    (snapshot,) = reader.messages()
    message_check(snapshot)

    assert (resumed, snapshot["type"], snapshot["resumed"]) == (False, "snapshot", False)
    assert [each["symbol"] for each in snapshot["tickers"]] == ["AAPL-USD", "MSFT-USD"]
    first = snapshot["tickers"][0]
    assert (first["bid_price"], first["bid_quantity"], first["ask_price"]) == ("99.9", "5", None)
    assert (first["last_price"], first["status"], first["sequence"]) == ("102", "continuous", 7)
    assert (first["day"]["change"], first["day"]["change_percent"], first["day"]["volume"]) == ("2", "2", "30")


async def test_an_update_has_those_that_changed_and_follows_what_was_told(home: Home, bus: FeedBus) -> None:
    reader, _ = await home.join()
    (snapshot,) = reader.messages()
    await bus.tell("book.2", block(2, 7, 9, best_bid=(10_000, 3), best_ask=(10_100, 4)))
    update = await told(reader, lambda message: message["type"] == "update")

    assert update["previous"] == snapshot["sequence"] < update["sequence"]
    (only,) = update["tickers"]
    assert (only["symbol"], only["sequence"]) == ("MSFT-USD", 9)
    assert (only["bid_price"], only["ask_price"], only["ask_quantity"]) == ("100", "101", "4")


async def test_changes_between_two_beats_are_one_update_and_a_reader_who_comes_makes_none(
    home_made: Callable[..., Home], bus: FeedBus
) -> None:
    home = home_made(beat_s=1.0)
    await home.feed.open()
    reader, _ = await home.join()
    reader.messages()
    for previous in range(7, 27):
        await bus.tell("book.1", block(1, previous, previous + 1, best_bid=(previous, 1)))
    await home.join()
    assert reader.messages() == []
    update = await told(reader, lambda message: message["type"] == "update")
    await home.feed.close()

    assert [(each["symbol"], each["sequence"]) for each in update["tickers"]] == [("AAPL-USD", 27)]


async def test_who_comes_back_is_told_what_it_missed_or_all(home: Home, bus: FeedBus) -> None:
    reader, _ = await home.join()
    first = reader.messages()[0]["sequence"]
    there, resumed = await home.join(first)
    assert (resumed, there.messages()) == (True, [])

    await bus.tell("book.1", block(1, 7, 9, best_bid=(10_000, 3)))
    last = await told(reader, lambda message: message["type"] == "update")
    back, resumed = await home.join(first)
    (missed,) = back.messages()
    assert (resumed, missed["type"], missed["previous"], missed["sequence"]) == (
        True,
        "update",
        first,
        last["sequence"],
    )
    assert [each["bid_price"] for each in missed["tickers"]] == ["100", "99.9"]

    for unknown in (first - 1, last["sequence"] + 10**12):
        other, resumed = await home.join(unknown)
        assert (resumed, [message["type"] for message in other.messages()]) == (False, ["snapshot"])


async def test_a_trade_has_its_24_hours_read_until_the_store_has_it(home: Home, bus: FeedBus) -> None:
    reader, _ = await home.join()
    Days.asked.clear()
    await bus.tell("book.2", block(2, 7, 9, trades=[(9, 10_300, 1, Side.BUY)]))
    behind = await told(reader, lambda message: message["type"] == "update")
    assert behind["tickers"][0]["last_price"] == "103"
    Days.has, Days.day = 9, Days.day._replace(last=10_300, volume=31)
    caught_up = await told(reader, lambda message: message["type"] == "update")

    assert (caught_up["tickers"][0]["symbol"], caught_up["tickers"][0]["day"]["volume"]) == ("MSFT-USD", "31")
    # Those that have not traded are read again with the next minute alone.
    assert {tuple(asked) for asked in Days.asked} <= {(2,), (1, 2)}


@pytest.mark.parametrize("store", ["away", "hangs"])
async def test_without_the_store_quotes_are_told_all_the_same(
    home_made: Callable[..., Home], bus: FeedBus, store: str
) -> None:
    Days.away, Days.hangs = True, threading.Event() if store == "hangs" else None
    home = home_made()
    await home.feed.open()
    reader, _ = await home.join()
    (snapshot,) = reader.messages()
    message_check(snapshot)
    assert [each["day"] for each in snapshot["tickers"]] == [None, None]
    await bus.tell("book.1", block(1, 7, 9, best_bid=(10_000, 3)))
    update = await told(reader, lambda message: message["type"] == "update")
    assert update["tickers"][0]["bid_price"] == "100"

    Days.away = False
    if Days.hangs is not None:
        Days.hangs.set()
    again = await told(reader, lambda message: message["tickers"][0]["day"] is not None)
    await home.feed.close()
    assert again["type"] == "update"


async def test_instruments_stay_open_for_it_and_are_let_go_with_it(home: Home) -> None:
    await home.join()
    assert home.hub.instruments.pop_idle(0.0) == home.hub.instruments.pop_idle(FEED_KEPT_S + 1) == []

    await home.feed.close()
    home.hub.instruments.pop_idle(1.0)
    assert len(home.hub.instruments.pop_idle(FEED_KEPT_S + 2)) == len(LISTED)
