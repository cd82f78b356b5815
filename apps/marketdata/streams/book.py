"""One instrument's book for its readers: what changed among the best levels, built once for each depth.

A reader of a depth sees only what changes among the best levels: what changes none of them is not sent to it, and the
next update's `previous` is the sequence it was sent last. Whoever stands at an older sequence (it was behind, or comes
back) is told in one update what became of the book since; `BookLog` remembers which prices were touched.
"""

from collections import deque
from collections.abc import Iterable

from apps.marketdata.books import Book, BookSide, Level, levels_body
from apps.marketdata.messages import BookBlock
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.streams.channel import Conflated
from apps.marketdata.streams.messages import BookSnapshot, BookUpdate, encode

BLOCKS_KEPT = 4_096
PRICES_KEPT = 65_536
"""How far back a book can be made up for, whichever comes first."""


class BookLog:
    """Which prices the last blocks touched."""

    def __init__(self, sequence: int) -> None:
        """Begin behind a sequence."""
        self.base = sequence
        self._blocks: deque[tuple[int, tuple[int, ...], tuple[int, ...]]] = deque()
        self._prices = 0

    def add(self, sequence: int, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Note a block."""
        block = (sequence, tuple(level[0] for level in bids), tuple(level[0] for level in asks))
        self._blocks.append(block)
        self._prices += len(block[1]) + len(block[2])
        while len(self._blocks) > BLOCKS_KEPT or (self._prices > PRICES_KEPT and len(self._blocks) > 1):
            self.base, old_bids, old_asks = self._blocks.popleft()
            self._prices -= len(old_bids) + len(old_asks)

    def since(self, sequence: int) -> tuple[set[int], set[int]] | None:
        """Return the prices touched behind a sequence, bids and asks; None: that is too long ago."""
        if sequence < self.base:
            return None
        bids: set[int] = set()
        asks: set[int] = set()
        for at, block_bids, block_asks in reversed(self._blocks):
            if at <= sequence:
                break
            bids.update(block_bids)
            asks.update(block_asks)
        return bids, asks


class BookState:
    """A book as the writer has it, what it went through of late, and its checksum, worked out once for each state."""

    def __init__(self, reference: InstrumentReference, book: Book) -> None:
        """Begin with a book."""
        self.reference = reference
        self.book = book
        self.log = BookLog(book.sequence)
        self._checksum = (-1, 0)

    def apply(self, block: BookBlock) -> None:
        """Move on by a block."""
        self.book.apply(sequence=block.sequence, bids=block.bids, asks=block.asks)
        self.log.add(block.sequence, block.bids, block.asks)

    def checksum(self) -> int:
        """Return the checksum of the best levels."""
        if self._checksum[0] != self.book.sequence:
            self._checksum = (self.book.sequence, self.book.checksum(self.reference))
        return self._checksum[1]


class BookWindow(Conflated):
    """The best levels of one depth as its readers have them."""

    def __init__(self, state: BookState, *, depth: int) -> None:
        """Begin where the book stands, without readers."""
        super().__init__()
        self.depth = depth
        self.sequence = -1
        self._bids: list[Level] = []
        self._asks: list[Level] = []
        self.reset(state)

    def reset(self, state: BookState) -> None:
        """Go on with another book: all readers are sent it whole."""
        self._state = state
        self.sequence = state.book.sequence
        if self.depth:
            self._bids, self._asks = state.book.bids.best(self.depth), state.book.asks.best(self.depth)
        self.restart()

    def advance(self) -> tuple[int, bytes] | None:
        """Go on to where the book stands; give the sequence before and the update, None: nothing changed."""
        book = self._state.book
        if book.sequence == self.sequence:
            return None
        if self.depth:
            new_bids, new_asks = book.bids.best(self.depth), book.asks.best(self.depth)
            bids, asks = _changes(self._bids, new_bids), _changes(self._asks, new_asks)
            self._bids, self._asks = new_bids, new_asks
        else:
            touched = self._state.log.since(self.sequence)
            if touched is None:
                # More passed at once than the log holds.
                previous, self.sequence = self.sequence, book.sequence
                return previous, self.snapshot()
            bids, asks = book.bids.at(touched[0]), book.asks.at(touched[1])
        if not bids and not asks:
            return None
        previous, self.sequence = self.sequence, book.sequence
        return previous, self._update(previous, bids, asks)

    def since(self, sequence: int) -> bytes | None:
        """Send a reader at a sequence how the book has changed; the window has advanced to it."""
        if sequence == self.sequence:
            return None
        touched = self._state.log.since(sequence) if sequence < self.sequence else None
        if touched is None:
            return self.snapshot()
        book = self._state.book
        bids = _between(book.bids, touched[0], self.depth)
        asks = _between(book.asks, touched[1], self.depth)
        return self._update(sequence, bids, asks)

    def can_resume(self, sequence: int) -> bool:
        """Return whether a reader that stands at a sequence can go on from there."""
        return self._state.log.base <= sequence <= self.sequence

    def snapshot(self) -> bytes:
        """Return the whole window."""
        reference, book = self._state.reference, self._state.book
        return encode(
            BookSnapshot(
                symbol=reference.symbol,
                depth=self.depth,
                sequence=self.sequence,
                bids=levels_body(book.bids.best(self.depth), reference),
                asks=levels_body(book.asks.best(self.depth), reference),
                checksum=self._state.checksum(),
            )
        )

    def _update(self, previous: int, bids: list[Level], asks: list[Level]) -> bytes:
        reference = self._state.reference
        return encode(
            BookUpdate(
                symbol=reference.symbol,
                depth=self.depth,
                previous=previous,
                sequence=self.sequence,
                bids=levels_body(bids, reference),
                asks=levels_body(asks, reference),
                checksum=self._state.checksum(),
            )
        )


def _changes(before: Iterable[Level], after: Iterable[Level]) -> list[Level]:
    old = {level[0]: level for level in before}
    changed = [level for level in after if old.pop(level[0], None) != level]
    return changed + [(price, 0, 0) for price in old]


def _between(side: BookSide, touched: set[int], depth: int) -> list[Level]:
    """Return what brings any reader of a depth to now that had the best levels before these prices were touched.

    All best levels are given: one that was not touched may not have been among them then. Touched prices that are not
    among them now are removed; and so are untouched levels that others may have pushed out, which are the next
    deeper ones: each touched price can have pushed out one.
    """
    if not depth:
        return side.at(touched)
    levels = side.best(depth + len(touched))
    best, deeper = levels[:depth], levels[depth:]
    removed = (touched - {level[0] for level in best}) | {level[0] for level in deeper}
    return best + [(price, 0, 0) for price in removed]
