"""One instrument's book on its way to sockets: taken once from the bus, a frame built once for each depth.

A reader of a depth sees only what changes among the best levels: a block that changes none of them is not sent to it,
and the next update's `previous` is the sequence it was sent last.
"""

import logging
from collections.abc import Iterable

import msgspec

from apps.marketdata.books import Book, Level, LevelBody, levels_body
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.selectors import book_find
from apps.orders.events import BookBlock, book_block_decode
from apps.orders.outbox import Outbox
from cift.bus import buses
from cift.bus.base import Subscription
from cift.errors import ApplicationError

DEPTHS = (10, 50, 0)
"""Levels a side; 0: all."""

logger = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()


class BookSnapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False):
    """A whole book; what it is sent with is in `docs/websocket.md`."""

    channel: str
    symbol: str
    depth: int
    sequence: int
    bids: list[LevelBody]
    asks: list[LevelBody]
    checksum: int
    resumed: bool = False


class BookUpdate(msgspec.Struct, tag_field="type", tag="update", gc=False):
    """The levels that changed; "0" removes one."""

    channel: str
    symbol: str
    depth: int
    previous: int
    sequence: int
    bids: list[LevelBody]
    asks: list[LevelBody]
    checksum: int


class _Window:
    """The best levels of one depth as its readers have them."""

    def __init__(self, book: Book, depth: int) -> None:
        self.depth = depth
        self.readers: dict[Outbox, None] = {}
        self.sequence = book.sequence
        self.bids = book.bids.best(depth)
        self.asks = book.asks.best(depth)

    def move(self, book: Book, block: BookBlock) -> tuple[int, list[Level], list[Level]] | None:
        """Take the book's new state; give the sequence before and the changed levels, None if there are none."""
        if self.depth == 0:
            bids, asks = block.bids, block.asks
        else:
            new_bids, new_asks = book.bids.best(self.depth), book.asks.best(self.depth)
            bids, asks = _changes(self.bids, new_bids), _changes(self.asks, new_asks)
            self.bids, self.asks = new_bids, new_asks
        if not bids and not asks:
            return None
        previous, self.sequence = self.sequence, book.sequence
        return previous, bids, asks


def _changes(before: Iterable[Level], after: Iterable[Level]) -> list[Level]:
    old = {level[0]: level for level in before}
    changed = [level for level in after if old.pop(level[0], None) != level]
    return changed + [(price, 0, 0) for price in old]


class BookFeed:
    """One instrument's readers."""

    def __init__(self, reference: InstrumentReference) -> None:
        """Begin without readers; `open` connects it."""
        self._reference = reference
        self._windows: dict[int, _Window] = {}
        self._book: Book | None = None
        self._loading = False
        self._waiting: list[BookBlock] = []
        self._subscription: Subscription | None = None

    @property
    def has_readers(self) -> bool:
        """Tell whether anybody listens."""
        return any(window.readers for window in self._windows.values())

    async def open(self) -> None:
        """Listen to the bus and take the writer's book.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        subject = f"book.{self._reference.id}"
        self._subscription = await buses["default"].subscribe(subject, self._message, on_gap=self._resync)
        await self._load()

    async def close(self) -> None:
        """Stop listening."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()

    def join(self, reader: Outbox, *, depth: int) -> None:
        """Send a reader the book, and from then on what changes."""
        book = self._book
        if book is None:
            raise ApplicationError("venue_unavailable")
        window = self._windows.get(depth)
        if window is None or not window.readers:
            window = self._windows[depth] = _Window(book, depth)
        window.readers[reader] = None
        reader.put(self._snapshot(book, window))

    def leave(self, reader: Outbox, *, depth: int) -> None:
        """Send a reader no more of a depth."""
        window = self._windows.get(depth)
        if window is not None:
            window.readers.pop(reader, None)

    async def _load(self) -> None:
        """Take the writer's book; blocks that come meanwhile wait."""
        self._loading = True
        try:
            found = await book_find(instrument=self._reference.id)
            if found is None:
                raise ApplicationError("instrument_unknown")
            self._book = Book(sequence=found.instrument_sequence, bids=found.bids, asks=found.asks)
        finally:
            self._loading = False
            waiting, self._waiting = self._waiting, []
        for block in waiting:
            await self._take(block)

    async def _resync(self) -> None:
        """Take the writer's book anew and send it to all: blocks were missed."""
        try:
            await self._load()
        except ApplicationError:
            # The old book stays; the next block does not follow it either, and leads back here.
            logger.warning("the book of %s cannot be taken anew: no order service answers", self._reference.symbol)
            return
        for depth, window in self._windows.items():
            if window.readers and self._book is not None:
                fresh = self._windows[depth] = _Window(self._book, depth)
                fresh.readers = window.readers
                self._send(fresh, self._snapshot(self._book, fresh))

    async def _message(self, _subject: str, payload: bytes) -> None:
        block = book_block_decode(payload)
        if self._loading:
            self._waiting.append(block)
        else:
            await self._take(block)

    async def _take(self, block: BookBlock) -> None:
        book = self._book
        if book is None or block.sequence <= book.sequence:
            return
        if block.previous_sequence != book.sequence:
            await self._resync()
            return
        book.apply(sequence=block.sequence, bids=block.bids, asks=block.asks)
        checksum: int | None = None
        for window in self._windows.values():
            moved = window.move(book, block) if window.readers else None
            if moved is None:
                continue
            if checksum is None:
                checksum = book.checksum(self._reference)
            previous, bids, asks = moved
            update = BookUpdate(
                channel="book",
                symbol=self._reference.symbol,
                depth=window.depth,
                previous=previous,
                sequence=window.sequence,
                bids=levels_body(bids, self._reference),
                asks=levels_body(asks, self._reference),
                checksum=checksum,
            )
            self._send(window, _encoder.encode(update).decode())

    def _snapshot(self, book: Book, window: _Window) -> str:
        snapshot = BookSnapshot(
            channel="book",
            symbol=self._reference.symbol,
            depth=window.depth,
            sequence=window.sequence,
            bids=levels_body(book.bids.best(window.depth), self._reference),
            asks=levels_body(book.asks.best(window.depth), self._reference),
            checksum=book.checksum(self._reference),
        )
        return _encoder.encode(snapshot).decode()

    @staticmethod
    def _send(window: _Window, text: str) -> None:
        for reader in window.readers:
            reader.put(text)
