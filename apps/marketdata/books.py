"""An instrument's book as a reader keeps it: levels by price, the best ones in order, and their checksum.

The checksum is CRC-32 (as in zlib, an unsigned integer) over the ASCII text of the ten best levels of each side, best
first: a level is `price:quantity` exactly as it is sent, levels are joined by `,`, and the sides, bids first, by `|`.
"""

import zlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from apps.marketdata.reference import InstrumentReference
from cift.texts import DecimalText

CHECKSUM_LEVELS = 10

Level = tuple[int, int, int]
"""Price, quantity, number of orders; numbers as on the wire."""

LevelBody = tuple[DecimalText, DecimalText, int]
"""The same as it is sent: price, quantity, number of orders."""


class BookSide:
    """One side's levels, best first."""

    def __init__(self, *, sign: int) -> None:
        """Begin empty; `sign`: -1 for bids, whose best price is the highest, 1 for asks."""
        self._sign = sign
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}

    def put(self, level: Level) -> None:
        """Set a level to what it is now; no quantity removes it."""
        key = self._sign * level[0]
        if level[1] == 0:
            if self._levels.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
            return
        if key not in self._levels:
            insort(self._keys, key)
        self._levels[key] = level

    def best(self, depth: int) -> list[Level]:
        """Return the best levels, best first; 0: all."""
        keys = self._keys[:depth] if depth else self._keys
        levels = self._levels
        return [levels[key] for key in keys]

    def at(self, prices: Iterable[int]) -> list[Level]:
        """Return the levels at some prices; one without quantity is none."""
        return [self._levels.get(self._sign * price, (price, 0, 0)) for price in prices]


class Book:
    """Both sides, and the instrument sequence they stand at."""

    def __init__(self, *, sequence: int, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Begin with a snapshot."""
        self.sequence = sequence
        self.bids = BookSide(sign=-1)
        self.asks = BookSide(sign=1)
        for level in bids:
            self.bids.put(level)
        for level in asks:
            self.asks.put(level)

    def apply(self, *, sequence: int, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Move on by changed levels."""
        for level in bids:
            self.bids.put(level)
        for level in asks:
            self.asks.put(level)
        self.sequence = sequence

    def checksum(self, reference: InstrumentReference) -> int:
        """Return the checksum of the best levels as they are sent."""
        return checksum(
            levels_body(self.bids.best(CHECKSUM_LEVELS), reference),
            levels_body(self.asks.best(CHECKSUM_LEVELS), reference),
        )


def levels_body(levels: Iterable[Level], reference: InstrumentReference) -> list[LevelBody]:
    """Return levels as they are sent."""
    price_format, quantity_format = reference.price_format, reference.quantity_format
    return [(price_format(price), quantity_format(quantity), orders) for price, quantity, orders in levels]


def checksum(bids: Sequence[LevelBody], asks: Sequence[LevelBody]) -> int:
    """Return the checksum of two sides as they are sent, best first."""
    return zlib.crc32(f"{_side_text(bids)}|{_side_text(asks)}".encode("ascii"))


def _side_text(levels: Sequence[LevelBody]) -> str:
    return ",".join(f"{price}:{quantity}" for price, quantity, _ in levels[:CHECKSUM_LEVELS])
