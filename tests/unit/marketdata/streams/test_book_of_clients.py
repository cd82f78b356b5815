"""A client's book, kept from what it is sent, is the engine's at every sequence: through real blocks of the engine,
with readers that fall behind, leave, and come back at any time.
"""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.marketdata.books import LevelBody, checksum
from apps.marketdata.messages import book_block_decode
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.streams.instrument import InstrumentFeed
from apps.marketdata.streams.messages import DEPTHS
from apps.marketdata.streams.pace import Pace
from apps.orders.commands import OpenEpoch, OpenVenue
from apps.orders.matching import engine as rust
from cift.wire.queries import BookFound, BookQuery
from tests.support.readers import Reader
from tests.support.shard import AAPL_USD, IDS_KEY, T0, Flow, events_of, frame_of, opening

REFERENCE = InstrumentReference(
    id=AAPL_USD, symbol="AAPL-USD", base="AAPL", quote="USD", price_scale=2, base_scale=0, quote_scale=2
)
READERS = 3

Level = tuple[int, int, int]
Sides = tuple[list[Level], list[Level]]


class Market:
    """An engine with a random flow, its feed, and its book as it was at each sequence."""

    def __init__(self, seed: int) -> None:
        self.pace = Pace()
        self.feed = InstrumentFeed(REFERENCE, changed=self.pace.changed)
        self.books: dict[int, Sides] = {}
        self._flow = Flow(seed)
        self._engine = rust.Engine(open_orders_max=1_000, ids_max=10_000, ids_window_ns=10**12)
        self._apply([OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1)])
        self._apply(opening())
        self.feed._begin(self._found())

    def _apply(self, commands: list[Any]) -> rust.Batch:
        engine = self._engine
        batch = engine.apply(frame_of(*commands), number=engine.number + 1, at=max(T0, engine.at) + 1_000_000)
        self._flow.see(events_of(batch))
        return batch

    def _found(self) -> BookFound:
        found = rust.ask(self._engine, BookQuery(AAPL_USD))
        assert found is not None
        self.books[found.instrument_sequence] = (found.bids, found.asks)
        return found

    async def trade(self, commands: int) -> None:
        for number, payload in self._apply(self._flow.commands(commands)).books():
            if number == AAPL_USD:
                self._found()
                await self.feed._take(book_block_decode(payload))


class ClientBook:
    """What one client has of the book."""

    def __init__(self, market: Market, depth: int) -> None:
        self._market = market
        self._depth = depth
        self.reader: Reader | None = None
        self.sequence: int | None = None
        self._sides: dict[str, dict[str, list[Any]]] = {"bids": {}, "asks": {}}

    async def come(self) -> None:
        """Subscribe, from where it was if it was there before."""
        if self.reader is None:
            self.reader = Reader()
            channel = await self._market.feed.channel("book", depth=self._depth)
            self._market.pace.settle(self._market.feed)
            self.reader.outbox.put_all(channel.join(self.reader.outbox, self.sequence).texts)

    async def go(self) -> None:
        """Disconnect, with what was sent and not read lost."""
        if self.reader is not None:
            channel = await self._market.feed.channel("book", depth=self._depth)
            self._market.pace.settle(self._market.feed)
            if self.reader.writer.room:
                self.read()
            channel.leave(self.reader.outbox)
            self.reader = None

    def read(self) -> None:
        """Take what was sent; hold it against the engine's book."""
        for message in self.reader.messages() if self.reader else ():
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            self._sides = {"bids": {}, "asks": {}}
        else:
            assert message["previous"] == self.sequence
        for name, levels in self._sides.items():
            for price, quantity, orders in message[name]:
                levels[price] = [price, quantity, orders]
                if quantity == "0":
                    del levels[price]
        sequence = self.sequence = message["sequence"]
        mine = [self._best("bids"), self._best("asks")]
        assert mine == [
            [
                [REFERENCE.price_format(price), REFERENCE.quantity_format(quantity), orders]
                for price, quantity, orders in side[: self._depth or None]
            ]
            for side in self._market.books[sequence]
        ]
        assert message["checksum"] == checksum(self._levels("bids"), self._levels("asks"))

    def is_up_to_date(self) -> bool:
        """Return whether what it has is all there is to have."""
        books, depth = self._market.books, self._depth or None
        last, mine = books[max(books)], books[self.sequence or 0]
        return [side[:depth] for side in mine] == [side[:depth] for side in last]

    def room(self, *, room: bool) -> None:
        """Stop reading, or read again."""
        if self.reader is not None and room:
            self.reader.writer.drain()
        elif self.reader is not None:
            self.reader.writer.room = False

    def _levels(self, name: str) -> list[LevelBody]:
        return [(price, quantity, orders) for price, quantity, orders in self._best(name)]

    def _best(self, name: str) -> list[list[Any]]:
        return sorted(self._sides[name].values(), key=lambda level: float(level[0]), reverse=name == "bids")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.integers(1, 40)),
        st.tuples(st.just("round"), st.just(0)),
        st.tuples(st.sampled_from(("stall", "drain", "go", "come")), st.integers(0, READERS * len(DEPTHS) - 1)),
    ),
    min_size=5,
    max_size=60,
)


async def _lived(seed: int, steps: list[tuple[str, int]]) -> None:
    market = Market(seed)
    clients = [ClientBook(market, depth) for depth in DEPTHS for _ in range(READERS)]
    for client in clients:
        await client.come()
    for step, number in steps:
        match step:
            case "trade":
                await market.trade(number)
            case "round":
                market.pace.settle(market.feed)
            case "go":
                await clients[number].go()
            case "come":
                await clients[number].come()
            case _:
                clients[number].room(room=step == "drain")
        for client in clients:
            client.read()
    await _all_up_to_date(market, clients)


async def _all_up_to_date(market: Market, clients: list[ClientBook]) -> None:
    for client in clients:
        await client.come()
        client.room(room=True)
    market.pace.settle(market.feed)
    for client in clients:
        client.read()
        assert client.is_up_to_date()


@given(st.integers(0, 10_000), STEPS)
@settings(max_examples=60, deadline=None)
def test_a_client_s_book_is_the_engine_s_at_every_sequence(seed: int, steps: list[tuple[str, int]]) -> None:
    asyncio.run(_lived(seed, steps))
