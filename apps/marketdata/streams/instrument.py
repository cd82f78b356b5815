"""One instrument, taken once from the bus: its book, trades, ticker, candles and status."""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from apps.marketdata.books import Book
from apps.marketdata.candles.intervals import begin_behind
from apps.marketdata.codes import InstrumentStatus
from apps.marketdata.messages import BookBlock, book_block_decode
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.selectors import book_find
from apps.marketdata.streams.book import BookState, BookWindow
from apps.marketdata.streams.candles import Candles
from apps.marketdata.streams.channel import Channel, Round
from apps.marketdata.streams.quotes import Quote, Status, Ticker
from apps.marketdata.streams.tape import TRADES_KEPT, Tape
from apps.marketdata.ticks import tick_stores
from apps.marketdata.ticks.base import LastCandle, Tick
from cift.bus import buses
from cift.bus.base import Subscription
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns
from cift.wire.queries import BookFound
from cift.wire.subjects import book_subject

logger = logging.getLogger(__name__)


class Quoted(NamedTuple):
    """How an instrument stands: at its own sequence, the best of both sides, the last price (0: none), its status.

    `last_trade`: the sequence of its last trade, or of one no trade this process has heard of is behind.
    """

    sequence: int
    bid: Quote
    ask: Quote
    last: int
    status: InstrumentStatus
    last_trade: int


class InstrumentFeed:
    """One instrument's channels; `changed` is called whenever there is something to send."""

    def __init__(self, reference: InstrumentReference, *, changed: Callable[["InstrumentFeed"], None]) -> None:
        """Begin without readers; `open` connects it."""
        self.reference = reference
        self.idle_since: float | None = None
        self.holders = 0
        """How many read `quoted`, for whom it stays open without readers of its own."""
        self._changed = changed
        self._windows: dict[int, BookWindow] = {}
        self._ticker = Ticker(reference)
        self._ticker.on_wake = self._wake
        self._status = Status(reference)
        self._tape = Tape(reference, sequence=0)
        self._tape_loading: asyncio.Task[None] | None = None
        self._candles: dict[str, Candles] = {}
        self._candles_loading: dict[str, asyncio.Task[None]] = {}
        self._state: BookState | None = None
        self._loading = False
        self._waiting: list[BookBlock] = []
        self._subscription: Subscription | None = None

    @property
    def has_readers(self) -> bool:
        """Return whether anybody listens."""
        return self.holders > 0 or any(channel.readers for channel in self._channels())

    @property
    def quoted(self) -> Quoted:
        """Return how the instrument stands."""
        sequence = 0 if self._state is None else self._state.book.sequence
        return Quoted(sequence, *self._ticker.state, self._status.status, self._tape.last)

    async def open(self) -> None:
        """Listen to the bus and take the writer's book.

        Raises:
            ApplicationError: `venue_unavailable`, `instrument_unknown`.

        """
        subject = book_subject(self.reference.id)
        self._subscription = await buses["default"].subscribe(subject, self._message, on_gap=self._resync)
        await self._load()

    async def close(self) -> None:
        """Stop listening."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()

    async def channel(self, name: str, *, depth: int = 0, interval: str = "") -> Channel:
        """Return a channel by its name; trades and candles are read from the tables first.

        Raises:
            ApplicationError: `venue_unavailable`; of candles, `projection_behind`.

        """
        if self._state is None:
            raise ApplicationError("venue_unavailable")
        match name:
            case "trades":
                if self._tape_loading is None:
                    begins = self._tape.begins
                    self._tape_loading = asyncio.get_running_loop().create_task(self._tape_load(begins))
                await asyncio.shield(self._tape_loading)
                return self._tape
            case "ticker":
                return self._ticker
            case "status":
                return self._status
            case "candles":
                return await self._candles_opened(interval, self._state.book.sequence)
            case _:
                window = self._windows.get(depth)
                if window is None or not window.readers:
                    window = self._windows[depth] = BookWindow(self._state, depth=depth)
                    window.on_wake = self._wake
                return window

    def flush(self, sent: Round) -> None:
        """Send what came since the last time; a book's depth without readers stands still."""
        for window in self._windows.values():
            if window.readers:
                window.flush(sent)
        for channel in (self._tape, self._ticker, self._status, *self._candles.values()):
            channel.flush(sent)

    def _channels(self) -> list[Channel]:
        return [*self._windows.values(), self._ticker, self._status, self._tape, *self._candles.values()]

    def _wake(self) -> None:
        self._changed(self)

    async def _load(self) -> None:
        """Take the writer's book; blocks that come meanwhile wait."""
        self._loading = True
        try:
            found = await book_find(instrument=self.reference.id)
            if found is None:
                raise ApplicationError("instrument_unknown")
            self._begin(found)
            await self._tape_begin(found.sequence)
            for candles in self._candles.values():
                await self._candles_begin(candles, found)
        finally:
            self._loading = False
            waiting, self._waiting = self._waiting, []
        for block in waiting:
            await self._take(block)

    def _begin(self, found: BookFound) -> None:
        sequence, at = found.instrument_sequence, clock_ns()
        self._state = BookState(self.reference, Book(sequence=sequence, bids=found.bids, asks=found.asks))
        for window in self._windows.values():
            window.reset(self._state)
        bid, ask = ((side[0][:2] if side else None) for side in (found.bids, found.asks))
        self._ticker.reset(sequence, bid=bid, ask=ask, last=found.last_price, at=at)
        self._status.reset(sequence, status=InstrumentStatus(found.status), at=at)

    async def _tape_begin(self, sequence: int) -> None:
        """Begin the trades, or make up for those that were missed; where that cannot be, readers are told so."""
        if self._tape_loading is None:
            self._tape = Tape(self.reference, sequence=sequence)
            return
        try:
            rows = await self._trades(after=self._tape.last, up_to=sequence)
        except ApplicationError as error:
            logger.warning("missed trades of %s cannot be read: %s", self.reference.symbol, error.code)
            self._tape.restart(sequence)
            return
        if len(rows) == TRADES_KEPT:
            self._tape.restart(rows[0].sequence)
        self._tape.add(rows)

    async def _tape_load(self, begins: int) -> None:
        """Read the trades of before this process listened."""
        try:
            rows = await self._trades(after=0, up_to=begins)
        except ApplicationError as error:
            logger.warning("the trades of %s begin now: %s", self.reference.symbol, error.code)
            return
        self._tape.begin_with(rows, whole=len(rows) < TRADES_KEPT)

    async def _candles_opened(self, interval: str, sequence: int) -> Candles:
        """Return the candles of an interval; for the first reader the last one is read, and blocks wait for it."""
        candles = self._candles.get(interval)
        if candles is None:
            candles = self._candles[interval] = Candles(self.reference, interval=interval)
            candles.on_wake = self._wake
            load = self._candles_load(interval, candles, sequence)
            self._candles_loading[interval] = asyncio.get_running_loop().create_task(load)
        if interval in self._candles_loading:
            await asyncio.shield(self._candles_loading[interval])
        return candles

    async def _candles_load(self, interval: str, candles: Candles, sequence: int) -> None:
        try:
            last = await self._candle_last(candles, up_to=self._tape.last)
            if not candles.has_begun:
                candles.reset(sequence, last)
        except BaseException:
            # The next reader has it read anew.
            del self._candles[interval]
            raise
        finally:
            del self._candles_loading[interval]

    async def _candles_begin(self, candles: Candles, found: BookFound) -> None:
        """Begin candles anew behind blocks that were missed; where they cannot be read, with the next whole one."""
        try:
            last = await self._candle_last(candles, up_to=found.sequence)
        except ApplicationError as error:
            logger.warning("candles of %s begin with the next: %s", self.reference.symbol, error.code)
            last = LastCandle(None, begin_behind(clock_ns(), interval_s=candles.interval_s))
        candles.reset(found.instrument_sequence, last)

    async def _candle_last(self, candles: Candles, *, up_to: int) -> LastCandle:
        candle_last = tick_stores["default"].candle_last
        return await database_call(candle_last, self.reference.id, interval_s=candles.interval_s, up_to=up_to)

    async def _trades(self, *, after: int, up_to: int) -> list[Tick]:
        trades_last = tick_stores["default"].trades_last
        return await database_call(trades_last, self.reference.id, after=after, up_to=up_to, limit=TRADES_KEPT)

    async def _resync(self) -> None:
        """Take the writer's book anew and send it to all: blocks were missed."""
        try:
            await self._load()
        except ApplicationError:
            # The old book stays; the next block does not follow it either, and leads back here.
            logger.warning("the book of %s cannot be reloaded: no order service answers", self.reference.symbol)
            return
        self._changed(self)

    async def _message(self, _subject: str, payload: bytes) -> None:
        block = book_block_decode(payload)
        if self._loading:
            self._waiting.append(block)
        else:
            await self._take(block)

    async def _take(self, block: BookBlock) -> None:
        state = self._state
        if state is None or block.sequence <= state.book.sequence:
            return
        if block.previous_sequence != state.book.sequence:
            await self._resync()
            return
        state.apply(block)
        trades = [Tick(*trade, block.at) for trade in block.trades]
        self._tape.add(trades)
        for candles in self._candles.values():
            candles.move(block.sequence, trades, block.at)
        last = trades[-1].price if trades else None
        self._ticker.move(block.sequence, bid=block.best_bid, ask=block.best_ask, last=last, at=block.at)
        self._status.move(block.sequence, status=block.status, at=block.at)
        self._changed(self)
