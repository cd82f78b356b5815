"""A store of trades that has what a test gives it."""

from collections.abc import Sequence

from apps.marketdata.candles.folding import Candle, CandleTrade, candle_of, candles_merge
from apps.marketdata.ticks.base import CandleSpan, DayStatistics, LastCandle, StorePlace, Tick, TickStore
from cift.errors.application import ApplicationError


class GivenTicks(TickStore):
    """Has the same trades for every instrument, oldest first; of candles it is behind a `head` it is given."""

    def __init__(self, *, ticks: Sequence[Tick], head: int | None = None) -> None:
        self._ticks = ticks
        self._head = head

    def trades_last(self, instrument: int, *, after: int, up_to: int, limit: int) -> list[Tick]:
        return [tick for tick in self._ticks if after < tick.sequence <= up_to][-limit:]

    def trades_page(
        self, instrument: int, *, limit: int, cursor: int | None, newer: bool, start: int | None, end: int | None
    ) -> list[Tick]:
        found = [
            tick
            for tick in self._ticks
            if (start is None or tick.at >= start)
            and (end is None or tick.at < end)
            and (cursor is None or (tick.sequence > cursor if newer else tick.sequence < cursor))
        ]
        return (found if newer else found[::-1])[:limit]

    def sequence(self) -> int:
        return self._head or 0

    def place(self, *, at: int) -> StorePlace:
        return StorePlace(at, at)

    def candles(self, instrument: int, *, interval_s: int, start: int, end: int) -> CandleSpan:
        candles = [each for each in self._candles(instrument, interval_s=interval_s) if start <= each.start_at < end]
        before = [tick.price for tick in self._ticks if tick.at < start]
        begins = self._ticks[0].at - self._ticks[0].at % (interval_s * 10**9) if self._ticks else None
        return CandleSpan(candles, before[-1] if before else None, begins)

    def candle_last(self, instrument: int, *, interval_s: int, up_to: int) -> LastCandle:
        if self._head is not None and up_to > self._head:
            raise ApplicationError("projection_behind")
        found = self._candles(instrument, interval_s=interval_s)
        return LastCandle(found[-1] if found else None, 0)

    def statistics(self, instruments: Sequence[int], *, at: int) -> dict[int, DayStatistics]:
        return {each: DayStatistics(at, None, None, None, None, 0, 0, 0) for each in instruments}

    def _candles(self, instrument: int, *, interval_s: int) -> list[Candle]:
        trades = (
            CandleTrade(instrument, tick.sequence, tick.price, tick.quantity, tick.price * tick.quantity, tick.at)
            for tick in self._ticks
        )
        return list(candles_merge(map(candle_of, trades), interval_s=interval_s))
