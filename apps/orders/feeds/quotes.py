"""One instrument's ticker and status."""

from collections import deque
from typing import Any

import msgspec

from apps.marketdata.codes import InstrumentStatus
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.shapes import STATUS_NAMES
from apps.orders.feeds.channel import Channel, Conflated, Joined, News, Round
from apps.orders.feeds.messages import StatusSnapshot, StatusUpdate, TickerSnapshot, TickerUpdate, encode
from cift.times import time_format

CHANGES_KEPT = 100
"""Changes of status kept for who comes back."""

Quote = tuple[int, int] | None
"""Price and quantity."""


class Ticker(Conflated):
    """The best of both sides and the last price."""

    def __init__(self, reference: InstrumentReference) -> None:
        """Begin with nothing known."""
        super().__init__()
        self._reference = reference
        self._base = self._sequence = self._sent = 0
        self._state: tuple[Quote, Quote, int] = (None, None, 0)
        self._at = 0

    def reset(self, sequence: int, *, bid: Quote, ask: Quote, last: int, at: int) -> None:
        """Begin anew."""
        self._base = self._sequence = self._sent = sequence
        self._state, self._at = (bid, ask, last), at
        self.restart()

    def move(self, sequence: int, *, bid: Quote, ask: Quote, last: int | None, at: int) -> None:
        """Take a block's best prices and its last trade's price, None: no trade."""
        state = (bid, ask, self._state[2] if last is None else last)
        if state != self._state:
            self._sequence, self._state, self._at = sequence, state, at

    def advance(self) -> tuple[int, bytes] | None:
        """Go on to the latest."""
        if self._sent == self._sequence:
            return None
        previous, self._sent = self._sent, self._sequence
        return previous, encode(TickerUpdate(previous=previous, **self._fields()))

    def since(self, sequence: int) -> bytes | None:
        """Bring a reader to the latest."""
        if sequence == self._sent:
            return None
        if not self.can_resume(sequence):
            return self.snapshot()
        return encode(TickerUpdate(previous=sequence, **self._fields()))

    def can_resume(self, sequence: int) -> bool:
        """Tell whether the sequence is one this process has seen."""
        return self._base <= sequence <= self._sent

    def snapshot(self) -> bytes:
        """Give the latest."""
        return encode(TickerSnapshot(**self._fields()))

    def _fields(self) -> dict[str, Any]:
        reference = self._reference
        bid, ask, last = self._state

        def price(quote: Quote) -> str | None:
            return None if quote is None else reference.price_format(quote[0])

        def quantity(quote: Quote) -> str | None:
            return None if quote is None else reference.quantity_format(quote[1])

        return {
            "symbol": reference.symbol,
            "sequence": self._sent,
            "bid_price": price(bid),
            "bid_quantity": quantity(bid),
            "ask_price": price(ask),
            "ask_quantity": quantity(ask),
            "last_price": reference.price_format(last) if last else None,
            "at": time_format(self._at),
        }


class Status(Channel):
    """Whether the instrument trades; every change is sent."""

    def __init__(self, reference: InstrumentReference) -> None:
        """Begin with nothing known."""
        super().__init__()
        self._reference = reference
        self._base = self._sequence = 0
        self._status = InstrumentStatus.CONTINUOUS
        self._at = 0
        self._changes: deque[StatusUpdate] = deque(maxlen=CHANGES_KEPT)
        self._news: list[bytes] = []

    def reset(self, sequence: int, *, status: InstrumentStatus, at: int) -> None:
        """Begin anew; readers are sent the status whole."""
        self._base = self._sequence = sequence
        self._status, self._at = status, at
        self._changes.clear()
        self._news = [self._snapshot()]

    def move(self, sequence: int, *, status: InstrumentStatus, at: int) -> bool:
        """Take a block's status; tell whether it is another."""
        if status is self._status:
            return False
        previous, self._sequence = self._sequence, sequence
        self._status, self._at = status, at
        update = StatusUpdate(
            symbol=self._reference.symbol,
            previous=previous,
            sequence=sequence,
            status=STATUS_NAMES[status],
            at=time_format(at),
        )
        self._changes.append(update)
        self._base = max(self._base, self._changes[0].previous)
        self._news.append(encode(update))
        return True

    def begin(self, from_sequence: int | None) -> Joined:
        """Say what is sent first."""
        if from_sequence is not None and self._base <= from_sequence <= self._sequence:
            missed = [change for change in self._changes if change.sequence > from_sequence]
            # The first follows what the reader has, which another process may have sent it.
            missed[:1] = [msgspec.structs.replace(change, previous=from_sequence) for change in missed[:1]]
            return Joined(resumed=True, texts=[encode(change) for change in missed])
        return Joined(resumed=False, texts=[self._snapshot()])

    def flush(self, sent: Round) -> None:
        """Send what changed."""
        news, self._news = self._news, []
        if self.readers:
            for text in news:
                sent.add(self.readers, News(text))

    def _snapshot(self) -> bytes:
        return encode(
            StatusSnapshot(
                symbol=self._reference.symbol,
                sequence=self._sequence,
                status=STATUS_NAMES[self._status],
                at=time_format(self._at),
            )
        )
