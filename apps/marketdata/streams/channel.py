"""What all public channels share: readers, and rounds in which their news are sent.

A round takes the news of several instruments and sends each reader its own in one frame; readers of the same things get
the same bytes. News of a conflated channel do not wait for a reader that is behind.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cift.servers.frames import frame_of
from cift.servers.outbox import Outbox, array_of


class News(NamedTuple):
    """A message; `channel` and the sequence before it, where it is one that does not wait."""

    text: bytes
    channel: "Conflated | None" = None
    previous: int = 0


class Round:
    """What one round sends."""

    def __init__(self) -> None:
        """Begin empty."""
        self._by_reader: dict[Outbox, list[News]] = {}
        self._frames: dict[tuple[int, ...], bytes] = {}

    def add(self, readers: Iterable[Outbox], news: News) -> None:
        """Send news to some readers."""
        by_reader = self._by_reader
        for reader in readers:
            items = by_reader.get(reader)
            if items is None:
                by_reader[reader] = [news]
            else:
                items.append(news)

    def send(self, readers_max: int) -> bool:
        """Send to some readers; tell whether all have theirs."""
        for _ in range(min(readers_max, len(self._by_reader))):
            reader, items = self._by_reader.popitem()
            if reader.is_behind:
                for text, channel, previous in items:
                    if channel is None:
                        reader.put(text)
                    else:
                        channel.leave_behind(reader, previous)
            else:
                reader.put_frame(self._frame(items))
        return not self._by_reader

    def send_all(self) -> None:
        """Send to all readers."""
        self.send(len(self._by_reader))

    def _frame(self, items: list[News]) -> bytes:
        # The messages live as long as the round, so an id is one message.
        key = tuple(id(item.text) for item in items)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = frame_of(array_of([item.text for item in items]))
        return frame


class Joined(NamedTuple):
    """Whether a channel goes on from where its reader was, and what the reader is sent first."""

    resumed: bool
    texts: list[bytes]


class Channel(ABC):
    """One instrument's readers of one kind."""

    def __init__(self) -> None:
        """Begin without readers."""
        self.readers: dict[Outbox, None] = {}

    def leave(self, reader: Outbox) -> None:
        """Send a reader no more."""
        self.readers.pop(reader, None)

    def join(self, reader: Outbox, from_sequence: int | None) -> Joined:
        """Send a reader what comes; called when all that came has been sent."""
        self.leave(reader)
        self.readers[reader] = None
        return self.begin(from_sequence)

    @abstractmethod
    def begin(self, from_sequence: int | None) -> Joined:
        """Say what a reader that stands at a sequence, or was never there, is sent first."""

    @abstractmethod
    def flush(self, sent: Round) -> None:
        """Send what came since the last time."""


class Conflated(Channel):
    """A channel whose readers want the latest, not each step to it."""

    def __init__(self) -> None:
        """Begin without readers."""
        super().__init__()
        self._behind: dict[Outbox, int] = {}
        self.on_wake: Callable[[], None] = lambda: None

    @abstractmethod
    def advance(self) -> tuple[int, bytes] | None:
        """Go on to the latest; give the sequence before and the message from there, None: there is nothing new."""

    @abstractmethod
    def since(self, sequence: int) -> bytes | None:
        """Bring a reader that stands at a sequence to the latest; None: it is there."""

    @abstractmethod
    def can_resume(self, sequence: int) -> bool:
        """Return whether a reader that stands at a sequence can go on from there."""

    @abstractmethod
    def snapshot(self) -> bytes:
        """Return the latest whole."""

    def begin(self, from_sequence: int | None) -> Joined:
        """Say what is sent first."""
        if from_sequence is None or not self.can_resume(from_sequence):
            return Joined(resumed=False, texts=[self.snapshot()])
        told = self.since(from_sequence)
        return Joined(resumed=True, texts=[] if told is None else [told])

    def leave(self, reader: Outbox) -> None:
        """Send a reader no more."""
        super().leave(reader)
        self._behind.pop(reader, None)

    def leave_behind(self, reader: Outbox, sequence: int) -> None:
        """Note where a reader stands that cannot be sent anything now."""
        if reader in self.readers:
            self._behind.setdefault(reader, sequence)
            reader.miss(self)

    def restart(self) -> None:
        """Send all readers everything anew: what they have may not be true."""
        self._behind = dict.fromkeys(self.readers, -1)
        if self.readers:
            self.wake()

    def wake(self) -> None:
        """Hear that a reader has caught up."""
        self.on_wake()

    def flush(self, sent: Round) -> None:
        """Send the latest to all that can be sent something."""
        moved = self.advance()
        before = self._behind
        if before:
            self._behind = {}
            for reader, sequence in before.items():
                if reader.is_behind:
                    self.leave_behind(reader, sequence)
                elif (told := self.since(sequence)) is not None:
                    sent.add((reader,), News(told, self, sequence))
        if moved is not None:
            previous, text = moved
            news = News(text, self, previous)
            sent.add([reader for reader in self.readers if reader not in before] if before else self.readers, news)
