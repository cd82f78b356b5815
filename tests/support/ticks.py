"""A store of trades that has what a test gives it."""

from collections.abc import Sequence

from apps.marketdata.ticks.base import Tick, TickStore


class GivenTicks(TickStore):
    """Has the same trades for every instrument, oldest first; it is never behind."""

    def __init__(self, *, ticks: Sequence[Tick]) -> None:
        self._ticks = ticks

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
