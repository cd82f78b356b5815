"""What waits to be sent to one socket: bounded, so a reader that does not read is cut and slows nobody."""

import asyncio
import time
from collections import deque
from typing import NamedTuple

from prometheus_client import Counter

BYTES_MAX = 1024 * 1024
"""The most a reader may be behind."""

AGE_S_MAX = 5.0
"""The longest a message may wait."""

CLOSE_NORMAL = 1000
CLOSE_SLOW = 4008

_FRAME_CHARACTERS_MAX = 64 * 1024


_ENDED = Counter("cift_sockets_ended_by_venue", "Sockets the venue ended, by reason", ["reason"])


class _Waiting(NamedTuple):
    text: str
    alone: bool
    since: float


class Outbox:
    """The messages on their way to one socket; used from one event loop."""

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._filled = asyncio.Event()
        self._ended = False
        self.close_code = CLOSE_NORMAL
        self.close_reason = ""

    @property
    def ended(self) -> bool:
        """Tell whether it takes no more."""
        return self._ended

    def put(self, text: str, *, alone: bool = False) -> None:
        """Queue one message, whatever its size if the reader keeps up; `alone`: it gets a frame of its own."""
        self.check()
        if not self._ended:
            self._waiting.append(_Waiting(text, alone, time.monotonic()))
            self._size += len(text)
            self._filled.set()

    def check(self) -> None:
        """See whether the reader is too far behind; if so all that waits is dropped and the socket is to be closed."""
        if not self._waiting or self._ended:
            return
        if self._size > BYTES_MAX or time.monotonic() - self._waiting[0].since > AGE_S_MAX:
            self._waiting.clear()
            self._size = 0
            self.finish(CLOSE_SLOW, "slow_consumer")

    def finish(self, code: int, reason: str) -> None:
        """Take no more; when what waits is sent, the socket is closed with this code."""
        if not self._ended:
            self._ended = True
            _ENDED.labels(reason).inc()
            self.close_code, self.close_reason = code, reason
            self._filled.set()

    async def take(self) -> str | None:
        """Wait for the next frame: one message, or an array of those that wait; None at the end."""
        while not self._waiting:
            if self._ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        texts: list[str] = []
        size = 0
        while self._waiting and size < _FRAME_CHARACTERS_MAX:
            if self._waiting[0].alone and texts:
                break
            message = self._waiting.popleft()
            texts.append(message.text)
            size += len(message.text)
            if message.alone:
                break
        self._size -= size
        return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"
