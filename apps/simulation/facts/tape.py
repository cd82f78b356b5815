"""What a market did, as anybody could have seen it: its book by price, sampled every second, and its trades."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

BID, ASK = 0, 1

GRID_NS = 1_000_000_000
DEEP_EVERY = 10
"""Of the ten best levels, the sum and the gaps are taken every so many samples."""
DEEP_LEVELS = 10

AGAIN_NS = 5_000_000_000
_EMPTIED_MAX = 1_000


class Quote(NamedTuple):
    """The touch at a sample; prices and quantities in the market's integers, 0 for an empty side."""

    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int
    bid_levels: int
    ask_levels: int


@dataclass(slots=True)
class Taking:
    """What one taker took at once: `sign` 1 for a buyer, -1 for a seller."""

    at: int
    sign: int
    quantity: int
    taker: int


@dataclass(slots=True)
class Tape:
    """One instrument's hour, or whatever time it is; before `begin` (ns) nothing is written down."""

    symbol: str
    tick_size: int
    begin: int
    quotes: list[Quote] = field(default_factory=list)
    deep: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    takings: list[Taking] = field(default_factory=list)
    changes: int = 0
    emptied: int = 0
    again: int = 0
    _now: int = 0
    _emptied: dict[tuple[int, int], int] = field(default_factory=dict)
    _sides: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        """Sample first at the beginning."""
        self._next = self.begin

    @property
    def levels(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """What stands now: quantity by price of bids and asks."""
        return self._sides

    def advance(self, at: int) -> None:
        """Sample what stood until a time: to be called before what happened then is told."""
        while self._next < at:
            self._sample()
            self._next += GRID_NS
        self._now = at

    def change(self, side: int, price: int, quantity: int, *, traded: bool = False) -> None:
        """Add to what stands at a price, or take away; `traded`: by a trade."""
        levels = self._sides[side]
        left = levels.get(price, 0) + quantity
        if left > 0:
            levels[price] = left
            if quantity > 0 and self._emptied:
                since = self._emptied.pop((side, price), None)
                self.again += since is not None and self._now - since <= AGAIN_NS
        elif levels.pop(price, 0) and traded and self._now >= self.begin:
            self._empty(side, price)

    def _empty(self, side: int, price: int) -> None:
        """Note that a price is sold out; what nobody came back to is forgotten."""
        self.emptied += 1
        if len(self._emptied) >= _EMPTIED_MAX:
            self._emptied = {key: at for key, at in self._emptied.items() if self._now - at <= AGAIN_NS}
        self._emptied[side, price] = self._now

    def count(self, at: int) -> None:
        """Count a message that changed the book."""
        self.changes += at >= self.begin

    def trade(self, at: int, *, sign: int, quantity: int, taker: int) -> None:
        """Write a trade down; what one taker takes at once is one taking."""
        if at < self.begin:
            return
        last = self.takings[-1] if self.takings else None
        if last is not None and (last.taker, last.sign, last.at) == (taker, sign, at):
            last.quantity += quantity
        else:
            self.takings.append(Taking(at, sign, quantity, taker))

    def _sample(self) -> None:
        bids, asks = self._sides
        bid, ask = max(bids, default=0), min(asks, default=0)
        self.quotes.append(Quote(bid, bids.get(bid, 0), ask, asks.get(ask, 0), len(bids), len(asks)))
        if len(self.quotes) % DEEP_EVERY == 1:
            best = heapq.nlargest(DEEP_LEVELS, bids), heapq.nsmallest(DEEP_LEVELS, asks)
            self.deep.append(sum(bids[price] for price in best[BID]) + sum(asks[price] for price in best[ASK]))
            self.gaps += [abs(worse - better) for prices in best for better, worse in pairwise(prices)]
