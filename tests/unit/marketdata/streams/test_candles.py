"""A channel of candles: the open one as it changes, each one that closed once and in order, and coming back."""

from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from apps.gateways.socket.hub import Hub
from apps.marketdata.candles.intervals import NS_PER_S
from apps.marketdata.codes import InstrumentStatus, Side
from apps.marketdata.messages import BookBlock
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.streams.candles import CANDLES_KEPT
from apps.marketdata.streams.channel import Joined
from apps.marketdata.ticks.base import Tick
from cift.errors.application import ApplicationError
from cift.wire.queries import BookFound
from tests.support.buses import FeedBus
from tests.support.readers import Reader

AAPL_USD = InstrumentReference(
    id=1, symbol="AAPL-USD", base="AAPL", quote="USD", price_scale=2, base_scale=0, quote_scale=2
)
M0 = 1_700_000_040 * NS_PER_S
"""2023-11-14T22:14:00Z."""

Trade = tuple[int, int, int]
"""Sequence, price and quantity."""


def stored(*ticks: Tick, head: int | None = None) -> dict[str, Any]:
    options = {"ticks": ticks, "head": head}
    return {"default": {"BACKEND": "tests.support.ticks.GivenTicks", "OPTIONS": options}}


def block(previous: int, sequence: int, second: int, *trades: Trade) -> bytes:
    return msgspec.msgpack.encode(
        BookBlock(
            number=1,
            at=M0 + second * NS_PER_S,
            instrument=1,
            previous_sequence=previous,
            sequence=sequence,
            bids=[],
            asks=[],
            best_bid=None,
            best_ask=None,
            trades=[(*trade, Side.BUY) for trade in trades],
            status=InstrumentStatus.CONTINUOUS,
        )
    )


class Market:
    """The feed of an instrument at sequence 7, told of a block at a time."""

    def __init__(self, bus: FeedBus) -> None:
        bus.respond_with = lambda _subject, _query: msgspec.msgpack.encode(BookFound(1, 7, 7, [], [], 0, 0))
        self.bus, self.hub, self.sequence = bus, Hub(), 7

    async def join(self, reader: Reader, *, interval: str = "1m", from_sequence: int | None = None) -> Joined:
        feed = await self.hub.instrument(AAPL_USD)
        channel = await feed.channel("candles", interval=interval)
        self.hub.pace.settle(feed)
        joined = channel.join(reader.outbox, from_sequence)
        reader.outbox.put_all(joined.texts)
        return joined

    async def tell(self, second: int, *trades: Trade, skipped: int = 0) -> None:
        """Publish a block at a second of the minute, and send what came of it."""
        previous, self.sequence = self.sequence + skipped, self.sequence + skipped + 1
        await self.bus.tell("book.1", block(previous, self.sequence, second, *trades))
        self.hub.pace.settle(self.hub.instruments[1])


def shown(candle: dict[str, Any] | None) -> tuple[Any, ...] | None:
    if candle is None:
        return None
    names = ("begins_at", "open", "high", "low", "close", "volume", "quote_volume", "trades", "closed")
    begins, *others = (candle[name] for name in names)
    return (begins[14:19], *others)


async def test_the_open_candle_follows_the_trades_and_closes_once(bus: FeedBus, settings: Settings) -> None:
    settings.TICK_STORES = stored()
    market, reader = Market(bus), Reader()
    await market.join(reader)
    await market.tell(5, (20, 10_000, 3), (21, 10_050, 2))
    await market.tell(9)
    await market.tell(50, (22, 9_900, 1))
    await market.tell(65)
    await market.tell(70, (30, 9_950, 4))
    await market.tell(310, (40, 9_800, 1))

    snapshot, *updates = reader.messages()

    assert (snapshot["type"], snapshot["interval"], snapshot["sequence"]) == ("snapshot", "1m", 7)
    assert (snapshot["candle"], snapshot["resumed"]) == (None, False)
    assert [(each["previous"], each["sequence"]) for each in updates] == [(7, 8), (8, 10), (10, 11), (11, 12), (12, 13)]
    first = ("14:00", "100", "100.5", "99", "99", "6", "600", 3, True)
    second = ("15:00", "99.5", "99.5", "99.5", "99.5", "4", "398", 1, True)
    assert [[shown(candle) for candle in each["closed"]] for each in updates] == [[], [], [first], [], [second]]
    assert [shown(each["candle"]) for each in updates] == [
        ("14:00", "100", "100.5", "100", "100.5", "5", "501", 2, False),
        (*first[:-1], False),
        None,
        (*second[:-1], False),
        ("19:00", "98", "98", "98", "98", "1", "98", 1, False),
    ]


async def test_a_candle_goes_on_from_the_store_s_and_counts_no_trade_twice(bus: FeedBus, settings: Settings) -> None:
    # The store is ahead: it has the trade 20, which comes over the bus afterwards.
    trades = ((3, 9_000, -5), (4, 9_100, 1), (20, 9_300, 2))
    ticks = [Tick(sequence, price, 1, Side.BUY, M0 + second * NS_PER_S) for sequence, price, second in trades]
    settings.TICK_STORES = stored(*ticks)
    market, reader = Market(bus), Reader()
    await market.join(reader)
    await market.tell(2, (20, 9_300, 1))
    await market.tell(3, (21, 9_200, 5))

    snapshot, update = reader.messages()

    assert shown(snapshot["candle"]) == ("14:00", "91", "93", "91", "93", "2", "184", 2, False)
    assert (update["previous"], update["sequence"]) == (7, 9)
    assert shown(update["candle"]) == ("14:00", "91", "93", "91", "92", "7", "644", 3, False)


async def test_who_comes_back_is_sent_each_candle_that_closed_meanwhile(bus: FeedBus, settings: Settings) -> None:
    settings.TICK_STORES = stored()
    market, reader, kept = Market(bus), Reader(), Reader()
    await market.join(kept, interval="1s")
    for second in range(4):
        await market.tell(second, (20 + second, 10_000 + second, 1))

    joined = await market.join(reader, interval="1s", from_sequence=9)

    (update,) = reader.messages()
    assert joined.resumed
    assert (update["previous"], update["sequence"]) == (9, 11)
    assert [candle["close"] for candle in update["closed"]] == ["100.01", "100.02"]
    assert shown(update["candle"]) == ("14:03", "100.03", "100.03", "100.03", "100.03", "1", "100.03", 1, False)
    assert (await market.join(reader, interval="1s", from_sequence=11)).texts == []
    assert not (await market.join(reader, interval="1s", from_sequence=6)).resumed
    assert not (await market.join(reader, interval="1s", from_sequence=12)).resumed


async def test_a_reader_behind_is_sent_all_that_closed_in_one_update(bus: FeedBus, settings: Settings) -> None:
    settings.TICK_STORES = stored()
    market, slow = Market(bus), Reader()
    await market.join(slow, interval="1s")
    slow.texts()
    slow.writer.room = False
    for second in range(5):
        await market.tell(second, (20 + second, 10_000, 1))
    assert slow.texts() == []
    slow.writer.drain()
    market.hub.pace.settle(market.hub.instruments[1])

    (update,) = slow.messages()

    assert (update["previous"], update["sequence"]) == (7, 12)
    assert [candle["begins_at"][17:19] for candle in update["closed"]] == ["00", "01", "02", "03"]


async def test_more_closed_candles_than_are_kept_cannot_be_resumed(bus: FeedBus, settings: Settings) -> None:
    settings.TICK_STORES = stored()
    market, reader = Market(bus), Reader()
    await market.join(Reader(), interval="1s")
    for second in range(CANDLES_KEPT + 2):
        await market.tell(second, (20 + second, 10_000, 1))

    assert not (await market.join(reader, interval="1s", from_sequence=8)).resumed
    joined = await market.join(reader, interval="1s", from_sequence=9)
    assert joined.resumed
    assert len(msgspec.json.decode(joined.texts[0])["closed"]) == CANDLES_KEPT


async def test_blocks_that_were_missed_are_made_up_for_from_the_store(bus: FeedBus, settings: Settings) -> None:
    settings.TICK_STORES = stored(Tick(3, 9_000, 1, Side.BUY, M0), Tick(30, 9_500, 2, Side.BUY, M0 + 2 * NS_PER_S))
    market, reader = Market(bus), Reader()
    await market.join(reader)
    reader.texts()
    bus.respond_with = lambda _subject, _query: msgspec.msgpack.encode(BookFound(1, 50, 50, [], [], 0, 0))
    await market.tell(3, skipped=5)

    (snapshot,) = reader.messages()

    assert (snapshot["type"], snapshot["sequence"]) == ("snapshot", 50)
    assert shown(snapshot["candle"]) == ("14:00", "90", "95", "90", "95", "3", "280", 2, False)


async def test_candles_the_store_does_not_have_yet_are_refused_and_asked_again(
    bus: FeedBus, settings: Settings
) -> None:
    settings.TICK_STORES = stored(head=6)
    market, reader = Market(bus), Reader()
    with pytest.raises(ApplicationError) as caught:
        await market.join(reader)
    assert caught.value.code == "projection_behind"

    settings.TICK_STORES = stored()
    await market.join(reader)

    assert [message["type"] for message in reader.messages()] == ["snapshot"]
