"""Make a small recording of our own in LOBSTER's format, with every kind of row a real one has.

The same seed gives the same bytes. `python -m apps.marketdata.feeds.sample FOLDER --messages 2000 --seed 7`
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from apps.marketdata.feeds.lobster import EMPTY_ASK, EMPTY_BID, NS_PER_SECOND, MessageType

BUY: Final = 1
SELL: Final = -1
CENT: Final = 100
MIDDLE: Final = 5_850_000
OPENING_TIME: Final = 34_200 * NS_PER_SECOND
GAP_NS_MAX: Final = 40_000_000
FIRST_ORDER: Final = 16_000_000
LEVELS: Final = 10
# Orders from before the recording: on this many visible levels, and one a side too deep to be seen.
OPENING_LEVELS: Final = 10
DEEP: Final = 200 * CENT
DISTANCE_MAX: Final = 30
LIVE_TARGET: Final = 150
SIZE_MAX: Final = 200

Row = tuple[int, int, int, int, int, int]


@dataclass(slots=True)
class _Order:
    number: int
    side: int
    price: int
    size: int


@dataclass(slots=True)
class Recording:
    """A random market whose book is kept the plain way: lists in order of arrival."""

    seed: int
    _random: random.Random = field(init=False)
    _queues: dict[int, dict[int, list[_Order]]] = field(default_factory=lambda: {BUY: {}, SELL: {}})
    _next_order: int = FIRST_ORDER
    _time: int = OPENING_TIME

    def __post_init__(self) -> None:
        """Place what rests before the recording begins."""
        self._random = random.Random(self.seed)  # noqa: S311 a reproducible market, not a secret
        for side in (BUY, SELL):
            for level in range(1, OPENING_LEVELS + 1):
                for _ in range(self._random.randint(1, 3)):
                    self._rest(side, MIDDLE - side * level * CENT, self._random.randint(1, SIZE_MAX))
            self._rest(side, MIDDLE - side * DEEP, SIZE_MAX)

    def rows(self, count: int) -> Iterator[tuple[Row, list[int]]]:
        """Yield (message, book after it) `count` times or a few more, for one taker may hit several orders."""
        made = 0
        while made < count:
            # The first row of a recording adds an order, so that the book before it can be told from the one after.
            for message in self._event() if made else self._add():
                made += 1
                yield message, self._levels()

    def _event(self) -> Iterator[Row]:
        draw = self._random.random()
        live = sum(len(queue) for side in self._queues.values() for queue in side.values())
        if draw < 0.08:  # noqa: PLR2004 the mix of a market: shares of each kind of row
            yield from self._take()
        elif draw < 0.10:  # noqa: PLR2004
            yield self._row(MessageType.EXECUTE_HIDDEN, 0, self._random.randint(1, SIZE_MAX), MIDDLE + CENT // 2, BUY)
        elif draw < 0.11:  # noqa: PLR2004
            yield from self._take_out_of_turn()
        elif draw < 0.112:  # noqa: PLR2004
            yield self._row(MessageType.HALT, 0, 0, -1, -1)
        elif draw < 0.112 + 0.444 * (1 + (LIVE_TARGET - live) / LIVE_TARGET):
            yield from self._add()
        else:
            yield from self._shrink()

    def _row(self, kind: MessageType, number: int, size: int, price: int, side: int) -> Row:
        self._time += self._random.randint(0, GAP_NS_MAX)
        return (self._time, int(kind), number, size, price, side)

    def _best(self, side: int) -> int:
        return max(self._queues[side]) if side == BUY else min(self._queues[side])

    def _rest(self, side: int, price: int, size: int) -> _Order:
        order = _Order(self._next_order, side, price, size)
        self._next_order += self._random.randint(1, 50)
        self._queues[side].setdefault(price, []).append(order)
        return order

    def _add(self) -> Iterator[Row]:
        side = self._random.choice((BUY, SELL))
        distance = min(1 + int(self._random.expovariate(0.2)), DISTANCE_MAX)
        order = self._rest(side, self._best(-side) - side * distance * CENT, self._random.randint(1, SIZE_MAX))
        yield self._row(MessageType.ADD, order.number, order.size, order.price, side)

    def _down(self, order: _Order, size: int) -> None:
        order.size -= size
        if order.size:
            return
        queue = self._queues[order.side][order.price]
        queue.remove(order)
        if not queue:
            del self._queues[order.side][order.price]

    def _take(self) -> Iterator[Row]:
        """Yield the executions of one incoming order, which may walk the queue of the best price."""
        side = BUY if self._depth(SELL) > self._depth(BUY) else SELL
        taken = self._random.randint(1, SIZE_MAX * 2)
        price = self._best(-side)
        for order in list(self._queues[-side][price]):
            if not taken or self._depth(-side) <= 1:
                return
            size = min(taken, order.size)
            taken -= size
            self._down(order, size)
            yield self._row(MessageType.EXECUTE, order.number, size, price, -side)

    def _take_out_of_turn(self) -> Iterator[Row]:
        side = self._random.choice((BUY, SELL))
        queue = self._queues[side][self._best(side)]
        if len(queue) > 1:
            order = queue[1]
            size = self._random.randint(1, order.size)
            self._down(order, size)
            yield self._row(MessageType.EXECUTE, order.number, size, order.price, side)

    def _shrink(self) -> Iterator[Row]:
        """Yield the end of an order, or now and then its reduction, but leave a side something to stand on."""
        side = self._random.choice((BUY, SELL))
        if self._depth(side) <= LEVELS:
            return
        order = self._random.choice([order for queue in self._queues[side].values() for order in queue])
        if order.size > 1 and self._random.random() < 0.1:  # noqa: PLR2004
            size = self._random.randint(1, order.size - 1)
            self._down(order, size)
            yield self._row(MessageType.REDUCE, order.number, size, order.price, side)
        else:
            size = order.size
            self._down(order, size)
            yield self._row(MessageType.DELETE, order.number, size, order.price, side)

    def _depth(self, side: int) -> int:
        return len(self._queues[side])

    def _levels(self) -> list[int]:
        """Return the best levels as a book row: ask price, size, bid price, size, and so on."""
        row: list[int] = []
        asks, bids = sorted(self._queues[SELL])[:LEVELS], sorted(self._queues[BUY], reverse=True)[:LEVELS]
        for level in range(LEVELS):
            for side, prices, empty in ((SELL, asks, EMPTY_ASK), (BUY, bids, EMPTY_BID)):
                if level < len(prices):
                    row += [prices[level], sum(order.size for order in self._queues[side][prices[level]])]
                else:
                    row += [empty, 0]
        return row


def write_sample(folder: Path, *, messages: int = 2_000, seed: int = 7) -> tuple[Path, Path]:
    """Write a recording and its book into `folder`; return the two paths: messages, order book."""
    message_path = folder / f"sample_{seed}_message_{LEVELS}.csv"
    book_path = folder / f"sample_{seed}_orderbook_{LEVELS}.csv"
    with message_path.open("w", encoding="ascii") as message_file, book_path.open("w", encoding="ascii") as book_file:
        for message, levels in Recording(seed).rows(messages):
            time, *rest = message
            fields = [f"{time // NS_PER_SECOND}.{time % NS_PER_SECOND:09d}", *map(str, rest)]
            message_file.write(",".join(fields) + "\n")
            book_file.write(",".join(map(str, levels)) + "\n")
    return message_path, book_path


def main() -> None:
    """Write a recording where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    write_sample(options.folder, messages=options.messages, seed=options.seed)


if __name__ == "__main__":
    main()
