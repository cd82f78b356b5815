"""The journal in the streams of a real server: all of it, once and in order, whatever is lost on the way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from apps.marketdata.messages import trades_decode
from apps.orders.events import AnyEvent, Trade, section_decode
from apps.orders.matching.engine import Engine
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.publishing.messages import PUBLISHED, events_decode
from apps.orders.publishing.publisher import StreamAheadError, StreamPublisher, publish_always
from cift.bus.base import BusError
from cift.bus.nats import NatsBus
from cift.bus.streams import Streams
from cift.wire.base import frame_split
from cift.wire.streams import EVENTS, MARKET_DATA, ORDERS, PlaceMessage, place_decode
from tests.support.nats_server import NatsServer
from tests.support.servers import server_running
from tests.support.shard import T0, journal_fill
from tests.support.streams import Stored, jetstream, stored, streams_cleared

NS_PER_S = 1_000_000_000


@pytest.fixture
def engine(sqlite: Path) -> Engine:
    """A journal of two instruments."""
    return journal_fill(300)


@pytest.fixture
def rows(engine: Engine) -> list[JournalRow]:
    return [row for chunk in Journal(0).chunks(0) for row in chunk]


def soon() -> int:
    """When the journal was just written."""
    return T0 + NS_PER_S


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[NatsBus]:
    await streams_cleared(nats_server)
    bus = NatsBus(servers=[nats_server.address])
    yield bus
    await bus.close()


Make = Callable[..., StreamPublisher]


@pytest.fixture
async def make(bus: NatsBus) -> AsyncIterator[Make]:
    made: list[StreamPublisher] = []

    def publisher(*, clock: Callable[[], int] = soon, rate: float = 1e9, look_s: float = 60) -> StreamPublisher:
        made.append(StreamPublisher(0, Streams(bus=bus), rate=rate, look_s=look_s, clock=clock))
        return made[-1]

    yield publisher
    for each in made:
        each.close()


async def publish(publisher: StreamPublisher) -> None:
    while await publisher.step():
        pass


async def kept_of(server: NatsServer, stream: str) -> Stored:
    """What a stream has but the places, which may be said more often."""
    return [each for each in await stored(server, stream) if ".place." not in each[0]]


async def kept(server: NatsServer) -> dict[str, Stored]:
    return {stream.name: await kept_of(server, stream.name) for stream in PUBLISHED}


def events_of(rows: list[JournalRow]) -> list[AnyEvent]:
    return [event for row in rows for section in frame_split(row.events) for event in section_decode(section)]


def is_whole(found: dict[str, Stored], rows: list[JournalRow]) -> None:
    """The streams have every event of the batches once and in order, and every trade as the public sees it."""
    events = events_of(rows)
    told = {
        stream.name: [event for _, _, message in found[stream.name] for event in events_decode(message).events]
        for stream in (ORDERS, EVENTS)
    }
    assert sorted((*told[ORDERS.name], *told[EVENTS.name]), key=lambda event: event.sequence) == events
    for each in told.values():
        assert [event.sequence for event in each] == sorted(event.sequence for event in each)
    trades = [trade for _, _, message in found[MARKET_DATA.name] for trade in trades_decode(message).trades]
    made = [event for event in events if isinstance(event, Trade)]
    assert sorted(trades) == [(event.sequence, event.price, event.quantity, event.taker_side) for event in made]
    for messages in found.values():
        ids = [message_id for _, message_id, _ in messages]
        assert len(ids) == len(set(ids))


async def test_the_streams_have_the_journal_once_and_in_order(
    rows: list[JournalRow], make: Make, nats_server: NatsServer
) -> None:
    await publish(make())

    is_whole(await kept(nats_server), rows)


async def test_the_trades_of_an_instrument_in_a_batch_are_one_message(
    rows: list[JournalRow], make: Make, nats_server: NatsServer
) -> None:
    await publish(make())
    messages = [
        (subject, trades_decode(message)) for subject, _, message in (await kept(nats_server))[MARKET_DATA.name]
    ]

    assert all(subject == f"market_data.trades.0.{message.instrument}" for subject, message in messages)
    assert len({(message.number, message.instrument) for _, message in messages}) == len(messages)
    assert max(len(message.trades) for _, message in messages) > 1
    assert messages == sorted(messages, key=lambda each: (each[1].number, each[1].instrument))


async def test_the_place_says_how_far_each_stream_is(
    rows: list[JournalRow], make: Make, nats_server: NatsServer
) -> None:
    await publish(make())
    last = rows[-1]
    for stream in PUBLISHED:
        subject, message_id, message = (await stored(nats_server, stream.name))[-1]
        assert subject == f"{stream.family}.place.0"
        assert message_id == f"0.{last.number}.{subject}"
        assert place_decode(message) == PlaceMessage(1, 0, last.number, last.at, last.last_sequence)


async def test_another_publisher_goes_on_where_the_streams_are(
    engine: Engine, make: Make, nats_server: NatsServer
) -> None:
    await publish(make())
    first = {stream.name: await stored(nats_server, stream.name) for stream in PUBLISHED}
    await asyncio.to_thread(journal_fill, 100, engine=engine, seed=2)
    await publish(make())
    found = {stream.name: await stored(nats_server, stream.name) for stream in PUBLISHED}

    for name, messages in first.items():
        assert found[name][: len(messages)] == messages
    is_whole(await kept(nats_server), await asyncio.to_thread(Journal(0).chunk, 0, rows=1_000))


async def forgetful(server: NatsServer) -> None:
    """Let the streams forget ids soon: a test need not wait two minutes."""
    async with jetstream(server) as context:
        await Streams(bus=NatsBus(servers=[server.address])).ensure(PUBLISHED)
        for stream in PUBLISHED:
            config = (await context.stream_info(stream.name)).config
            await context.update_stream(config.evolve(duplicate_window=0.1))


async def publish_in_time(publisher: StreamPublisher) -> None:
    """Publish as the process does: what is refused, as ids that are not forgotten yet, is tried again."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await publish(publisher)
            except BusError:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("lost", [1, 2, 3, 7])
async def test_a_publisher_cut_off_behind_any_message_leaves_neither_gap_nor_double(
    rows: list[JournalRow], make: Make, nats_server: NatsServer, lost: int
) -> None:
    await forgetful(nats_server)
    await publish(make())
    async with jetstream(nats_server) as context:
        for stream in PUBLISHED:
            last = (await context.stream_info(stream.name)).state.last_seq
            for number in range(last - lost, last + 1):
                await context.delete_msg(stream.name, number)
    await publish_in_time(make())

    is_whole(await kept(nats_server), rows)


async def test_a_stream_purged_under_a_publisher_is_filled_again(
    rows: list[JournalRow], make: Make, nats_server: NatsServer
) -> None:
    await forgetful(nats_server)
    publisher = make(look_s=0)
    await publish(publisher)
    async with jetstream(nats_server) as context:
        await context.purge_stream(MARKET_DATA.name)
    await publish_in_time(publisher)

    is_whole(await kept(nats_server), rows)


async def test_a_stream_deleted_under_a_publisher_is_made_and_filled_again(
    rows: list[JournalRow], engine: Engine, make: Make, nats_server: NatsServer
) -> None:
    publisher = make()
    await publish(publisher)
    async with jetstream(nats_server) as context:
        await context.delete_stream(ORDERS.name)
    await asyncio.to_thread(journal_fill, 40, engine=engine, seed=2)
    with pytest.raises(BusError, match="no stream keeps"):
        await publish(publisher)
    await publish(publisher)

    is_whole(await kept(nats_server), await asyncio.to_thread(Journal(0).chunk, 0, rows=1_000))


async def test_a_server_killed_with_its_store_is_filled_again_without_a_restart(
    rows: list[JournalRow], tmp_path: Path
) -> None:
    with server_running(NatsServer(tmp_path)) as server:
        bus, stop = NatsBus(servers=[server.address]), asyncio.Event()
        publisher = StreamPublisher(0, Streams(bus=bus), rate=1e9, clock=soon)
        running = asyncio.create_task(publish_always(publisher, bus, shard=0, stop=stop, once=False))
        await until_full(server, rows)
        server.kill()
        for path in sorted((tmp_path / "jetstream").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        server.start()
        await until_full(server, rows)
        is_whole(await kept(server), rows)
        stop.set()
        await running
        publisher.close()
        await bus.close()


async def until_full(server: NatsServer, rows: list[JournalRow]) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                last = [await stored(server, stream.name) for stream in PUBLISHED]
            except Exception:  # noqa: BLE001 - it is on its way
                last = []
            if last and all(each and place_of(each[-1]) == rows[-1].number for each in last):
                return
            await asyncio.sleep(0.1)


def place_of(message: tuple[str, str, bytes]) -> int:
    return place_decode(message[2]).number if ".place." in message[0] else 0


async def test_a_wiped_stream_has_nothing_older_than_it_keeps(
    rows: list[JournalRow], make: Make, nats_server: NatsServer
) -> None:
    middle = rows[len(rows) // 2]
    await publish(make(clock=lambda: middle.at + ORDERS.age_s * NS_PER_S))
    found = await kept(nats_server)

    numbers = {events_decode(message).number for _, _, message in found[ORDERS.name]}
    assert min(numbers) == middle.number
    assert max(numbers) == rows[-1].number
    assert trades_decode(found[MARKET_DATA.name][0][2]).number < middle.number


async def test_a_second_publisher_waits_and_nothing_is_doubled(
    rows: list[JournalRow], engine: Engine, make: Make, nats_server: NatsServer
) -> None:
    first, second = make(), make()
    await publish(first)
    await publish(second)
    await asyncio.to_thread(journal_fill, 60, engine=engine, seed=2)
    await publish(first)
    with pytest.raises(BusError):
        await publish(second)
    await publish(second)

    is_whole(await kept(nats_server), await asyncio.to_thread(Journal(0).chunk, 0, rows=1_000))


async def test_a_stream_of_another_journal_is_left_alone(
    rows: list[JournalRow], make: Make, nats_server: NatsServer
) -> None:
    async with jetstream(nats_server) as context:
        await Streams(bus=NatsBus(servers=[nats_server.address])).ensure(PUBLISHED)
        await context.publish("order_events.place.0", b"\x95\x01\x00\xcd\x27\x10\x00\x00")
        with pytest.raises(StreamAheadError, match="another journal"):
            await make().step()
        await context.publish("order_events.events.0", b"\xc1what is this")
        with pytest.raises(BusError, match="not the publisher's"):
            await make().step()
    assert [subject for subject, _, _ in await stored_subjects(nats_server)] == [
        "order_events.place.0",
        "order_events.events.0",
    ]


async def stored_subjects(server: NatsServer) -> list[tuple[str, int, bytes]]:
    async with jetstream(server) as context:
        last = (await context.stream_info(ORDERS.name)).state.last_seq
        messages = [await context.get_msg(ORDERS.name, seq=number) for number in range(1, last + 1)]
    return [(each.subject or "", each.seq or 0, each.data or b"") for each in messages]


async def test_catching_up_is_no_faster_than_said(rows: list[JournalRow], make: Make) -> None:
    publisher, loop = make(rate=100), asyncio.get_running_loop()
    began = loop.time()
    await publish(publisher)
    assert loop.time() - began >= len(rows) / 100 * 0.9


async def test_the_lag_is_what_is_not_published(rows: list[JournalRow], make: Make) -> None:
    publisher = make()
    assert await publisher.lag() == len(rows)
    await publish(publisher)
    assert await publisher.lag() == 0


async def test_while_nats_is_away_it_is_said_once_and_tried_again(
    rows: list[JournalRow], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = NatsServer(tmp_path)
    bus, stop = NatsBus(servers=[server.address]), asyncio.Event()
    publisher = StreamPublisher(0, Streams(bus=bus), rate=1e9, clock=soon)
    with caplog.at_level(logging.WARNING, "apps.orders.publishing"):
        running = asyncio.create_task(publish_always(publisher, bus, shard=0, stop=stop, once=True))
        async with asyncio.timeout(20):
            while "is not published" not in caplog.text:  # noqa: ASYNC110 - a log has no event to offer
                await asyncio.sleep(0.05)
        with server_running(server):
            await running
            is_whole(await kept(server), rows)
            publisher.close()
            await bus.close()
    assert caplog.text.count("no NATS server can be used") <= 2
