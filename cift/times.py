"""Times: ns since the epoch, UTC, inside; RFC 3339 with microseconds at the edge.

The system's clock may be set back. The venue's time is not: it goes on, a tenth slower, until the clock has caught up.
A deadline that a client gives is of the clock; `lead_ns` is what the venue's time is ahead of it.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock

TIME_PATTERN = (
    r"((?:19[7-9][0-9]|[2-9][0-9]{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]{1,9}))?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
"""RFC 3339 from 1970 on, with an offset; which days a month has is not said here."""

_TIME = re.compile(TIME_PATTERN, re.ASCII)


class SteadyClock:
    """The system's clock, but it never goes back; used from any thread."""

    def __init__(
        self, *, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Begin with what the system says."""
        self._wall = wall
        self._monotonic = monotonic
        self._lock = Lock()
        self._at = wall()
        self._mark = monotonic()
        self.lead_ns = 0

    def __call__(self) -> int:
        """Return the time."""
        with self._lock:
            mark, wall = self._monotonic(), self._wall()
            # Slower, so that the clock catches up; little enough for a deadline of seconds to stay one of seconds.
            at = max(wall, self._at + (mark - self._mark) * 9 // 10)
            self._at, self._mark, self.lead_ns = at, mark, at - wall
            return at

    def see(self, at: int) -> None:
        """Take a time the venue has been at, be it before this process: this clock is not behind it from now on."""
        if at > self._at:
            with self._lock:
                self._at, self._mark = max(at, self._at), self._monotonic()


clock_ns = SteadyClock()
"""The venue's time in this process; only the edge reads it."""

_began = (time.time_ns(), time.monotonic_ns())


def elapsed_ns() -> int:
    """Return the time as if nobody had set the clock since this process began: for what waits, and for models."""
    return _began[0] + time.monotonic_ns() - _began[1]


@lru_cache(maxsize=1_024)
def time_format(at: int) -> str:
    """Write ns since the epoch as RFC 3339 UTC with microseconds; all that a batch brings is of one time."""
    seconds, rest = divmod(at, 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=1_024)
def _second(seconds: int) -> str:
    """Write a whole second; what is answered at once mostly falls into one."""
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}"


def time_parse(text: str) -> int:
    """Read RFC 3339 with an offset, from 1970 on, as ns since the epoch; an offset leads to nothing before it.

    Raises:
        ValueError: it is no such time.

    """
    match = _TIME.fullmatch(text)
    if match is None:
        message = "A time from 1970 on is written as 2026-01-31T23:59:59.999999Z."
        raise ValueError(message)
    whole = datetime.fromisoformat(match.group(1) + match.group(3).replace("Z", "+00:00"))
    at = int(whole.timestamp()) * 1_000_000_000 + int((match.group(2) or "0").ljust(9, "0"))
    return max(at, 0)
