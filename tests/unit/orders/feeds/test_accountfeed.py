"""An account's feed: no hole, nothing put together, and what is gone on from."""

import asyncio

import msgspec
import pytest

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.reference import InstrumentReference
from apps.orders.accountfeed import AccountFeed
from apps.orders.codes import OrderType, Side, TimeInForce
from apps.orders.events import AccountBlock, OrderAccepted
from tests.support.buses import FeedBus
from tests.support.readers import Reader

AAPL_USD = InstrumentReference(
    id=1, symbol="AAPL-USD", base="AAPL", quote="USD", price_scale=2, base_scale=0, quote_scale=6
)


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


@pytest.fixture
def account_feed(bus: FeedBus, monkeypatch: pytest.MonkeyPatch) -> AccountFeed:
    async def reference_of(_instrument: int) -> InstrumentReference:
        return AAPL_USD

    monkeypatch.setattr("apps.orders.accountfeed.reference_of", reference_of)
    answers = {4: [0, False, 0, 5, [], 0, []], 5: [1, 50, 1, 1, 1, 0, 0, 0, 0, 1]}
    bus.respond_with = lambda _subject, query: msgspec.msgpack.encode(answers[msgspec.msgpack.decode(query)[0]])
    return AccountFeed(3, repairs=asyncio.Semaphore(1))


async def tell(bus: FeedBus, *account_sequences: int) -> None:
    events = [accepted(n) for n in account_sequences]
    await bus.tell("account.3", msgspec.msgpack.encode(AccountBlock(1, 0, 3, list(events))))


def followed(reader: Reader) -> list[tuple[int, int]]:
    return [(message["previous"], message["account_sequence"]) for message in reader.messages()]


async def test_an_account_s_feed_goes_on_from_where_it_was_joined(bus: FeedBus, account_feed: AccountFeed) -> None:
    reader = Reader()
    await account_feed.open()
    joined = await account_feed.join(reader.outbox, 5)
    assert (joined.resumed, joined.texts) == (True, [])
    await tell(bus, 4, 5, 6, 7)

    assert followed(reader) == [(5, 6), (6, 7)]
    assert account_feed.head == 7


async def test_an_account_s_reader_goes_on_from_what_is_kept(bus: FeedBus, account_feed: AccountFeed) -> None:
    await account_feed.open()
    await tell(bus, 6, 7, 8)
    reader = Reader()
    joined = await account_feed.join(reader.outbox, 6)
    reader.outbox.put_all(joined.texts)

    assert joined.resumed
    assert followed(reader) == [(6, 7), (7, 8)]


async def test_what_comes_while_an_account_is_asked_for_leaves_no_hole(
    bus: FeedBus, account_feed: AccountFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reference_of(_instrument: int) -> InstrumentReference:
        await asyncio.sleep(0)
        return AAPL_USD

    monkeypatch.setattr("apps.orders.accountfeed.reference_of", reference_of)
    telling: list[asyncio.Task[None]] = []

    async def request(subject: str, query: bytes, *, timeout_s: float) -> bytes:
        if not telling:
            # The account stands at 5: the block began before that and goes on behind it.
            telling.append(asyncio.create_task(tell(bus, *range(1, 8))))
        await asyncio.sleep(0)
        return bus.respond_with(subject, query)

    monkeypatch.setattr(bus, "request", request)
    await account_feed.open()
    await telling[0]
    reader = Reader()
    joined = await account_feed.join(reader.outbox, 5)
    reader.outbox.put_all(joined.texts)

    assert joined.resumed
    assert followed(reader) == [(5, 6), (6, 7)]
    # What lies before is read from the journal, all of it: none of it is kept.
    assert account_feed._first_kept() == 6


async def test_an_account_s_messages_are_never_put_together(bus: FeedBus, account_feed: AccountFeed) -> None:
    reader = Reader()
    await account_feed.open()
    await account_feed.join(reader.outbox, 5)
    reader.writer.room = False
    for n in range(6, 40):
        await tell(bus, n)
    reader.writer.drain()

    assert followed(reader) == [(n - 1, n) for n in range(6, 40)]
