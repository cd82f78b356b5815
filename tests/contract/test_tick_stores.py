"""What every store of trades and candles promises, held against each of them; a backend is one `StoreMaker`."""

import random
from collections.abc import Sequence

import pytest

from apps.marketdata.candles.intervals import CANDLES_MAX, INTERVALS_S, NS_PER_S
from apps.marketdata.codes import Side
from apps.marketdata.ticks.base import IDLE_FINAL_NS, DayStatistics, Tick, TickStore
from apps.orders.models import JournalBatch
from cift.errors.application import ApplicationError
from tests.support.tickstores import StoreMaker, of_questdb, of_the_fills_table, summed

T0 = 1_700_000_000_000_000_000
STEP_NS = 1_000
INSTRUMENT, OTHER = 1, 2
HEAD = 60
"""The last sequence; every third is a trade of the instrument, the one behind it a trade of the other."""

TRADES = [Tick(n, 100 + n, n, Side.BUY if n % 2 else Side.SELL, T0 + n * STEP_NS) for n in range(3, HEAD + 1, 3)]
SEQUENCES = [trade.sequence for trade in TRADES]


OTHERS = [trade._replace(sequence=trade.sequence + 1, at=trade.at + STEP_NS) for trade in TRADES[:-1]]


@pytest.fixture(params=["sqlite", "postgresql", "questdb"])
def make(request: pytest.FixtureRequest) -> StoreMaker:
    if request.param != "questdb":
        request.getfixturevalue(request.param)
        return of_the_fills_table
    request.getfixturevalue("sqlite")
    return of_questdb(request.getfixturevalue("questdb_server"))


@pytest.fixture
def store(make: StoreMaker) -> TickStore:
    return make({INSTRUMENT: TRADES, OTHER: OTHERS}, lambda n: T0 + n * STEP_NS, HEAD)


def sequences(ticks: Sequence[Tick]) -> list[int]:
    return [tick.sequence for tick in ticks]


def page(
    store: TickStore,
    *,
    limit: int = 5,
    cursor: int | None = None,
    newer: bool = False,
    start: int | None = None,
    end: int | None = None,
) -> list[int]:
    found = store.trades_page(INSTRUMENT, limit=limit, cursor=cursor, newer=newer, start=start, end=end)
    return sequences(found)


def test_the_last_trades_are_an_instrument_s_own_whole_and_oldest_first(store: TickStore) -> None:
    assert store.trades_last(INSTRUMENT, after=0, up_to=HEAD, limit=100) == TRADES
    assert store.trades_last(INSTRUMENT, after=0, up_to=HEAD, limit=2) == TRADES[-2:]
    assert store.trades_last(99, after=0, up_to=HEAD, limit=100) == []


def test_the_last_trades_are_behind_one_sequence_and_up_to_another(store: TickStore) -> None:
    def last(after: int, up_to: int) -> list[int]:
        return sequences(store.trades_last(INSTRUMENT, after=after, up_to=up_to, limit=100))

    assert last(9, 15) == [12, 15]
    assert last(8, 14) == [9, 12]
    assert last(15, 15) == []


def test_trades_that_are_not_there_yet_are_waited_for_no_longer_than_a_bound(store: TickStore) -> None:
    with pytest.raises(ApplicationError) as caught:
        store.trades_last(INSTRUMENT, after=0, up_to=HEAD + 1, limit=1)

    assert caught.value.code == "projection_behind"


def test_a_page_goes_on_from_a_cursor_either_way(store: TickStore) -> None:
    newest = SEQUENCES[::-1]

    assert page(store) == newest[:5]
    assert page(store, cursor=newest[4]) == newest[5:10]
    assert page(store, cursor=newest[5], newer=True) == newest[4::-1]
    assert page(store, cursor=newest[5] + 1) == newest[5:10], "a cursor that is no trade's is a place all the same"
    assert page(store, cursor=SEQUENCES[0]) == []
    assert page(store, cursor=newest[0], newer=True) == []


def test_a_cursor_no_sequence_can_have_is_behind_them_all(store: TickStore) -> None:
    assert page(store, cursor=2**63 - 1) == page(store)
    assert page(store, cursor=2**63 - 1, newer=True) == []


def test_a_span_of_time_begins_with_its_start_and_ends_before_its_end(store: TickStore) -> None:
    start, end = TRADES[3].at, TRADES[6].at

    assert page(store, start=start, end=end) == SEQUENCES[5:2:-1]
    assert page(store, start=start + 1, end=end + 1) == SEQUENCES[6:3:-1]
    assert page(store, start=start, end=end, cursor=SEQUENCES[5]) == SEQUENCES[4:2:-1]
    assert page(store, start=start, end=end, cursor=SEQUENCES[3], newer=True) == SEQUENCES[4:6]
    assert page(store, start=end, end=start) == []
    assert page(store, start=2**64) == []
    assert page(store, end=T0) == []


DAYS_HEAD = 400
DAY_S = 86_400


def _days_times() -> list[int]:
    """Times of sequences over some three days: often one time, often some seconds apart, seldom hours."""
    dice, at, times = random.Random(7), T0, [T0]  # noqa: S311 - a test's dice
    for _ in range(DAYS_HEAD):
        at += dice.choice((0, 0, 1, 300_000_000, 2 * NS_PER_S, 45 * NS_PER_S, 200 * NS_PER_S, 4_000 * NS_PER_S))
        times.append(at)
    return times


TIMES = _days_times()
DAYS = {
    instrument: [
        Tick(n, 1_000 + n * 37 % 101, 1 + n * 13 % 29, Side.BUY, TIMES[n])
        for n in range(1, DAYS_HEAD)
        if n % 3 == instrument
    ]
    for instrument in (INSTRUMENT, OTHER)
}
NOW = TIMES[-1]


@pytest.fixture
def days(make: StoreMaker) -> TickStore:
    return make(DAYS, lambda n: TIMES[n], DAYS_HEAD)


def stretches(interval_s: int, *, end: int) -> list[tuple[int, int]]:
    """As long ones as a store reads, from the first trade to a time."""
    step = interval_s * NS_PER_S
    first = T0 // step * step
    return [
        (start, min(start + CANDLES_MAX * step, end // step * step + step))
        for start in range(first, end + 1, CANDLES_MAX * step)
    ]


@pytest.mark.parametrize("interval", INTERVALS_S)
def test_the_candles_of_every_interval_are_the_sums_of_the_trades(days: TickStore, interval: str) -> None:
    interval_s = INTERVALS_S[interval]
    # Of the shortest, the first 1,500: the others are hours without a trade.
    parts = stretches(interval_s, end=NOW if interval_s >= 60 else T0 + 1_400 * interval_s * NS_PER_S)
    for instrument, trades in DAYS.items():
        wanted = summed(trades, interval_s)
        found = [days.candles(instrument, interval_s=interval_s, start=a, end=b) for a, b in parts]
        assert [c for span in found for c in span.candles] == [c for c in wanted if c.start_at < parts[-1][1]]
        for (start, _), span in zip(parts, found, strict=True):
            before = [trade.price for trade in trades if trade.at < start]
            assert span.close_before == (before[-1] if before else None)
            assert span.begins_at == wanted[0].start_at


def test_a_stretch_is_whole_candles_and_no_more_than_a_bound(days: TickStore) -> None:
    first = T0 // (60 * NS_PER_S) * 60 * NS_PER_S
    for start, end in (
        (first, first),
        (first, first - 60 * NS_PER_S),
        (first + 1, first + 60 * NS_PER_S),
        (first, first + 61 * NS_PER_S),
        (first, first + (CANDLES_MAX + 1) * 60 * NS_PER_S),
    ):
        with pytest.raises(ValueError, match="no stretch"):
            days.candles(INSTRUMENT, interval_s=60, start=start, end=end)


def test_an_instrument_without_trades_has_no_candles_and_no_prices(days: TickStore) -> None:
    span = days.candles(99, interval_s=60, start=0, end=60 * NS_PER_S)

    assert span == ([], None, None)
    assert days.candle_last(99, interval_s=60, up_to=DAYS_HEAD).candle is None
    assert days.statistics([99], at=NOW)[99][1:] == (None, None, None, None, 0, 0, 0)
    assert days.statistics([], at=NOW) == {}


def test_a_store_that_has_all_knows_so_until_now_and_what_is_final_a_while_before(days: TickStore) -> None:
    later = NOW + 3 * IDLE_FINAL_NS

    assert days.place(at=later) == (later, later - IDLE_FINAL_NS)
    assert days.place(at=NOW) == (NOW, NOW), "what comes next is later than what came"


def test_a_store_that_is_behind_knows_no_more_than_it_has(make: StoreMaker) -> None:
    store = make({INSTRUMENT: TRADES}, lambda n: T0 + n * STEP_NS, HEAD)
    JournalBatch.objects.create(
        shard=0, number=HEAD + 1, epoch=1, first_sequence=HEAD + 1, last_sequence=HEAD + 1, at=T0 + 60 * NS_PER_S,
        engine_version=1, commands=b"", events=b"", chain=bytes(32),
    )  # fmt: skip

    assert store.place(at=T0 + 90 * NS_PER_S) == (T0 + HEAD * STEP_NS, T0 + HEAD * STEP_NS)


@pytest.mark.parametrize("interval", ["1s", "5m", "1d"])
def test_the_last_candle_is_whole_once_the_store_has_a_sequence(days: TickStore, interval: str) -> None:
    interval_s = INTERVALS_S[interval]

    last = days.candle_last(OTHER, interval_s=interval_s, up_to=DAYS_HEAD)

    assert last == (summed(DAYS[OTHER], interval_s)[-1], 0)
    with pytest.raises(ApplicationError) as caught:
        days.candle_last(OTHER, interval_s=interval_s, up_to=DAYS_HEAD + 1)
    assert caught.value.code == "projection_behind"


@pytest.mark.parametrize("later_s", [0, 40, 7 * 3_600, 23 * 3_600, 10 * DAY_S])
def test_statistics_are_those_of_the_trades_of_a_day(days: TickStore, later_s: int) -> None:
    at = NOW + later_s * NS_PER_S
    begins = (at - DAY_S * NS_PER_S) // (60 * NS_PER_S) * 60 * NS_PER_S

    found = days.statistics([OTHER, INSTRUMENT], at=at)

    for instrument, trades in DAYS.items():
        within = [trade for trade in trades if trade.at >= begins]
        prices = [trade.price for trade in within]
        assert found[instrument] == DayStatistics(
            begins_at=begins,
            open=prices[0] if prices else None,
            high=max(prices, default=None),
            low=min(prices, default=None),
            last=trades[-1].price,
            volume=sum(trade.quantity for trade in within),
            notional=sum(trade.price * trade.quantity for trade in within),
            trades=len(within),
        )
