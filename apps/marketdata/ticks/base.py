"""What a store of trades and candles promises; `tests/contract/test_tick_stores.py` holds every backend to it.

A store follows the journal with a lag of milliseconds. Its trades are ordered by sequence, which is a trade's id, and
times rise with it. Its candles are those of its trades, to the last integer. All methods block their thread. Any
of them raises an ApplicationError, `history_unavailable`, where the store is a server of its own and cannot be read.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from apps.marketdata.candles.folding import Candle
from apps.marketdata.candles.intervals import CANDLES_MAX, NS_PER_S
from apps.marketdata.codes import Side

IDLE_FINAL_NS = 10 * NS_PER_S
"""How long after a time nothing of it can come any more, though no later batch was seen: a writer's lease."""


class Tick(NamedTuple):
    """A trade; price and quantity as on the wire, `at` in ns since epoch, UTC."""

    sequence: int
    price: int
    quantity: int
    taker_side: Side
    at: int


class StorePlace(NamedTuple):
    """Up to when a store has trades, and up to when none can come to it any more; ns since epoch, UTC."""

    known_until: int
    final_until: int


class CandleSpan(NamedTuple):
    """Candles of a stretch of time, oldest first: those that have trades.

    `close_before`: the price of the last trade before the stretch; None: there was none.
    `begins_at`: from when on the instrument's candles of the interval are there (ns since epoch, UTC); None: there are
    none.
    """

    candles: list[Candle]
    close_before: int | None
    begins_at: int | None


class LastCandle(NamedTuple):
    """The last candle with trades, None where there is none; before `begins_at` (ns since epoch) none is whole."""

    candle: Candle | None
    begins_at: int


class DayStatistics(NamedTuple):
    """What was traded from `begins_at` on (ns since epoch, UTC), some 24 h; prices are None where nothing was.

    `last`: the last price, however old; None: there never was a trade.
    """

    begins_at: int
    open: int | None
    high: int | None
    low: int | None
    last: int | None
    volume: int
    notional: int
    trades: int


class TickStore(ABC):
    """Trades by instrument, sequence and time, and their candles."""

    @abstractmethod
    def trades_last(self, instrument: int, *, after: int, up_to: int, limit: int) -> list[Tick]:
        """Read the last trades after the sequence `after` and up to `up_to`, oldest first, at most `limit`.

        Waits, bounded, until the store has all up to `up_to`.

        Raises:
            ApplicationError: `projection_behind`: it does not have them yet.

        """

    @abstractmethod
    def trades_page(
        self, instrument: int, *, limit: int, cursor: int | None, newer: bool, start: int | None, end: int | None
    ) -> list[Tick]:
        """Read the trades next to a cursor, nearest first, at most `limit`.

        Without `newer` they are those before the sequence `cursor`, and without a cursor the newest; with `newer` those
        after it. `start` and `end` (ns since epoch, UTC) bound their time: from `start` on, before `end`. The store
        answers with what it has.
        """

    @abstractmethod
    def sequence(self) -> int:
        """Return up to which sequence the store has all."""

    @abstractmethod
    def place(self, *, at: int) -> StorePlace:
        """Return how far the store is; `at` is now. What is read later has no less."""

    @abstractmethod
    def candles(self, instrument: int, *, interval_s: int, start: int, end: int) -> CandleSpan:
        """Read an instrument's candles that begin from `start` on and before `end`.

        Both are ns since epoch, UTC, and whole multiples of the interval. The store answers with what it has.

        Raises:
            ValueError: the stretch has more than `CANDLES_MAX`, or is none.

        """

    @abstractmethod
    def candle_last(self, instrument: int, *, interval_s: int, up_to: int) -> LastCandle:
        """Read an instrument's last candle, be its interval over or not, once the store has all up to a sequence.

        Waits, bounded.

        Raises:
            ApplicationError: `projection_behind`: it does not have them yet.

        """

    @abstractmethod
    def statistics(self, instruments: Sequence[int], *, at: int) -> dict[int, DayStatistics]:
        """Read what was traded of instruments in the 24 h before `at` (ns since epoch, UTC), begun with a minute."""


def span_check(*, interval_s: int, start: int, end: int) -> None:
    """Refuse a stretch of candles that no store reads.

    Raises:
        ValueError: it has more than `CANDLES_MAX`, is none, or is not made of whole candles.

    """
    step = interval_s * NS_PER_S
    if start % step or end % step or not 0 < (end - start) // step <= CANDLES_MAX:
        message = f"no stretch of candles of {interval_s} s: {start} to {end}"
        raise ValueError(message)
