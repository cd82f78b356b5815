"""Channels of which every change is sent: they change seldom, and nobody may miss one."""

from abc import abstractmethod
from collections import deque

import msgspec

from apps.marketdata.streams.channel import Channel, Joined, News, Round
from apps.marketdata.streams.messages import StatusUpdate, VenueStatusUpdate, encode

CHANGES_KEPT = 100
"""Changes kept for who comes back."""

Change = StatusUpdate | VenueStatusUpdate


class Changes(Channel):
    """A state and its last changes."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        super().__init__()
        self.sequence = 0
        self._base = 0
        self._kept: deque[Change] = deque(maxlen=CHANGES_KEPT)
        self._news: list[bytes] = []

    @abstractmethod
    def snapshot(self) -> bytes:
        """Return the state whole."""

    def restart(self, sequence: int) -> None:
        """Begin anew; readers are sent the state whole."""
        self._base = self.sequence = sequence
        self._kept.clear()
        self._news = [self.snapshot()]

    def add(self, change: Change) -> None:
        """Take a change."""
        self.sequence = change.sequence
        self._kept.append(change)
        self._base = max(self._base, self._kept[0].previous)
        self._news.append(encode(change))

    def begin(self, from_sequence: int | None) -> Joined:
        """Say what is sent first."""
        if from_sequence is not None and self._base <= from_sequence <= self.sequence:
            missed = [change for change in self._kept if change.sequence > from_sequence]
            # The first follows what the reader has, which another process may have sent it.
            missed[:1] = [msgspec.structs.replace(change, previous=from_sequence) for change in missed[:1]]
            return Joined(resumed=True, texts=[encode(change) for change in missed])
        return Joined(resumed=False, texts=[self.snapshot()])

    def flush(self, sent: Round) -> None:
        """Send what changed."""
        news, self._news = self._news, []
        if self.readers:
            for text in news:
                sent.add(self.readers, News(text))
