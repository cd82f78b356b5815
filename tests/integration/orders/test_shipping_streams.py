"""Trades from the stream into QuestDB: each once, and what the stream no longer hands out from the journal."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from apps.marketdata.reference import references
from apps.marketdata.ticks.questdb_link import QuestDBUnavailableError
from apps.marketdata.ticks.questdb_tables import Place
from apps.marketdata.ticks.questdb_writing import TickWriter
from apps.orders.matching.engine import Engine
from apps.orders.matching.projector import ShardProjector
from apps.orders.publishing.publisher import StreamPublisher
from apps.orders.publishing.trades import TradesReader
from apps.orders.shipping import TickShipper
from cift.bus.base import BusError
from cift.bus.nats import NatsBus
from cift.bus.streams import Streams
from cift.wire.streams import MARKET_DATA
from tests.support.nats_server import NatsServer
from tests.support.questdb_server import QuestDBServer
from tests.support.shard import T0, journal_fill
from tests.support.shipped import head, of_the_store, of_the_tables
from tests.support.streams import jetstream, streams_cleared

MakeReader = Callable[[], TradesReader]


def project() -> None:
    projector = ShardProjector(0)
    while projector.step():
        pass
    references.forget()


@pytest.fixture
def engine(sqlite: Path) -> Engine:
    """A projected journal of two instruments."""
    engine = journal_fill(300, step_ns=1_000_000_000)
    project()
    return engine


@pytest.fixture
def published(engine: Engine, nats_server: NatsServer) -> NatsServer:
    asyncio.run(streams_cleared(nats_server))
    publish(nats_server)
    return nats_server


def publish(server: NatsServer) -> None:
    """Publish the journal as the process does."""

    async def run() -> None:
        bus = NatsBus(servers=[server.address])
        publisher = StreamPublisher(0, Streams(bus=bus), rate=1e9, clock=lambda: T0 + 10**12)
        while await publisher.step():
            pass
        publisher.close()
        await bus.close()

    asyncio.run(run())


@pytest.fixture
def reader(published: NatsServer) -> Iterator[MakeReader]:
    made: list[TradesReader] = []

    def make() -> TradesReader:
        made.append(TradesReader(Streams(bus=NatsBus(servers=[published.address])), shard=0, group="ticks"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def writer(engine: Engine, questdb_server: QuestDBServer) -> TickWriter:
    return questdb_server.emptied()


class FailingOnce(TickWriter):
    """A writer whose server goes away once the trades are there, before the place is."""

    failed = False

    def place_write(self, shard: int, place: Place, *, timeout_s: float = 5.0) -> bool:
        if not self.failed:
            self.failed = True
            raise QuestDBUnavailableError("gone")
        return super().place_write(shard, place, timeout_s=timeout_s)


def ship_all(writer: TickWriter, reader: TradesReader) -> None:
    shipper = TickShipper(0, writer, reader=reader)
    while shipper.step():
        pass


def test_the_store_has_every_trade_of_the_stream_to_the_last_integer(
    writer: TickWriter, questdb_server: QuestDBServer, reader: MakeReader
) -> None:
    ship_all(writer, reader())

    assert of_the_store(questdb_server) == of_the_tables() != []
    assert writer.place(0) == head()


def test_the_stream_alone_is_read_where_it_goes_on_behind_the_store(
    writer: TickWriter, questdb_server: QuestDBServer, reader: MakeReader, engine: Engine, published: NatsServer
) -> None:
    ship_all(writer, reader())
    journal_fill(100, engine=engine, seed=2, step_ns=1_000_000_000)
    project()
    publish(published)
    again = reader()
    stretch = again.next()
    assert stretch is not None
    assert stretch.follows <= writer.place(0).number < stretch.number, "nothing is missing between"
    assert reader().next() is None, "a group's messages are handed to one"
    ship_all(writer, again)

    assert of_the_store(questdb_server) == of_the_tables()
    assert writer.place(0) == head()


def test_a_store_that_was_wiped_is_filled_again_from_the_journal(
    writer: TickWriter, questdb_server: QuestDBServer, reader: MakeReader
) -> None:
    ship_all(writer, reader())
    again = questdb_server.emptied()
    ship_all(again, reader())

    assert of_the_store(questdb_server) == of_the_tables() != []
    assert again.place(0) == head()


def test_a_stream_that_was_wiped_loses_and_doubles_nothing(
    writer: TickWriter, questdb_server: QuestDBServer, reader: MakeReader, engine: Engine, published: NatsServer
) -> None:
    first = reader()
    ship_all(writer, first)
    asyncio.run(streams_cleared(published))
    with pytest.raises(BusError):
        ship_all(writer, first)
    journal_fill(100, engine=engine, seed=2, step_ns=1_000_000_000)
    project()
    publish(published)
    ship_all(writer, first)

    assert of_the_store(questdb_server) == of_the_tables()
    assert writer.place(0) == head()


def test_what_was_not_acknowledged_is_shipped_by_the_next(
    engine: Engine, questdb_server: QuestDBServer, reader: MakeReader
) -> None:
    questdb_server.emptied()
    writer, first = FailingOnce(**questdb_server.options()), reader()
    with pytest.raises(QuestDBUnavailableError):
        ship_all(writer, first)
    first.close()
    ship_all(writer, reader())

    assert of_the_store(questdb_server) == of_the_tables()
    assert writer.place(0) == head()


@pytest.mark.parametrize(
    "payload", [b"\xc1", b"", b"\x97\x02\x00\x01\x01\x00\x01\x90"], ids=["strange", "empty", "new"]
)
def test_a_message_nobody_can_read_is_set_aside_and_its_trades_come_from_the_journal(
    writer: TickWriter, questdb_server: QuestDBServer, nats_server: NatsServer, reader: MakeReader, payload: bytes
) -> None:
    labels = {"stream": MARKET_DATA.name, "group": "ticks"}
    before = REGISTRY.get_sample_value("cift_stream_parked_total", labels) or 0

    async def spoil() -> None:
        """Put it in the place of the third message of trades."""
        async with jetstream(nats_server) as context:
            messages = [await context.get_msg(MARKET_DATA.name, seq=number) for number in range(1, 7)]
            await streams_cleared(nats_server)
            bus = NatsBus(servers=[nats_server.address])
            await Streams(bus=bus).ensure((MARKET_DATA,))
            await bus.close()
            for number, each in enumerate(messages, start=1):
                headers = {"Nats-Msg-Id": (each.headers or {})["Nats-Msg-Id"]}
                await context.publish(each.subject or "", payload if number == 3 else each.data or b"", headers=headers)

    asyncio.run(spoil())
    publish(nats_server)
    first = reader()
    ship_all(writer, first)
    first.close()
    ship_all(writer, reader())

    assert of_the_store(questdb_server) == of_the_tables()
    assert writer.place(0) == head()
    assert REGISTRY.get_sample_value("cift_stream_parked_total", labels) == before + 1
