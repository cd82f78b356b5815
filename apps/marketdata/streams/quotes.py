"""One instrument's ticker and status."""

from typing import Any

from apps.marketdata.codes import InstrumentStatus
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.shapes import STATUS_NAMES
from apps.marketdata.streams.changes import Changes
from apps.marketdata.streams.channel import Conflated
from apps.marketdata.streams.messages import StatusSnapshot, StatusUpdate, TickerSnapshot, TickerUpdate, encode
from cift.times import time_format

Quote = tuple[int, int] | None
"""Price and quantity."""


def quote_fields(reference: InstrumentReference, *, bid: Quote, ask: Quote, last: int) -> dict[str, Any]:
    """Write the best of both sides and the last price (ticks, 0: none) as clients see them."""

    def price(quote: Quote) -> str | None:
        return None if quote is None else reference.price_format(quote[0])

    def quantity(quote: Quote) -> str | None:
        return None if quote is None else reference.quantity_format(quote[1])

    return {
        "bid_price": price(bid),
        "bid_quantity": quantity(bid),
        "ask_price": price(ask),
        "ask_quantity": quantity(ask),
        "last_price": reference.price_format(last) if last else None,
    }


class Ticker(Conflated):
    """The best of both sides and the last price."""

    def __init__(self, reference: InstrumentReference) -> None:
        """Begin with nothing known."""
        super().__init__()
        self._reference = reference
        self._base = self._sequence = self._sent = 0
        self._state: tuple[Quote, Quote, int] = (None, None, 0)
        self._at = 0

    @property
    def state(self) -> tuple[Quote, Quote, int]:
        """Return the best bid, the best ask, and the last price, 0: none."""
        return self._state

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
        """Return whether the sequence is one this process has seen."""
        return self._base <= sequence <= self._sent

    def snapshot(self) -> bytes:
        """Return the latest."""
        return encode(TickerSnapshot(**self._fields()))

    def _fields(self) -> dict[str, Any]:
        bid, ask, last = self._state
        return {
            "symbol": self._reference.symbol,
            "sequence": self._sent,
            **quote_fields(self._reference, bid=bid, ask=ask, last=last),
            "at": time_format(self._at),
        }


class Status(Changes):
    """Whether the instrument trades; every change is sent."""

    def __init__(self, reference: InstrumentReference) -> None:
        """Begin with nothing known."""
        super().__init__()
        self._reference = reference
        self._status = InstrumentStatus.CONTINUOUS
        self._at = 0

    @property
    def status(self) -> InstrumentStatus:
        """Return whether it trades."""
        return self._status

    def reset(self, sequence: int, *, status: InstrumentStatus, at: int) -> None:
        """Begin anew; readers are sent the status whole."""
        self._status, self._at = status, at
        self.restart(sequence)

    def move(self, sequence: int, *, status: InstrumentStatus, at: int) -> None:
        """Take a block's status."""
        if status is self._status:
            return
        self._status, self._at = status, at
        self.add(
            StatusUpdate(
                symbol=self._reference.symbol,
                previous=self.sequence,
                sequence=sequence,
                status=STATUS_NAMES[status],
                at=time_format(at),
            )
        )

    def snapshot(self) -> bytes:
        """Return it as it stands."""
        return encode(
            StatusSnapshot(
                symbol=self._reference.symbol,
                sequence=self.sequence,
                status=STATUS_NAMES[self._status],
                at=time_format(self._at),
            )
        )
