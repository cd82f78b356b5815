"""Two channels as a client follows them, across connections: what is told once is never taken back or passed over."""

import zlib
from typing import Any

from tests.support.bookkeeper.memory import Memory

_TOP = 10


class GapShownError(ConnectionError):
    """A message says that others came before it which did not: the client comes back from where it was."""


Level = tuple[str, int]


class AccountStream:
    """The private channel of one account."""

    def __init__(self, memory: Memory) -> None:
        """Begin before the first message."""
        self._memory = memory
        self.at: int | None = None
        self.seen: set[int] = set()
        self.covered = 0
        self.snapshots = self.messages = self.resumed = self.gaps_shown = 0
        self.gaps: list[str] = []

    def take(self, message: dict[str, Any]) -> None:
        """Take the next message.

        Raises:
            GapShownError: it does not follow the last one, and says so.

        """
        self.messages += 1
        sequence: int = message["account_sequence"]
        if message["type"] == "snapshot":
            self.snapshots += 1
            if self.at is not None and sequence < self.at:
                self.gaps.append(f"account: told up to {self.at}, then a snapshot behind {sequence}")
            # Said openly: what lies before it is to be read elsewhere.
            self.covered = message["sequence"]
        elif self.at is None or message["previous"] < self.at or sequence != message["previous"] + 1:
            self.gaps.append(f"account: {sequence} says it follows {message['previous']}, it came behind {self.at}")
        elif message["previous"] > self.at:
            self.gaps_shown += 1
            detail = f"{sequence} follows {message['previous']}, it came behind {self.at}"
            raise GapShownError(detail)
        self.at = sequence
        self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message["type"] in {"order", "fill"}:
            self.seen.add(message["sequence"])
        if "fill" in message:
            self._memory.take_fill(message["fill"])
        for order in message.get("orders", [message["order"]] if "order" in message else []):
            kept = self._memory.orders.get(order["client_order_id"])
            if kept is None:
                self._memory.surprises.append(f"a message shows order {order['client_order_id']}, which nobody sent")
            else:
                self._memory.note(kept, order)

    def missing(self) -> list[int]:
        """Return the acknowledged sequences no message came for, and forget those it came for."""
        told = {sequence for sequence in self._memory.sequences if sequence > self.covered}
        missing = sorted(told - self.seen)
        self._memory.sequences.clear()
        self.seen.clear()
        return missing


class BookStream:
    """The book of one instrument, all its levels."""

    def __init__(self, symbol: str) -> None:
        """Begin before the first message."""
        self.symbol = symbol
        self.at: int | None = None
        self.bids: dict[str, Level] = {}
        self.asks: dict[str, Level] = {}
        self.snapshots = self.messages = 0
        self.gaps: list[str] = []

    def take(self, message: dict[str, Any]) -> None:
        """Take the next message."""
        self.messages += 1
        sequence: int = message["sequence"]
        if message["type"] == "snapshot":
            self.snapshots += 1
            if self.at is not None and sequence < self.at:
                self.gaps.append(f"{self.symbol}: told up to {self.at}, then a snapshot at {sequence}")
            self.bids.clear()
            self.asks.clear()
        elif message["previous"] != self.at:
            self.gaps.append(
                f"{self.symbol}: {sequence} says it follows {message['previous']}, it came behind {self.at}"
            )
        self.at = sequence
        for side, changes in ((self.bids, message["bids"]), (self.asks, message["asks"])):
            for price, quantity, orders in changes:
                if quantity == "0":
                    side.pop(price, None)
                else:
                    side[price] = (quantity, orders)
        if self._checksum() != message["checksum"]:
            self.gaps.append(f"{self.symbol}: at {sequence} the book is not the one its checksum is of")

    def levels(self) -> dict[str, list[list[Any]]]:
        """Return both sides, best first."""
        return {
            "bids": [[price, *self.bids[price]] for price in sorted(self.bids, key=float, reverse=True)],
            "asks": [[price, *self.asks[price]] for price in sorted(self.asks, key=float)],
        }

    def _checksum(self) -> int:
        levels = self.levels()
        sides = (levels["bids"][:_TOP], levels["asks"][:_TOP])
        text = "|".join(",".join(f"{price}:{quantity}" for price, quantity, _ in side) for side in sides)
        return zlib.crc32(text.encode())
