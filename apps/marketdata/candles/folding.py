"""Trades into candles of every base interval, and candles into longer ones.

Invariants:
    A trade counts once in each base, however often it is taken: one that is not behind the last that was taken of its
    instrument is left out.
    Sums are exact integers; one that outgrew 63 bits would stay at their end, `SUM_MAX`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from apps.marketdata.candles.intervals import BASES_S, NS_PER_S, begin_of

SUM_MAX = 2**63 - 1
"""The most a sum can be: what a column of the tables holds."""


class Candle(NamedTuple):
    """The trades of an interval; there is at least one.

    `start_at`: ns since epoch, UTC; prices and `volume` as on the wire, `notional` in the quote asset's smallest unit;
    `trades`: how many; sequences: of the first and the last trade.
    """

    start_at: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    notional: int
    trades: int
    first_sequence: int
    last_sequence: int


class CandleTrade(NamedTuple):
    """What a candle is made of; the units are the candle's, `at` in ns since epoch, UTC."""

    instrument: int
    sequence: int
    price: int
    quantity: int
    notional: int
    at: int


CandleKey = tuple[int, int, int]
"""Instrument, interval in s, and when the candle begins."""


def candle_of(trade: CandleTrade) -> Candle:
    """Return the candle of one trade alone, begun with it."""
    _, sequence, price, quantity, notional, at = trade
    return Candle(at, price, price, price, price, quantity, notional, 1, sequence, sequence)


def candle_join(earlier: Candle, later: Candle) -> Candle:
    """Return the candle that has the trades of both, begun with the earlier one."""
    return Candle(
        earlier.start_at,
        earlier.open,
        max(earlier.high, later.high),
        min(earlier.low, later.low),
        later.close,
        min(earlier.volume + later.volume, SUM_MAX),
        min(earlier.notional + later.notional, SUM_MAX),
        earlier.trades + later.trades,
        earlier.first_sequence,
        later.last_sequence,
    )


def candles_merge(candles: Iterable[Candle], *, interval_s: int) -> Iterator[Candle]:
    """Return the candles of an interval made of shorter ones, all oldest first."""
    step = interval_s * NS_PER_S
    # In place: a page is made of up to 9,000, and a tuple for each join took most of its time.
    merged: list[int] = []
    for candle in candles:
        start, _, high, low, close, volume, notional, trades, _, last = candle
        start -= start % step
        if merged and merged[0] == start:
            merged[2:5] = max(merged[2], high), min(merged[3], low), close
            merged[5:8] = min(merged[5] + volume, SUM_MAX), min(merged[6] + notional, SUM_MAX), merged[7] + trades
            merged[9] = last
            continue
        if merged:
            yield Candle._make(merged)
        merged = [start, *candle[1:]]
    if merged:
        yield Candle._make(merged)


class CandleFolder:
    """The last candle of each instrument and base, which the next trades go on with."""

    def __init__(self, find: Callable[[int], Iterable[tuple[int, Candle]]]) -> None:
        """Begin with none; `find` returns the last candles of an instrument, with their bases in s, when it is met."""
        self._find = find
        self._last: dict[int, dict[int, Candle]] = {}
        self._sequences: dict[int, int] = {}

    def take(self, trades: Iterable[CandleTrade]) -> dict[CandleKey, Candle]:
        """Take trades, oldest first, and return all candles they changed, as these are now."""
        changed: dict[CandleKey, Candle] = {}
        for instrument, moment in self._moments(trades):
            last = self._last[instrument]
            for base in BASES_S:
                start = begin_of(moment.start_at, interval_s=base)
                known = last.get(base)
                # Times never fall, so what is not of the last candle is of one behind it.
                goes_on = known is not None and known.start_at >= start
                candle = candle_join(known, moment) if known and goes_on else moment._replace(start_at=start)
                last[base] = changed[instrument, base, candle.start_at] = candle
        return changed

    def _moments(self, trades: Iterable[CandleTrade]) -> Iterator[tuple[int, Candle]]:
        """Put together what was traded of an instrument at one time: a batch of the journal has one time."""
        moments: dict[tuple[int, int], Candle] = {}
        for trade in trades:
            instrument, sequence = trade.instrument, trade.sequence
            if instrument not in self._last:
                self._meet(instrument)
            if sequence <= self._sequences[instrument]:
                continue
            self._sequences[instrument] = sequence
            key = instrument, trade.at
            known = moments.get(key)
            moments[key] = candle_of(trade) if known is None else candle_join(known, candle_of(trade))
        return ((instrument, moment) for (instrument, _), moment in moments.items())

    def _meet(self, instrument: int) -> None:
        last = dict(self._find(instrument))
        self._last[instrument] = last
        self._sequences[instrument] = max((candle.last_sequence for candle in last.values()), default=0)
