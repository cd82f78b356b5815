"""Times: ns since the epoch, UTC, inside; RFC 3339 with microseconds at the edge."""

import re
import time
from datetime import UTC, datetime
from functools import lru_cache

_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})",
    re.ASCII,
)


def clock_ns() -> int:
    """Read the wall clock; only the edge does."""
    return time.time_ns()


def time_format(at: int) -> str:
    """Write ns since the epoch as RFC 3339 UTC with microseconds."""
    seconds, rest = divmod(at, 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=1_024)
def _second(seconds: int) -> str:
    """Write a whole second; what is answered at once mostly falls into one."""
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}"


def time_parse(text: str) -> int:
    """Read RFC 3339 with an offset as ns since the epoch.

    Raises:
        ValueError: it is no such time, or before the epoch.

    """
    match = _TIME.fullmatch(text)
    if match is None:
        message = "A time is written as 2026-01-31T23:59:59.999999Z."
        raise ValueError(message)
    whole = datetime.fromisoformat(match.group(1) + match.group(3).replace("Z", "+00:00"))
    at = int(whole.timestamp()) * 1_000_000_000 + int((match.group(2) or "0").ljust(9, "0"))
    if at < 0:
        message = "A time is not before 1970."
        raise ValueError(message)
    return at
