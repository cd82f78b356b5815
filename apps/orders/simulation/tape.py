"""What a market did, as anybody could have seen it: its book by price, sampled every second, and its trades."""

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

BID, ASK = 0, 1

GRID_NS = 1_000_000_000
DEEP_EVERY = 10
"""The sum over ten levels is taken every so many samples."""
DEEP_LEVELS = 10


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
    takings: list[Taking] = field(default_factory=list)
    changes: int = 0
    _sides: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        """Sample first at the beginning."""
        self._next = self.begin

    def advance(self, at: int) -> None:
        """Sample what stood until a time: to be called before what happened then is told."""
        while self._next < at:
            self._sample()
            self._next += GRID_NS

    def change(self, side: int, price: int, quantity: int) -> None:
        """Add to what stands at a price, or take away."""
        levels = self._sides[side]
        left = levels.get(price, 0) + quantity
        if left > 0:
            levels[price] = left
        else:
            levels.pop(price, None)

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
            best = [bids[price] for price in heapq.nlargest(DEEP_LEVELS, bids)]
            best += [asks[price] for price in heapq.nsmallest(DEEP_LEVELS, asks)]
            self.deep.append(sum(best))
