"""The standard order flow: random, deterministic, and replayable by any price-time book.

About 51 % passive adds near the touch, 39 % cancels of live orders and 10 % aggressive orders that always fill inside
their limit. The generator matches the flow itself, so it knows how many trades there must be, of which quantity, and a
hash over all of them: a run counts only if it comes to the same three.
"""

import random
import struct
import zlib
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain, islice
from pathlib import Path
from typing import Final, NamedTuple

BUY: Final = 0
SELL: Final = 1
MIDDLE: Final = 20_000
LOWEST: Final = 12_000
HIGHEST: Final = 28_000
HASH_SEED: Final = 1_469_598_103_934_665_603
HASH_FACTOR: Final = 1_099_511_628_211
HASH_MASK: Final = (1 << 64) - 1
AGGRESSIVE_LEVELS_MAX: Final = 12
PRICE_MARGIN: Final = 64
HEADER: Final = struct.Struct("<8sIIQQQqqQQQQQQ")
RECORD: Final = struct.Struct("<IIiIBB6x")


class FlowType(IntEnum):
    """What a record does."""

    ADD = 0
    CANCEL = 1
    AGGRESS = 2


FLOW_TYPES: Final = tuple(FlowType)


class Record(NamedTuple):
    """One message; `order` counts from 1 in each symbol, `price` in ticks."""

    symbol: int
    order: int
    price: int
    quantity: int
    type: FlowType
    side: int


@dataclass(slots=True)
class TradeTally:
    """What a stream of trades comes to."""

    trades: int = 0
    quantity: int = 0
    hash: int = HASH_SEED

    def add(self, symbol: int, maker: int, taker: int, price: int, quantity: int) -> None:
        """Count one trade; orders by their number in the flow."""
        self.trades += 1
        self.quantity += quantity
        value = self.hash
        for part in (symbol, maker, taker, price, quantity):
            value = ((value ^ part) * HASH_FACTOR) & HASH_MASK
        self.hash = value


class _Book:
    """One symbol's live orders. A price whose orders are gone stays until it is the best: the flow is defined so."""

    __slots__ = ("ladders", "levels", "live", "places", "prices", "quantities", "sides")

    def __init__(self) -> None:
        # By side: orders by price, first come first; and these prices, ascending.
        self.levels: tuple[dict[int, dict[int, None]], dict[int, dict[int, None]]] = ({}, {})
        self.ladders: tuple[list[int], list[int]] = ([], [])
        self.live: list[int] = []
        self.places: dict[int, int] = {}
        self.prices, self.sides, self.quantities = [0], [0], [0]

    def best(self, side: int) -> int | None:
        ladder, levels = self.ladders[side], self.levels[side]
        end = -1 if side == BUY else 0
        while ladder:
            price = ladder[end]
            if levels[price]:
                return price
            del levels[price], ladder[end]
        return None

    def remove(self, order: int) -> None:
        del self.levels[self.sides[order]][self.prices[order]][order]
        place = self.places.pop(order)
        last = self.live.pop()
        if last != order:
            self.live[place] = last
            self.places[last] = place

    def number(self, side: int, price: int, quantity: int) -> int:
        self.prices.append(price)
        self.sides.append(side)
        self.quantities.append(quantity)
        return len(self.prices) - 1

    def add(self, side: int, price: int, quantity: int) -> int:
        order = self.number(side, price, quantity)
        level = self.levels[side].get(price)
        if level is None:
            self.levels[side][price] = level = {}
            insort(self.ladders[side], price)
        level[order] = None
        self.places[order] = len(self.live)
        self.live.append(order)
        return order


@dataclass(slots=True)
class StandardFlow:
    """One flow; `live` orders a symbol rest before the `messages` that are timed, and about as many throughout."""

    symbols: int = 1
    messages: int = 1_000_000
    live: int = 1_000
    seed: int = 7
    expected: TradeTally = field(default_factory=TradeTally)

    def records(self) -> Iterator[Record]:
        """Yield the orders that rest at the start, then the messages; `expected` is complete after the last."""
        self.expected = TradeTally()
        draw = random.Random(self.seed)  # noqa: S311 a reproducible flow
        books = [_Book() for _ in range(self.symbols)]
        for symbol, book in enumerate(books):
            for _ in range(self.live):
                yield _passive(symbol, book, draw)
        for _ in range(self.messages):
            symbol = 0 if self.symbols == 1 else min(int(self.symbols * draw.random() ** 1.5), self.symbols - 1)
            book = books[symbol]
            resting = len(book.live)
            # The order of the draws is part of the flow: another order is another flow.
            if draw.random() < 0.10 and (record := _aggressive(symbol, book, draw, self.expected.add)):
                yield record
                continue
            adds = 0.5555 + 0.5 * (self.live - resting) / self.live
            if resting == 0 or draw.random() < adds:
                yield _passive(symbol, book, draw)
            else:
                order = book.live[int(draw.random() * len(book.live))]
                book.remove(order)
                yield Record(symbol, order, book.prices[order], 0, FlowType.CANCEL, book.sides[order])

    def write(self, path: Path) -> None:
        """Write the flow as a file, format `CFLW0001`: a header with what it must come to, then 24 bytes a record."""
        records = list(self.records())
        timed = Counter(record.type for record in records[self.symbols * self.live :])
        header = HEADER.pack(
            b"CFLW0001",
            self.symbols,
            self.live,
            self.symbols * self.live,
            self.messages,
            max(record.order for record in records) + 1,
            LOWEST - PRICE_MARGIN,
            HIGHEST + PRICE_MARGIN,
            self.expected.trades,
            self.expected.quantity,
            self.expected.hash,
            *(timed[kind] for kind in FlowType),
        )
        beside = path.with_suffix(".part")
        with beside.open("wb") as file:
            file.write(header)
            file.writelines(RECORD.pack(*record) for record in records)
        beside.replace(path)

    def stored(self, folder: Path) -> Path:
        """Return the flow's file in the folder, written if this very generator has not written it there before."""
        folder.mkdir(parents=True, exist_ok=True)
        made_by = zlib.crc32(Path(__file__).read_bytes())
        path = folder / f"flow-{self.symbols}-{self.live}-{self.messages}-{self.seed}-{made_by:08x}.bin"
        if not path.exists():
            self.write(path)
        return path

    def read(self, path: Path) -> list[Record]:
        """Return the records of the flow's file; `expected` is complete then too."""
        packed = path.read_bytes()
        *_, trades, quantity, seal, _, _, _ = HEADER.unpack_from(packed)
        self.expected = TradeTally(trades, quantity, seal)
        return [
            Record(symbol, order, price, quantity, FLOW_TYPES[kind], side)
            for symbol, order, price, quantity, kind, side in RECORD.iter_unpack(memoryview(packed)[HEADER.size :])
        ]


def _distance(draw: random.Random) -> int:
    """Return how far from the touch an order is placed: mostly near, with a fat tail."""
    if draw.random() < 0.9:
        return min(int(draw.expovariate(0.25)), 60)
    return min(int(4 / (1 - draw.random()) ** 0.7), 400)


def _passive(symbol: int, book: _Book, draw: random.Random) -> Record:
    side = BUY if draw.random() < 0.5 else SELL
    bid, ask = book.best(BUY), book.best(SELL)
    own, opposite, inward = (bid, ask, 1) if side == BUY else (ask, bid, -1)
    if own is None:
        own = MIDDLE - inward
    reference = own if opposite is None else opposite - inward
    price = max(LOWEST, min(HIGHEST, reference - inward * _distance(draw)))
    if opposite is not None and (price - opposite) * inward >= 0:
        price = opposite - inward
    quantity = draw.randint(1, 100)
    return Record(symbol, book.add(side, price, quantity), price, quantity, FlowType.ADD, side)


def _targets(book: _Book, opposite: int, wanted: int) -> list[int]:
    """Return up to `wanted` live orders of a side in the order they would be matched."""
    ladder, levels = book.ladders[opposite], book.levels[opposite]
    near = ladder[: -AGGRESSIVE_LEVELS_MAX - 1 : -1] if opposite == BUY else ladder[:AGGRESSIVE_LEVELS_MAX]
    return list(islice(chain.from_iterable(levels[price] for price in near), wanted))


def _aggressive(
    symbol: int, book: _Book, draw: random.Random, tally: Callable[[int, int, int, int, int], None]
) -> Record | None:
    middle = ((book.best(BUY) or MIDDLE) + (book.best(SELL) or MIDDLE)) / 2
    side = BUY if draw.random() < 0.5 + (MIDDLE - middle) / 4000 else SELL
    if book.best(1 - side) is None:
        return None
    kind = draw.random()
    wanted = 1 if kind < 0.6 else 2 if kind < 0.85 else draw.randint(3, 6)
    targets = _targets(book, 1 - side, wanted)
    last = targets[-1]
    partly = draw.random() < 0.5
    quantity = sum(book.quantities[order] for order in targets)
    if partly and book.quantities[last] > 1:
        quantity -= draw.randint(1, book.quantities[last] - 1)
    price = book.prices[last]
    taker = book.number(side, price, 0)
    limit = price + draw.randint(0, 3) * (1 if side == BUY else -1)
    left = quantity
    for maker in targets:
        traded = min(left, book.quantities[maker])
        left -= traded
        book.quantities[maker] -= traded
        tally(symbol, maker, taker, book.prices[maker], traded)
        if not book.quantities[maker]:
            book.remove(maker)
    return Record(symbol, taker, limit, quantity, FlowType.AGGRESS, side)
