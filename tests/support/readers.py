"""A socket's reader without a socket: what was written to it, and whether there is room, as a test says."""

import json
import time
from collections.abc import Callable
from typing import Any

from cift.servers.frames import FrameWriter, text_of
from cift.servers.outbox import Outbox


class ScriptedWriter(FrameWriter):
    """Has room until a test says otherwise, or as long as it holds less than `bytes_max`."""

    def __init__(self, bytes_max: int | None = None) -> None:
        super().__init__()
        self._bytes_max = bytes_max
        self._bytes = 0
        self.frames: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.room = True

    @property
    def has_room(self) -> bool:
        return self.room

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)
        self._bytes += len(frame)
        if self._bytes_max is not None and self._bytes > self._bytes_max:
            self.room = False

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def drain(self) -> None:
        """Take all there is."""
        self.room = True
        self._bytes = 0
        self._drained()


class Reader:
    """An outbox and what came out of it."""

    def __init__(self, bytes_max: int | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.writer = ScriptedWriter(bytes_max)
        self.outbox = Outbox(self.writer, clock=clock)

    def texts(self) -> list[str]:
        """Return the frames since the last time."""
        frames, self.writer.frames = self.writer.frames, []
        return [text_of(frame).decode() for frame in frames]

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages since the last time."""
        found: list[dict[str, Any]] = []
        for text in self.texts():
            read = json.loads(text)
            found += read if isinstance(read, list) else [read]
        return found
