"""The tables of QuestDB: trades, and candles as views the server keeps, each made of the one before it.

Prices, quantities and sums are LONG, times are nanoseconds: every number is the journal's own integer. A trade written
twice is one row (the deduplication's keys). Open and close are by sequence, as trades of one batch have one time.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from apps.marketdata.candles.intervals import NS_PER_S

TICKS = "ticks"
PLACES = "tick_places"

_HOUR_S, _DAY_S = 3_600, 86_400
_TIME_MAX = 2**63 - 1

VIEWS: Mapping[int, str] = MappingProxyType(
    {1: "candles_1s", 60: "candles_1m", _HOUR_S: "candles_1h", _DAY_S: "candles_1d"}
)
"""The kept views by the length of their candles in s; each is made of whole candles of the one before it."""

_SAMPLES = {1: "1s", 60: "1m", _HOUR_S: "1h", _DAY_S: "1d"}
_PARTITIONS = {1: "HOUR", 60: "DAY", _HOUR_S: "MONTH", _DAY_S: "YEAR"}
_TTL_UNITS_S = {"HOUR": _HOUR_S, "DAY": _DAY_S}

_OF_TICKS = (
    "arg_min(price, sequence) open, max(price) high, min(price) low, arg_max(price, sequence) close, "
    "sum(quantity) volume, sum(notional) notional, count() trades, "
    "min(sequence) first_sequence, max(sequence) last_sequence"
)
CANDLES_OF_CANDLES = (
    "arg_min(open, first_sequence) open, max(high) high, min(low) low, arg_max(close, last_sequence) close, "
    "sum(volume) volume, sum(notional) notional, sum(trades) trades, "
    "min(first_sequence) first_sequence, max(last_sequence) last_sequence"
)
"""The columns of a longer candle, made of shorter ones."""


class Place(NamedTuple):
    """The last batch of the journal all of whose trades are in the store; `at`: its time, ns since epoch, UTC."""

    number: int
    sequence: int
    at: int


def place_select(shard: int) -> str:
    """Return the statement that reads a shard's place."""
    return f"SELECT number, sequence, at FROM {PLACES} WHERE shard = {shard}"  # noqa: S608 - integers and our names


def time_literal(at: int) -> str:
    """Write a time, ns since epoch, as QuestDB reads it; of one that 63 bits do not hold, the nearest."""
    seconds, ns = divmod(min(max(at, 0), _TIME_MAX), NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


def view_of(interval_s: int) -> int:
    """Return the longest kept candle an interval is made of, in s."""
    return max(length for length in VIEWS if interval_s % length == 0)


def kept_from(last: int, *, base_s: int, keep_s: int) -> int:
    """Return from when on the candles of a view are whole, as the server drops whole partitions; ns since epoch."""
    unit = _TTL_UNITS_S[_PARTITIONS[base_s]] * NS_PER_S
    return max(last - keep_s * NS_PER_S, 0) // unit * unit


def tables_made(*, keep_s: Mapping[int, int], ticks_keep_days: int | None) -> Iterator[str]:
    """Return the statements that make what is missing, and set how long it is kept.

    `keep_s`: how long the candles of a view are kept, by their length, both in s; those of others always.
    """
    yield (
        f"CREATE TABLE IF NOT EXISTS {TICKS} (ts TIMESTAMP_NS, instrument INT, sequence LONG, price LONG, "
        "quantity LONG, notional LONG, side BYTE) TIMESTAMP(ts) PARTITION BY DAY WAL "
        "DEDUP UPSERT KEYS(ts, instrument, sequence)"
    )
    yield (
        f"CREATE TABLE IF NOT EXISTS {PLACES} (ts TIMESTAMP_NS, shard INT, number LONG, sequence LONG, at LONG) "
        "TIMESTAMP(ts) PARTITION BY YEAR WAL DEDUP UPSERT KEYS(ts, shard)"
    )
    if ticks_keep_days is not None:
        yield f"ALTER TABLE {TICKS} SET TTL {ticks_keep_days} DAYS"
    base = TICKS
    for length, name in VIEWS.items():
        columns = _OF_TICKS if base == TICKS else CANDLES_OF_CANDLES
        yield (
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} WITH BASE {base} REFRESH IMMEDIATE AS ("  # noqa: S608 - our names
            f"SELECT ts, instrument, {columns} FROM {base} SAMPLE BY {_SAMPLES[length]}"
            f") PARTITION BY {_PARTITIONS[length]}"
        )
        if length in keep_s:
            unit = _PARTITIONS[length]
            yield f"ALTER MATERIALIZED VIEW {name} SET TTL {keep_s[length] // _TTL_UNITS_S[unit]} {unit}S"
        base = name
