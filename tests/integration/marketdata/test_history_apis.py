"""Candles and the last 24 hours over REST: gaps, pages, what is refused, and how often the database is asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from apps.marketdata.candles.intervals import INTERVALS_S, NS_PER_S
from apps.marketdata.codes import Side
from apps.marketdata.reference import references
from apps.marketdata.ticks.base import Tick
from cift.times import clock_ns, time_format, time_parse
from tests.support.tickstores import of_the_fills_table, summed

V1 = "/api/v1/"
T0 = 1_700_000_000_000_000_000
"""2023-11-14T22:13:20Z."""

MINUTE_NS = 60 * NS_PER_S
M0 = T0 // MINUTE_NS * MINUTE_NS

# At 100.00 + n cents; one a second for five seconds, then each after twice the time of the one before.
OFFSETS_S = (0, 1, 2, 3, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048)
TRADES = [Tick(n, 10_000 + n, n, Side.BUY, T0 + offset * NS_PER_S) for n, offset in enumerate(OFFSETS_S, start=1)]


@pytest.fixture
def market(sqlite: Path) -> Iterator[None]:
    """Instruments A1-USD, with trades of 2023, and A2-USD, without."""
    references.forget()
    of_the_fills_table({1: TRADES, 2: []}, lambda n: TRADES[n - 1].at, len(TRADES))
    yield
    references.forget()


def asked(path: str, query: Mapping[str, Any] | None = None) -> Any:
    return Client().get(V1 + path, dict(query or {}))


def rows(query: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = asked("instruments/A1-USD/candles/", query)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def cents(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def filled(interval_s: int, start: int, end: int) -> list[tuple[int, ...]]:
    """Open, high, low, close, volume, trades of each interval by their definition, newest first."""
    step, close = interval_s * NS_PER_S, 0
    wanted: list[tuple[int, ...]] = []
    traded = {candle.start_at: candle for candle in summed(TRADES, interval_s)}
    for begins in range(min(traded), end, step):
        candle = traded.get(begins)
        close = candle.close if candle else close
        row = (candle.open, candle.high, candle.low, close, candle.volume, candle.trades) if candle else None
        if begins >= start:
            wanted.append((begins, *(row or (close, close, close, close, 0, 0))))
    return wanted[::-1]


def read(found: list[dict[str, Any]]) -> list[tuple[int, ...]]:
    return [
        (
            time_parse(row["begins_at"]),
            *(cents(row[name]) for name in ("open", "high", "low", "close")),
            int(row["volume"]),
            row["trades"],
        )
        for row in found
    ]


@pytest.mark.parametrize("interval", ["1s", "5s", "15s", "30s", "1m", "5m", "15m"])
def test_candles_have_no_gaps_and_are_the_trades_sums(market: None, interval: str) -> None:
    interval_s = INTERVALS_S[interval]
    step = interval_s * NS_PER_S
    start, end = T0 // step * step - 3 * step, T0 // step * step + 40 * step

    found = rows({"interval": interval, "start": time_format(start), "end": time_format(end)})

    assert read(found) == filled(interval_s, start, end)
    assert len(found) == 40, "before the first trade there is no candle"
    assert all(row["closed"] for row in found)
    assert found[-1] == {
        "begins_at": time_format(T0 // step * step),
        "open": "100.01",
        **{name: found[-1][name] for name in ("high", "low", "close", "volume", "quote_volume", "trades")},
        "closed": True,
    }


def test_the_quote_volume_is_exact(market: None) -> None:
    (row,) = rows({"interval": "1m", "start": time_format(M0), "end": time_format(M0 + MINUTE_NS)})

    # 22:13:20 to 22:14:00 has the trades at 0, 1, 2, 3, 4, 8, 16 and 32 s.
    assert (row["trades"], row["volume"], row["quote_volume"]) == (8, "36", "3602.04")


def test_pages_go_back_to_the_first_trade_and_forth_again(market: None) -> None:
    start, end = M0 - 10 * MINUTE_NS, M0 + 30 * MINUTE_NS
    query = {"interval": "1m", "start": time_format(start), "end": time_format(end), "limit": 7}
    answer = asked("instruments/A1-USD/candles/", query).json()
    assert answer["previous"] is None
    back = [answer["results"]]
    while answer["next"]:
        answer = Client().get(answer["next"]).json()
        back.append(answer["results"])
    assert [len(page) for page in back] == [7, 7, 7, 7, 2]
    assert read([row for page in back for row in page]) == filled(60, start, end)

    forth = [answer["results"]]
    while answer["previous"]:
        answer = Client().get(answer["previous"]).json()
        forth.append(answer["results"])
    assert [row for page in reversed(forth) for row in page] == [row for page in back for row in page]


def test_the_newest_candle_is_that_of_now_and_open(market: None) -> None:
    before = clock_ns()
    answer = asked("instruments/A1-USD/candles/", {"interval": "1d", "limit": 1_500})
    newest, *others = answer.json()["results"]

    day = 86_400 * NS_PER_S
    assert time_parse(newest["begins_at"]) in {before // day * day, clock_ns() // day * day}
    assert (newest["open"], newest["close"], newest["volume"], newest["closed"]) == ("100.14", "100.14", "0", False)
    assert others[-1]["begins_at"] == "2023-11-14T00:00:00.000000Z"
    assert answer["Cache-Control"] == "no-cache"


def test_an_instrument_without_trades_has_no_candles(market: None) -> None:
    answer = asked("instruments/A2-USD/candles/", {"interval": "1m"}).json()

    assert answer == {"results": [], "next": None, "previous": None}


def test_candles_to_which_nothing_can_come_may_be_kept_for_a_minute(market: None) -> None:
    span = {"interval": "1m", "start": time_format(M0), "end": time_format(M0 + 5 * MINUTE_NS)}

    assert asked("instruments/A1-USD/candles/", span)["Cache-Control"] == "public, max-age=60"
    assert asked("instruments/A1-USD/candles/", {"interval": "1m"})["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({}, "interval", "required"),
        ({"interval": ""}, "interval", "required"),
        ({"interval": "2m"}, "interval", "not_a_choice"),
        ({"interval": "60"}, "interval", "not_a_choice"),
        ({"interval": "1m", "start": "2023-11-14T22:13:20Z"}, "start", "invalid"),
        ({"interval": "1m", "end": "2023-11-14T22:13:00.000001Z"}, "end", "invalid"),
        ({"interval": "1d", "start": "2023-11-14T00:00:00+01:00"}, "start", "invalid"),
        ({"interval": "1m", "start": "yesterday"}, "start", "malformed"),
        ({"interval": "1m", "start": "2023-11-14T22:14:00Z", "end": "2023-11-14T22:13:00Z"}, "end", "out_of_range"),
        ({"interval": "1m", "start": "2023-11-14T22:14:00Z", "end": "2023-11-14T22:14:00Z"}, "end", "out_of_range"),
        ({"interval": "1m", "limit": "1501"}, "limit", "out_of_range"),
        ({"interval": "1m", "limit": "0"}, "limit", "out_of_range"),
        ({"interval": "1m", "cursor": "bzE3"}, "cursor", "malformed"),
        ({"interval": "1m", "cursor": "!"}, "cursor", "malformed"),
        ({"interval": "1m", "depth": "5"}, "depth", "unknown_field"),
        ({"interval": "1m", "at_least": "x"}, "at_least", "malformed"),
    ],
)
def test_a_bad_parameter_is_named(market: None, query: dict[str, str], field: str, code: str) -> None:
    answer = asked("instruments/A1-USD/candles/", query)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


def test_all_bounds_that_are_not_of_the_interval_are_named_at_once(market: None) -> None:
    query = {"interval": "1h", "start": "2023-11-14T22:13:00Z", "end": "2023-11-14T23:30:00Z"}

    errors = asked("instruments/A1-USD/candles/", query).json()["errors"]

    assert [error["field"] for error in errors] == ["start", "end"]


@pytest.mark.parametrize("symbol", ["NO-SUCH", "x", "%00"])
def test_an_unknown_symbol_is_not_found(market: None, symbol: str) -> None:
    answer = asked(f"instruments/{symbol}/candles/", {"interval": "1m"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("start", ["9999-12-31T23:59:00Z", "2262-04-12T00:00:00Z"])
def test_a_time_that_is_far_off_has_no_candles(market: None, start: str) -> None:
    assert rows({"interval": "1m", "start": start}) == []


def test_the_24_hours_of_all_instruments_are_the_trades_of_the_day(sqlite: Path) -> None:
    references.forget()
    begins = (clock_ns() - 86_400 * NS_PER_S) // MINUTE_NS * MINUTE_NS
    times = [begins + second * NS_PER_S for second in (-9, -5, 400, 7_000, 80_000)]
    old, *trades = [
        Tick(n, price, n, Side.BUY, at) for n, price, at in zip(range(1, 6), (7, 8, 300, 299, 298), times, strict=True)
    ]
    of_the_fills_table({1: trades, 2: [old], 3: []}, lambda n: times[n - 1], len(times))

    answer = asked("tickers/")

    assert answer.status_code == 200
    none, quiet, traded = answer.json()["results"]
    assert time_parse(traded["day"].pop("begins_at")) - begins in {0, MINUTE_NS}
    assert traded == {
        "symbol": "A1-USD",
        "status": "continuous",
        "last_price": "2.98",
        "day": {
            "open": "3",
            "high": "3",
            "low": "2.98",
            "change": "-0.02",
            "change_percent": "-0.67",
            "volume": "12",
            "quote_volume": "35.86",
            "trades": 3,
        },
    }
    day = quiet["day"]
    assert (quiet["last_price"], day["open"], day["change"], day["trades"]) == ("0.07", None, None, 0)
    assert (none["last_price"], none["day"]["volume"], none["day"]["quote_volume"]) == (None, "0", "0")
    page = asked("tickers/", {"limit": 2}).json()
    assert [row["symbol"] for row in page["results"]] == ["A3-USD", "A2-USD"]
    assert [row["symbol"] for row in Client().get(page["next"]).json()["results"]] == ["A1-USD"]
    references.forget()


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def collect(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's own
        seen.append(sql)
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(collect), connections["journal"].execute_wrapper(collect):
        yield seen


def test_the_database_is_asked_as_often_for_many_as_for_one(sqlite: Path) -> None:
    references.forget()
    of_the_fills_table(
        {1: TRADES} | {instrument: [] for instrument in range(2, 9)}, lambda n: TRADES[n - 1].at, len(TRADES)
    )
    references.load()
    with statements() as one:
        asked("tickers/", {"limit": 1})
    with statements() as eight:
        assert len(asked("tickers/", {"limit": 8}).json()["results"]) == 8
    assert len(eight) == len(one) <= 6
    with statements() as few:
        asked("instruments/A1-USD/candles/", {"interval": "1d", "limit": 1})
    with statements() as many:
        asked("instruments/A1-USD/candles/", {"interval": "1d", "limit": 1_500})
    assert max(len(few), len(many)) <= 8
    references.forget()


@pytest.mark.parametrize("path", ["instruments/A1-USD/candles/?interval=1m", "instruments/A1-USD/trades/", "tickers/"])
def test_a_store_that_is_down_is_named_with_what_it_was_last_seen_to_have(
    market: None, settings: Settings, path: str
) -> None:
    options = {"url": "http://127.0.0.1:1", "sql_port": 1, "user": "reader", "password": ""}
    settings.TICK_STORES = {
        "default": {"BACKEND": "apps.marketdata.ticks.questdb.QuestDBTickStore", "OPTIONS": options}
    }

    answer = asked(path)

    assert answer.status_code == 503
    body = answer.json()
    assert (body["code"], body["store"], body["known_sequence"]) == ("history_unavailable", "questdb", 0)
