"""A subscription's bounded queue: putting never waits, overflowing drops what is in it and leaves a mark."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

MESSAGES_MAX = 4_096
"""Messages a mailbox holds."""

BYTES_MAX = 32 * 1024 * 1024
"""Bytes of payload a mailbox holds, but for a single message that is larger."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands in a mailbox for messages that were dropped."""


Item = tuple[str, bytes] | Gap

GAP = Gap()


@dataclass(slots=True)
class Mailbox:
    """Messages on their way to one handler; used from one event loop."""

    messages_max: int = MESSAGES_MAX
    bytes_max: int = BYTES_MAX
    _items: deque[Item] = field(default_factory=deque)
    _bytes: int = 0
    _filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, subject: str, payload: bytes) -> None:
        """Add a message; past a bound all that waits is dropped for a gap, and the message is kept behind it."""
        if len(self._items) >= self.messages_max or (self._items and self._bytes + len(payload) > self.bytes_max):
            self.put_gap()
        self._items.append((subject, payload))
        self._bytes += len(payload)
        self._filled.set()

    def put_gap(self) -> None:
        """Drop what waits and leave the mark of a gap."""
        self._items.clear()
        self._bytes = 0
        self._items.append(GAP)
        self._filled.set()

    async def get(self) -> Item:
        """Wait for the next message or gap."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if not isinstance(item, Gap):
            self._bytes -= len(item[1])
        return item
