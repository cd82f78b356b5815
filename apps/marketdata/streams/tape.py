"""One instrument's trades: each is sent, none is put together with another, and the last ones are kept.

A trade names the one before it. What happened before this process listened is read from the tables, once; where they
do not answer, the trades begin where the process began to listen.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from apps.marketdata.reference import InstrumentReference
from apps.marketdata.shapes import SIDE_NAMES
from apps.marketdata.streams.channel import Channel, Joined, News, Round
from apps.marketdata.streams.messages import TapeTrade, TradeMessage, TradesSnapshot, encode
from apps.marketdata.ticks.base import Tick
from cift.times import time_format

TRADES_KEPT = 500
"""Trades a reader can go on from."""

TRADES_SHOWN = 50
"""Trades a new reader is shown."""


class Tape(Channel):
    """The trades."""

    def __init__(self, reference: InstrumentReference, *, sequence: int) -> None:
        """Begin at a sequence of the venue, with no trade known."""
        super().__init__()
        self._reference = reference
        self._trades: deque[TapeTrade] = deque(maxlen=TRADES_KEPT)
        self._base = self._last = sequence
        self._news: list[bytes] = []

    @property
    def begins(self) -> int:
        """Return the sequence behind which the trades begin."""
        return self._base

    @property
    def last(self) -> int:
        """Return the last trade's sequence, or where the trades begin."""
        return self._last

    def add(self, trades: Sequence[Tick]) -> None:
        """Take trades, oldest first; those that are there are left out."""
        for trade in trades:
            if trade.sequence > self._last:
                body = self._body(trade, previous=self._last)
                self._push(body)
                self._news.append(self._message(body))

    def begin_with(self, trades: Sequence[Tick], *, whole: bool) -> None:
        """Put earlier trades before what came since; `whole`: there were none before them."""
        later = list(self._trades)
        self._trades.clear()
        self._base = self._last = 0 if whole or not trades else trades[0].sequence
        for trade in trades if whole else trades[1:]:
            self._push(self._body(trade, previous=self._last))
        for body in later:
            if body.sequence > self._last:
                self._push(msgspec.structs.replace(body, previous=self._last))

    def restart(self, sequence: int) -> None:
        """Begin anew behind trades that cannot be made up for; readers are told."""
        self._trades.clear()
        self._base = self._last = sequence
        self._news = [self._snapshot()]

    def begin(self, from_sequence: int | None) -> Joined:
        """Say what is sent first."""
        known = from_sequence == self._base or any(from_sequence == trade.sequence for trade in self._trades)
        if from_sequence is not None and known:
            missed = [trade for trade in self._trades if trade.sequence > from_sequence]
            return Joined(resumed=True, texts=[self._message(trade) for trade in missed])
        return Joined(resumed=False, texts=[self._snapshot()])

    def flush(self, sent: Round) -> None:
        """Send the trades that came."""
        news, self._news = self._news, []
        if self.readers:
            for text in news:
                sent.add(self.readers, News(text))

    def _push(self, body: TapeTrade) -> None:
        if len(self._trades) == TRADES_KEPT:
            self._base = self._trades[0].sequence
        self._trades.append(body)
        self._last = body.sequence

    def _body(self, trade: Tick, *, previous: int) -> TapeTrade:
        reference = self._reference
        return TapeTrade(
            id=str(trade.sequence),
            price=reference.price_format(trade.price),
            quantity=reference.quantity_format(trade.quantity),
            taker_side=SIDE_NAMES[trade.taker_side],
            executed_at=time_format(trade.at),
            sequence=trade.sequence,
            previous=previous,
        )

    def _message(self, body: TapeTrade) -> bytes:
        return encode(TradeMessage(symbol=self._reference.symbol, **msgspec.structs.asdict(body)))

    def _snapshot(self) -> bytes:
        shown = list(self._trades)[-TRADES_SHOWN:]
        return encode(TradesSnapshot(symbol=self._reference.symbol, sequence=self._last, trades=shown))
