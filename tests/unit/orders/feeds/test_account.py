"""An account's feed: no hole, nothing put together, and what is gone on from."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.codes import Side
from apps.marketdata.reference import InstrumentReference, references
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.events import AccountBlock, OrderAccepted
from apps.orders.feeds.account import AccountFeed
from apps.orders.feeds.reads import AccountEvent, ProjectedAccount
from apps.orders.state import OrderState
from cift.bus.base import VenueUnavailable
from cift.servers.outbox import BYTES_MAX, OWED_BYTES_MAX
from cift.wire.queries import AccountFound, AccountQuery, EngineStats, StatsQuery, query_encode
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
def account_feed(bus: FeedBus) -> AccountFeed:
    stand(bus, 5)
    return feed_made()


@pytest.fixture(autouse=True)
def _reference() -> Iterator[None]:
    references.keep([AAPL_USD])
    yield
    references.forget()


def feed_made(*, owed_bytes_max: int = OWED_BYTES_MAX) -> AccountFeed:
    return AccountFeed(3, repairs=asyncio.Semaphore(1), owed_bytes_max=owed_bytes_max)


def stand(bus: FeedBus, head: int) -> None:
    """Let the writer say where the account stands."""
    account = AccountFound(0, False, 0, head, [], 0, [], [])  # noqa: FBT003 - the wire's order
    stats = EngineStats(1, head * 10, 1, 1, 1, 0, 0, 0, 0, 1, 0)
    answers = {query_encode(AccountQuery(3)): account, query_encode(StatsQuery()): stats}
    bus.respond_with = lambda _subject, query: msgspec.msgpack.encode(answers[query])


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal with all of the account's events, and tables that have them."""

    def account_events(_account: int, *, after: int, up_to: int) -> list[AccountEvent]:
        return [AccountEvent(n, 0, accepted(n)) for n in range(after + 1, up_to + 1)]

    def orders_current(ids: set[int]) -> dict[int, OrderState]:
        return {each: OrderState.of_event(accepted(each >> 20), at=0) for each in ids}

    def account_found(_account: int, *, sequence: int) -> ProjectedAccount:
        return ProjectedAccount(sequence, [], orders_complete=True, balances=[], positions=[])

    for read in (account_events, orders_current, account_found):
        monkeypatch.setattr(f"apps.orders.feeds.account.{read.__name__}", read)


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

    monkeypatch.setattr("apps.orders.feeds.account.reference_of", reference_of)
    telling: list[asyncio.Task[None]] = []
    answer = bus.respond_with

    async def answer_later(subject: str, query: bytes) -> bytes:
        if not telling:
            # The account stands at 5: the block began before that and goes on behind it.
            telling.append(asyncio.create_task(tell(bus, *range(1, 8))))
        await asyncio.sleep(0)
        found = answer(subject, query)
        assert isinstance(found, bytes)
        return found

    bus.respond_with = answer_later
    await account_feed.open()
    await telling[0]
    reader = Reader()
    joined = await account_feed.join(reader.outbox, 5)
    reader.outbox.put_all(joined.texts)

    assert joined.resumed
    assert followed(reader) == [(5, 6), (6, 7)]
    # What lies before is read from the journal, all of it: none of it is kept.
    assert account_feed.first_kept == 6


async def test_an_account_s_messages_are_never_put_together(bus: FeedBus, account_feed: AccountFeed) -> None:
    reader = Reader()
    await account_feed.open()
    await account_feed.join(reader.outbox, 5)
    reader.writer.room = False
    for n in range(6, 40):
        await tell(bus, n)
    reader.writer.drain()

    assert followed(reader) == [(n - 1, n) for n in range(6, 40)]


@pytest.mark.usefixtures("journal")
async def test_a_fast_reader_is_sent_all_it_missed_though_it_is_more_than_may_wait(
    bus: FeedBus, account_feed: AccountFeed
) -> None:
    stand(bus, 2_005)
    await account_feed.open()
    for n in range(2_006, 2_506):
        await tell(bus, n)
    reader = Reader(bytes_max=64 * 1024)
    joined = await account_feed.join(reader.outbox, 5)
    assert joined.resumed
    assert sum(map(len, joined.texts)) > BYTES_MAX
    reader.outbox.put_owed(joined.texts)
    await tell(bus, 2_506)
    told = followed(reader)
    while reader.outbox.is_behind:
        reader.writer.drain()
        told += followed(reader)

    assert told == [(n - 1, n) for n in range(6, 2_507)]
    assert not reader.outbox.ended


@pytest.mark.usefixtures("journal")
async def test_who_missed_too_many_bytes_is_told_the_account_whole(
    bus: FeedBus,
) -> None:
    stand(bus, 2_005)
    feed = feed_made()
    await feed.open()
    size = sum(map(len, (await feed.join(Reader().outbox, 5)).texts))
    assert size < OWED_BYTES_MAX
    large_enough, too_small = feed_made(owed_bytes_max=size), feed_made(owed_bytes_max=size - 1)
    await large_enough.open()
    await too_small.open()
    assert (await large_enough.join(Reader().outbox, 5)).resumed
    reader = Reader()
    joined = await too_small.join(reader.outbox, 5)
    reader.outbox.put_owed(joined.texts)

    assert not joined.resumed
    (snapshot,) = reader.messages()
    assert (snapshot["type"], snapshot["account_sequence"]) == ("snapshot", 2_005)


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("lost", [3, 2_000])
async def test_what_the_bus_lost_is_told_from_the_journal_without_a_hole(
    bus: FeedBus, account_feed: AccountFeed, lost: int
) -> None:
    reader = Reader(bytes_max=64 * 1024)
    await account_feed.open()
    await account_feed.join(reader.outbox, 5)
    await tell(bus, 6)
    stand(bus, 6 + lost)
    await bus.lose("account.3")
    await tell(bus, 6 + lost, 7 + lost)
    told = followed(reader)
    while reader.outbox.is_behind:
        reader.writer.drain()
        told += followed(reader)

    assert told == [(n - 1, n) for n in range(6, 8 + lost)]
    # Who comes back meanwhile is told the same.
    assert len((await account_feed.join(Reader().outbox, 6)).texts) == lost + 1


@pytest.mark.usefixtures("journal")
async def test_where_the_bus_lost_too_much_the_account_is_told_whole(
    bus: FeedBus,
) -> None:
    stand(bus, 5)
    account_feed = feed_made(owed_bytes_max=2_000)
    await account_feed.open()
    for lost in (2_001, 10):
        reader = Reader()
        head = account_feed.head
        await account_feed.join(reader.outbox, head)
        stand(bus, head + lost)
        await bus.lose("account.3")
        await tell(bus, head + lost + 1)
        snapshot, news = reader.messages()

        assert (snapshot["type"], snapshot["account_sequence"]) == ("snapshot", head + lost)
        assert news["previous"] == snapshot["account_sequence"]


@pytest.mark.usefixtures("journal")
async def test_what_the_bus_lost_is_told_as_soon_as_somebody_can_be_asked(
    bus: FeedBus, account_feed: AccountFeed
) -> None:
    reader = Reader()
    await account_feed.open()
    await account_feed.join(reader.outbox, 5)
    await tell(bus, 6)
    asked = asyncio.Event()

    def nobody(_subject: str, _query: bytes) -> bytes:
        asked.set()
        raise VenueUnavailable("nobody")

    bus.respond_with = nobody
    losing = asyncio.create_task(bus.lose("account.3"))
    await asked.wait()
    stand(bus, 8)
    await losing

    assert followed(reader) == [(5, 6), (6, 7), (7, 8)], "nothing came after it that would have shown a hole"
