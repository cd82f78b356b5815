"""What one socket sends, counted frame by frame before a server works on it: the same rule under both servers.

A frame costs a server far more than its sender, a ping of one byte as much as an order. So the bytes of a connection
pass through here: the heads of the frames are read (RFC 6455, 5.2), each frame takes places of two limits
(`frames-socket`, `frames-address`), and only then the server gets to see it. Where there is no place the connection is
not read from, so that TCP holds its sender back; who goes on all the same is closed with 4029. Frames are handed on in
small slices, one a turn of the event loop, so that nobody waits behind all that one socket has sent at once.
"""

import time
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from typing import Protocol

from cift.errors.application import ApplicationError
from cift.ratelimits import RateLimits, rate_limits

CLOSE_RATE_LIMITED = 4029
RATE_LIMITED = "rate_limited"

READ_AGAIN_S = 0.02
"""How often a socket that is not read from is looked at."""

HELD_S_MAX = 5.0
"""How long a socket may be held back, with no second without it, before it is closed."""

_CALM_S = 1.0

SLICE_WEIGHT_MAX = 20
"""The most that is handed on in one turn of the event loop."""

WHOLE_WEIGHT = 1
OTHER_WEIGHT = 10
"""A whole message is what the limits are for; control frames and fragments nobody needs many of."""

_WEIGHED_BYTES = 4_096
"""For each so many bytes of its payload a frame weighs one more."""

_WHOLE = frozenset({0x81, 0x82})
"""The first byte of a final text or binary frame."""

_MASKED = 0x80
_LENGTH = 0x7F
_MASK_BYTES = 4
_HEAD_BYTES = 2
_LENGTHS = {126: 2, 127: 8}
"""Two lengths stand for a longer one behind them, of so many bytes."""


class Receiver(Protocol):
    """A server's socket, as what counts its frames sees it."""

    @property
    def has_room(self) -> bool:
        """Return whether it takes frames: it is open, and its application keeps up."""

    @property
    def is_gone(self) -> bool:
        """Return whether there is nobody to read from."""

    def deliver(self, data: bytes) -> None:
        """Work on bytes that were counted."""

    def reading_pause(self) -> None:
        """Do not read from the connection; harmless where it is not read from already."""

    def reading_resume(self) -> None:
        """Read from the connection again."""

    def end(self, code: int, reason: str) -> None:
        """Send a close frame, and cut off who does not answer it."""


def frame_weight(first: int, length: int) -> int:
    """Return how many places a frame takes; `first`: its first byte, `length`: of its payload, bytes."""
    return (WHOLE_WEIGHT if first in _WHOLE else OTHER_WEIGHT) + length // _WEIGHED_BYTES


class Inbound:
    """The way in of one socket; used from its event loop. Holds no more than what one read of the connection gave."""

    def __init__(
        self, receiver: Receiver, *, loop: AbstractEventLoop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin behind the handshake, for an address not known yet; `clock`: seconds, never going back."""
        self._receiver = receiver
        self._loop = loop
        self._clock = clock
        self._own = RateLimits(marks_max=1)
        self._held = b""
        self._at = 0
        self._payload_left = 0
        self._timer: TimerHandle | None = None
        self._over_since = self._over_at = -_CALM_S
        self._paused = self._ended = False
        self.address: str | None = None
        """Who is counted beside the socket, as limits name an address; whoever judges the handshake says it."""

    def feed(self, data: bytes) -> None:
        """Take what was read from the connection."""
        self._held = self._held[self._at :] + data if self._held else data
        self._at = 0
        if self._timer is None:
            self._hand_on()
        else:
            self._receiver.reading_pause()

    def go_on(self) -> None:
        """Hear that the receiver has room again."""
        if self._timer is None:
            self._receiver.reading_resume()
        else:
            self._timer.cancel()
            self._wait(0)

    def _hand_on(self) -> None:
        """Hand on one slice, and come back for the next."""
        self._timer = None
        if self._receiver.is_gone:
            return
        end, weight, payload_left = self._slice()
        if end == self._at:
            # What is held is a part of a frame's head.
            self._read_on()
            return
        # A read in which no frame begins is work too.
        if not self._receiver.has_room or not self._places_taken(weight or WHOLE_WEIGHT):
            self._wait(READ_AGAIN_S)
            return
        part = self._held[self._at : end]
        self._at, self._payload_left = end, payload_left
        if end < len(self._held):
            self._wait(0)
        else:
            self._held, self._at = b"", 0
            self._read_on()
        self._receiver.deliver(part)

    def _slice(self) -> tuple[int, int, int]:
        """Find the end of the next slice, what its frames weigh, and how much of the last one's payload is to come."""
        held, size = self._held, len(self._held)
        end = min(self._at + self._payload_left, size)
        payload_left = self._payload_left - (end - self._at)
        weight = 0
        while size - end >= _HEAD_BYTES:
            length = held[end + 1] & _LENGTH
            more = _LENGTHS.get(length, 0)
            head = end + _HEAD_BYTES + more + (_MASK_BYTES if held[end + 1] & _MASKED else 0)
            if head > size:
                break
            if more:
                length = int.from_bytes(held[end + _HEAD_BYTES : end + _HEAD_BYTES + more])
            cost = frame_weight(held[end], length)
            if weight and weight + cost > SLICE_WEIGHT_MAX:
                break
            weight += cost
            end = min(head + length, size)
            payload_left = head + length - end
        return end, weight, payload_left

    def _places_taken(self, weight: int) -> bool:
        try:
            # Its own first: who has no place of its own takes none of its neighbours'.
            self._own.check("frames-socket", "", weight=weight)
            if self.address is not None:
                rate_limits.check("frames-address", self.address, weight=weight)
        except ApplicationError:
            self._over(self._clock())
            return False
        return True

    def _over(self, now: float) -> None:
        """Note that there was no place; whoever is held back for long is told so, and cut off."""
        if now - self._over_at >= _CALM_S:
            self._over_since = now
        self._over_at = now
        if now - self._over_since >= HELD_S_MAX and not self._ended:
            self._ended = True
            self._receiver.end(CLOSE_RATE_LIMITED, RATE_LIMITED)

    def _wait(self, seconds: float) -> None:
        self._paused = True
        self._receiver.reading_pause()
        self._timer = self._loop.call_later(seconds, self._hand_on)

    def _read_on(self) -> None:
        if self._paused:
            self._paused = False
            self._receiver.reading_resume()
