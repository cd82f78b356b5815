"""Candles over a long history: 500 of every interval, from the store and over REST, and the last 24 hours of all.

Ten million trades of ten instruments go through the code that keeps candles. Every interval has 500 candles with trades
before now: the last hours have trades in each second, the days before in each minute, and so on.
"""

import time
from collections.abc import Iterator
from typing import Any

from tests.performance import stores
from tests.performance.results import Bench, Result, latencies, rate, topic

TICKS = 10_000_000
INSTRUMENTS = 10
CANDLES = 500
GOAL_MS = 25.0
SECONDS, MINUTES, QUARTERS, FOURS = 15_120, 2_600, 2_100, 3_100
"""How far back there are trades in each 1 s, 1 min, 15 min and 4 h."""

ASKED = 20
CHUNK = 50_000


@topic("history", order=62)
def history(bench: Bench) -> Iterator[Result]:
    """Yield how long candles take to be kept, and to be read."""
    stores.ready()
    from django.test import Client  # noqa: PLC0415 - needs Django set up

    from apps.marketdata.candles.intervals import INTERVALS_S  # noqa: PLC0415
    from apps.marketdata.ticks import tick_stores  # noqa: PLC0415
    from cift.times import clock_ns  # noqa: PLC0415

    count = bench.scaled(TICKS)
    with stores.sqlite_store(bench.folder / "history"):
        now = clock_ns()
        trades, took = _fill(count, now)
        yield rate("history_kept", "candles of all bases kept, sqlite", of=(trades, "trades"), seconds=[took])
        store, client = tick_stores["default"], Client(SERVER_NAME="localhost")
        for name, interval_s in INTERVALS_S.items():
            end = now // (interval_s * 10**9) * interval_s * 10**9
            start = end - CANDLES * interval_s * 10**9

            def read(number: int, interval_s: int = interval_s, start: int = start, end: int = end) -> None:
                span = store.candles(1 + number % INSTRUMENTS, interval_s=interval_s, start=start, end=end)
                must_be(len(span.candles), CANDLES)

            def ask(number: int, name: str = name) -> None:
                address = f"/api/v1/instruments/A{1 + number % INSTRUMENTS}-USD/candles/?interval={name}"
                must_be(len(client.get(address).json()["results"]), CANDLES)

            for way, work in (("store", read), ("rest", ask)):
                title = f"{CANDLES} candles of {name}, {way}, {count:,} trades, sqlite"
                goals = {"p50": GOAL_MS, "p99": GOAL_MS} if way == "rest" else {"p50": GOAL_MS}
                yield from latencies(f"history_{name}_{way}", title, waited_ms(work), goals=goals)
        waited = waited_ms(lambda _: must_be(len(client.get("/api/v1/tickers/").json()["results"]), INSTRUMENTS))
        yield from latencies("history_tickers_rest", "tickers of ten instruments, rest", waited, goals={"p50": GOAL_MS})


def must_be(found: int, wanted: int) -> None:
    if found != wanted:
        message = f"{found} rows, not {wanted}"
        raise RuntimeError(message)


def waited_ms(work: Any) -> list[float]:
    """Return how long each of some reads took, in ms, behind a first one that is not counted."""
    waited = []
    for number in range(ASKED + 1):
        began = time.perf_counter()
        work(number)
        waited.append((time.perf_counter() - began) * 1_000)
    return waited[1:]


def moments(now: int) -> Iterator[tuple[int, bool]]:
    """Return the times at which there are trades, oldest first, and whether they are of the last hours."""
    lengths = [length * 10**9 for length in (14_400, 900, 60, 1)]
    firsts = [
        now // length * length - many * length
        for length, many in zip(lengths, (FOURS, QUARTERS, MINUTES, SECONDS), strict=True)
    ]
    for length, first, end in zip(lengths, firsts, [*firsts[1:], now], strict=True):
        for at in range(first, end, length):
            yield at, end == now


def fills(count: int, now: int) -> Iterator[list[Any]]:
    """Return the takers' fills of all instruments, some at a time; only what candles are made of is filled in."""
    from apps.orders.codes import Liquidity  # noqa: PLC0415 - needs Django set up

    each, taker, sequence = max(count // SECONDS // INSTRUMENTS, 1), int(Liquidity.TAKER), 0
    rows: list[Any] = []
    for at, dense in moments(now):
        for instrument in range(1, INSTRUMENTS + 1):
            for _ in range(each if dense else 1):
                sequence += 1
                price, quantity = 10_000 + sequence * 7_919 % 997, 1 + sequence % 50
                rows.append(
                    (0, 0, 0, instrument, 0, price, quantity, price * quantity, 0, taker, sequence, at)
                )  # fmt: skip
        if len(rows) >= CHUNK:
            yield rows
            rows = []
    yield rows


def _fill(count: int, now: int) -> tuple[int, float]:
    """Keep the candles; return how many trades there were, and how long it took."""
    from django.db import connection, transaction  # noqa: PLC0415 - needs Django set up

    from apps.orders.matching.candles import candle_projector_resumed  # noqa: PLC0415
    from tests.support.backoffice import instruments_make  # noqa: PLC0415

    instruments_make(INSTRUMENTS)
    candles, took, trades = candle_projector_resumed(0), 0.0, 0
    for rows in fills(count, now):
        began = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            candles.write(cursor, rows)
        took += time.perf_counter() - began
        trades += len(rows)
    return trades, took
