"""The intervals a candle may have, and the base intervals whose candles are stored.

All begin at whole multiples of their length since the epoch, UTC: a day's candle at midnight. A candle of an interval
is made of those of its base, of which it has at most six: 1,500 candles are no more than 9,000 rows, whatever their
interval.
"""

from collections.abc import Mapping
from types import MappingProxyType

NS_PER_S = 1_000_000_000

BASES_S = (1, 15, 60, 900, 14_400)
"""The stored intervals, in s; each is made of whole ones of the interval before it."""

INTERVALS_S: Mapping[str, int] = MappingProxyType(
    {
        "1s": 1,
        "5s": 5,
        "15s": 15,
        "30s": 30,
        "1m": 60,
        "5m": 300,
        "15m": 900,
        "30m": 1_800,
        "1h": 3_600,
        "4h": 14_400,
        "1d": 86_400,
    }
)
"""The intervals by name, in s."""

CANDLES_MAX = 1_500
"""The most candles read at once."""


def base_of(interval_s: int) -> int:
    """Return the longest base an interval is made of, in s."""
    return max(base for base in BASES_S if interval_s % base == 0)


def begin_of(at: int, *, interval_s: int) -> int:
    """Return when the candle of a time begins; both ns since epoch, UTC."""
    return at - at % (interval_s * NS_PER_S)


def begin_behind(at: int, *, interval_s: int) -> int:
    """Return when the first candle behind the one of a time begins; both ns since epoch, UTC."""
    return begin_of(at, interval_s=interval_s) + interval_s * NS_PER_S
