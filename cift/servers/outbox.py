"""What waits to be sent to one socket: bounded, so a reader that does not read is cut and slows nobody.

While the server has room for the reader, a message leaves at once. Where it has none the reader is behind, and private
messages, answers and trades wait here, in order, up to a bound. Books and tickers do not wait: their feeds note where
the reader stands, are woken when all that waited has gone, and tell it in one message what became of them meanwhile.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cift.servers.frames import CLOSE_SLOW, SLOW, FrameWriter, frame_of

BYTES_MAX = 1024 * 1024 - 3 * 64 * 1024
"""The most that may wait here; with what the server holds behind it (64 KiB and a frame) it stays below 1 MiB."""

OWED_BYTES_MAX = 2 * 1024 * 1024
"""The most of an account a reader is sent at once, coming back or behind a gap; it waits beside what came since."""

AGE_S_MAX = 5.0
"""The longest a reader may be behind."""

FRAME_BYTES_MAX = 64 * 1024
"""Messages that waited are put together into frames of about this size."""

TURN_BYTES_MAX = 16 * 1024
"""Answers of one turn of the event loop leave together; so much of them leaves at once."""

CLOSE_NORMAL = 1000


class CatchUp(Protocol):
    """A source whose messages a slow reader misses, to be woken when the reader has caught up."""

    def wake(self) -> None:
        """Take up a reader again that missed something and has caught up."""


class _Waiting(NamedTuple):
    text: bytes
    alone: bool = False
    owed: bool = False


def array_of(texts: Sequence[bytes]) -> bytes:
    """Put messages together: one as it is, several as an array."""
    return texts[0] if len(texts) == 1 else b"[%s]" % b",".join(texts)


class Outbox:
    """The messages on their way to one socket; used from one event loop."""

    def __init__(self, writer: FrameWriter, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin empty; `clock`: seconds, never going back."""
        self._writer = writer
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._owed = 0
        self._turn: list[bytes] = []
        self._turn_size = 0
        self._missed: dict[CatchUp, None] = {}
        self._behind_since: float | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room: asyncio.Future[None] | None = None
        self.close_code = CLOSE_NORMAL
        self.close_reason = ""
        writer.on_drained(self._drained)

    @property
    def ended(self) -> bool:
        """Return whether it takes no more."""
        return self._ended.done()

    @property
    def is_behind(self) -> bool:
        """Return whether the reader is behind, so that what is sent waits."""
        return bool(self._waiting) or not self._writer.has_room

    async def wait_end(self) -> None:
        """Wait until it takes no more."""
        await asyncio.shield(self._ended)

    async def wait_room(self) -> None:
        """Wait until the reader is not behind, or the socket ends: for what makes much at a reader's own wish."""
        while self.is_behind and not self.ended:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def put(self, text: bytes, *, alone: bool = False) -> None:
        """Send one message, whatever its size if the reader keeps up; `alone`: it gets a frame of its own."""
        if self.ended:
            return
        if not self.is_behind:
            self._write(frame_of(text))
            return
        self.check(more=len(text))
        if not self.ended:
            self._waiting.append(_Waiting(text, alone))
            self._size += len(text)

    def answer(self, text: bytes) -> None:
        """Send an answer in a frame of its own, which leaves with the others of this turn of the event loop."""
        if self.ended or self.is_behind:
            self.put(text, alone=True)
            return
        if not self._turn:
            asyncio.get_running_loop().call_soon(self._leave)
        self._turn_add(frame_of(text))

    def put_all(self, texts: Sequence[bytes]) -> None:
        """Send several messages, in one frame if the reader keeps up."""
        if len(texts) > 1 and not self.is_behind and sum(map(len, texts)) <= FRAME_BYTES_MAX and not self.ended:
            self._write(frame_of(array_of(texts)))
            return
        for text in texts:
            self.put(text)

    def put_owed(self, texts: Sequence[bytes]) -> None:
        """Send what a reader begins with or missed, as fast as it takes it.

        So much given at once says nothing of the reader, so it does not count as being behind: whoever gives it bounds
        it by `OWED_BYTES_MAX`. Who has not taken it is not given more than that in all.
        """
        size = sum(map(len, texts))
        if self._owed and self._owed + size > OWED_BYTES_MAX:
            self._cut()
        if self.ended:
            return
        self._leave()
        self._waiting.extend(_Waiting(text, owed=True) for text in texts)
        self._owed += size
        self._send_waiting()
        self._look()

    def put_frame(self, frame: bytes) -> None:
        """Send a frame made for many readers to one that is not behind."""
        if not self.ended:
            self._write(frame)

    def miss(self, feed: CatchUp) -> None:
        """Note that the reader missed something of a feed, which is woken when the reader has caught up."""
        self._missed[feed] = None
        self.check()

    def check(self, *, more: int = 0) -> None:
        """See whether the reader is too far behind; if so all that waits is dropped and the socket is closed.

        `more`: bytes that are to wait too; a single message may wait whatever its size.
        """
        if self.ended:
            return
        if not self.is_behind:
            self._behind_since = None
            return
        now = self._clock()
        if self._behind_since is None:
            self._behind_since = now
        too_much = self._size > 0 and self._size + more > BYTES_MAX
        if too_much or now - self._behind_since > AGE_S_MAX:
            self._cut()

    def finish(self, code: int, reason: str) -> None:
        """Take no more; what waits is sent, then the socket is closed with this code."""
        if self.ended:
            return
        while self._waiting:
            self._write(frame_of(self._next_text()))
        self._end(code, reason)

    def _cut(self) -> None:
        """Drop all that waits, and close the socket of a reader too far behind."""
        if self.ended:
            return
        self._waiting.clear()
        self._missed.clear()
        self._size = self._owed = 0
        self._end(CLOSE_SLOW, SLOW)

    def _end(self, code: int, reason: str) -> None:
        self._leave()
        self.close_code, self.close_reason = code, reason
        self._ended.set_result(None)
        self._room_made()
        self._writer.close(code, reason)

    def _write(self, frame: bytes) -> None:
        if self._turn:
            self._turn_add(frame)
            return
        self._writer.write(frame)
        self._look()

    def _turn_add(self, frame: bytes) -> None:
        self._turn.append(frame)
        self._turn_size += len(frame)
        if self._turn_size >= TURN_BYTES_MAX:
            self._leave()

    def _leave(self) -> None:
        """Write what this turn has put together."""
        if self._turn:
            turn, self._turn, self._turn_size = self._turn, [], 0
            self._writer.write_all(turn)
            self._look()

    def _look(self) -> None:
        if not self._writer.has_room and self._behind_since is None:
            self._behind_since = self._clock()

    def _next_text(self) -> bytes:
        first = self._take()
        texts, size = [first.text], len(first.text)
        while not first.alone and self._waiting and not self._waiting[0].alone and size < FRAME_BYTES_MAX:
            texts.append(self._take().text)
            size += len(texts[-1])
        return array_of(texts)

    def _take(self) -> _Waiting:
        taken = self._waiting.popleft()
        if taken.owed:
            self._owed -= len(taken.text)
        else:
            self._size -= len(taken.text)
        return taken

    def _send_waiting(self) -> None:
        while self._waiting and self._writer.has_room:
            self._write(frame_of(self._next_text()))

    def _drained(self) -> None:
        """Send what waited as long as there is room, then wake the feeds the reader missed something of."""
        if self.ended:
            return
        # Whoever took all the server held for it is behind anew, not still.
        self._behind_since = None
        self._send_waiting()
        if self._missed and not self.is_behind:
            missed, self._missed = self._missed, {}
            for feed in missed:
                feed.wake()
        if not self.is_behind:
            self._room_made()

    def _room_made(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)
