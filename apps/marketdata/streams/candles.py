"""One instrument's candles of one interval: the open one as it changes, and each one that closed, once and in order.

A candle closes with the first block of its instrument that is of a later interval, be it without a trade: times never
fall, so nothing can come to it any more. Intervals without trades have no candle here.

The trades of before this process listened are in the store, which may be ahead of what was heard: a trade's sequence
says whether a candle has it.
"""

from collections import deque
from collections.abc import Sequence

from apps.marketdata.candles.folding import Candle, CandleTrade, candle_join, candle_of
from apps.marketdata.candles.intervals import INTERVALS_S, begin_of
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.shapes import CandleBody, candle_body
from apps.marketdata.streams.channel import Conflated
from apps.marketdata.streams.messages import CandlesSnapshot, CandlesUpdate, encode
from apps.marketdata.ticks.base import LastCandle, Tick

CANDLES_KEPT = 100
"""Closed candles kept for who comes back."""

Block = tuple[int, Sequence[Tick], int]
"""The instrument's sequence, its trades, and when, in ns since epoch, UTC."""


class Candles(Conflated):
    """The candles of an interval."""

    def __init__(self, reference: InstrumentReference, *, interval: str) -> None:
        """Begin with nothing known; blocks wait until the last candle is."""
        super().__init__()
        self.interval_s = INTERVALS_S[interval]
        self._interval = interval
        self._reference = reference
        self._base = self._sequence = self._sent = 0
        self._open: Candle | None = None
        self._whole_from = self._last = 0
        self._closed: deque[tuple[int, CandleBody]] = deque()
        self._early: list[Block] | None = []

    @property
    def has_begun(self) -> bool:
        """Return whether the last candle is known."""
        return self._early is None

    def reset(self, sequence: int, last: LastCandle) -> None:
        """Begin anew at an instrument's sequence with the last candle there is; readers are told."""
        self._base = self._sequence = self._sent = sequence
        self._open, self._whole_from = last
        self._last = 0 if last.candle is None else last.candle.last_sequence
        self._closed.clear()
        early, self._early = self._early or [], None
        for block in early:
            self.move(*block)
        self._sent = self._sequence
        self.restart()

    def move(self, sequence: int, trades: Sequence[Tick], at: int) -> None:
        """Take a block."""
        if self._early is not None:
            self._early.append((sequence, trades, at))
            return
        if sequence <= self._sequence:
            return
        candle = self._open
        if candle is not None and candle.start_at < begin_of(at, interval_s=self.interval_s):
            self._close(sequence, candle)
            candle = None
        for trade in trades:
            start = begin_of(trade.at, interval_s=self.interval_s)
            if trade.sequence > self._last and start >= self._whole_from:
                one = candle_of(self._trade(trade))._replace(start_at=start)
                candle = one if candle is None else candle_join(candle, one)
                self._last = trade.sequence
        if candle is not self._open:
            self._sequence, self._open = sequence, candle

    def advance(self) -> tuple[int, bytes] | None:
        """Go on to the latest."""
        if self._sent == self._sequence:
            return None
        previous, self._sent = self._sent, self._sequence
        # Without readers there is nobody to write it for.
        return (previous, self._update(previous)) if self.readers else None

    def since(self, sequence: int) -> bytes | None:
        """Bring a reader to the latest: all that closed, and the open one."""
        if sequence == self._sent:
            return None
        return self._update(sequence) if self.can_resume(sequence) else self.snapshot()

    def can_resume(self, sequence: int) -> bool:
        """Return whether all that closed behind a sequence is kept."""
        return self._base <= sequence <= self._sent

    def snapshot(self) -> bytes:
        """Return the open candle."""
        return encode(
            CandlesSnapshot(
                symbol=self._reference.symbol,
                interval=self._interval,
                sequence=self._sent,
                candle=self._candle(),
            )
        )

    def _close(self, sequence: int, candle: Candle) -> None:
        self._closed.append((sequence, candle_body(candle, self._reference, closed=True)))
        if len(self._closed) > CANDLES_KEPT:
            self._base, _ = self._closed.popleft()

    def _update(self, previous: int) -> bytes:
        return encode(
            CandlesUpdate(
                symbol=self._reference.symbol,
                interval=self._interval,
                previous=previous,
                sequence=self._sent,
                closed=[body for sequence, body in self._closed if sequence > previous],
                candle=self._candle(),
            )
        )

    def _candle(self) -> CandleBody | None:
        return None if self._open is None else candle_body(self._open, self._reference, closed=False)

    def _trade(self, trade: Tick) -> CandleTrade:
        notional = self._reference.notional(price=trade.price, quantity=trade.quantity)
        return CandleTrade(self._reference.id, trade.sequence, trade.price, trade.quantity, notional, trade.at)
