"""Candles are what their trades are, whatever the stretches these come in, and however often."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from apps.marketdata.candles.folding import SUM_MAX, Candle, CandleFolder, CandleKey, CandleTrade, candles_merge
from apps.marketdata.candles.intervals import BASES_S, INTERVALS_S, NS_PER_S, base_of, begin_behind, begin_of

T0 = 1_700_000_000_000_000_000


def summed(trades: Iterable[CandleTrade], interval_s: int) -> dict[tuple[int, int], Candle]:
    """The candles by their definition, one list of trades for each."""
    listed: defaultdict[tuple[int, int], list[CandleTrade]] = defaultdict(list)
    for trade in trades:
        listed[trade.instrument, trade.at // NS_PER_S // interval_s * interval_s * NS_PER_S].append(trade)
    return {
        (instrument, start): Candle(
            start_at=start,
            open=found[0].price,
            high=max(trade.price for trade in found),
            low=min(trade.price for trade in found),
            close=found[-1].price,
            volume=sum(trade.quantity for trade in found),
            notional=sum(trade.notional for trade in found),
            trades=len(found),
            first_sequence=found[0].sequence,
            last_sequence=found[-1].sequence,
        )
        for (instrument, start), found in listed.items()
    }


@st.composite
def trades_made(draw: st.DrawFn) -> list[CandleTrade]:
    """Trades of three instruments, their times never falling: some at one time, some a day apart."""
    made, at, sequence = [], T0, 0
    for _ in range(draw(st.integers(1, 30))):
        at += draw(st.sampled_from((0, 1, 400_000_000, NS_PER_S, 70 * NS_PER_S, 86_400 * NS_PER_S)))
        sequence += draw(st.integers(1, 3))
        price, quantity = draw(st.integers(1, 10**6)), draw(st.integers(1, 10**6))
        made.append(CandleTrade(draw(st.integers(1, 3)), sequence, price, quantity, price * quantity, at))
    return made


def folded(stretches: Iterable[Sequence[CandleTrade]]) -> dict[CandleKey, Candle]:
    folder, candles = CandleFolder(lambda _: ()), {}
    for stretch in stretches:
        candles.update(folder.take(stretch))
    return candles


@given(trades_made(), st.randoms(use_true_random=False))
def test_candles_of_every_base_are_the_sums_of_their_trades(trades: list[CandleTrade], dice: random.Random) -> None:
    cuts = sorted(dice.sample(range(len(trades) + 1), k=min(3, len(trades))))
    stretches = [trades[first:last] for first, last in zip([0, *cuts], [*cuts, len(trades)], strict=True)]

    candles = folded(stretches)

    for base in BASES_S:
        of_base = {(key[0], key[2]): candle for key, candle in candles.items() if key[1] == base}
        assert of_base == summed(trades, base)


@given(trades_made(), st.integers(0, 30), st.integers(0, 30))
def test_a_range_taken_twice_changes_nothing(trades: list[CandleTrade], first: int, again: int) -> None:
    """Whole, or overlapping what comes next."""
    candles = folded([trades[: max(first, again)], trades[min(first, again) :], trades])

    assert candles == folded([trades])


@given(trades_made(), st.integers(0, 30))
def test_who_begins_with_the_stored_candles_goes_on_as_if_nothing_had_been(trades: list[CandleTrade], cut: int) -> None:
    stored = folded([trades[:cut]])

    def last(instrument: int) -> list[tuple[int, Candle]]:
        found = sorted((key, candle) for key, candle in stored.items() if key[0] == instrument)
        return [(base, candle) for (_, base, _), candle in found]

    later = CandleFolder(last).take(trades)

    assert stored | later == folded([trades])


@given(trades_made())
def test_longer_candles_are_made_of_those_of_their_base(trades: list[CandleTrade]) -> None:
    candles = folded([trades])
    for interval_s in INTERVALS_S.values():
        base = base_of(interval_s)
        for instrument in (1, 2, 3):
            stored = [each for key, each in sorted(candles.items()) if key[:2] == (instrument, base)]
            wanted = [each for key, each in sorted(summed(trades, interval_s).items()) if key[0] == instrument]
            assert list(candles_merge(stored, interval_s=interval_s)) == wanted


def test_every_interval_is_made_of_at_most_six_stored_ones_and_a_day_begins_at_midnight() -> None:
    assert all(interval_s // base_of(interval_s) <= 6 for interval_s in INTERVALS_S.values())
    assert begin_of(T0, interval_s=86_400) == 1_699_920_000_000_000_000, "2023-11-14T00:00:00Z"
    assert begin_behind(T0, interval_s=86_400) == 1_700_006_400_000_000_000, "2023-11-15T00:00:00Z"
    assert begin_behind(1_700_006_400_000_000_000, interval_s=86_400) == 1_700_092_800_000_000_000


def test_a_sum_stays_at_the_end_of_63_bits() -> None:
    trades = [CandleTrade(1, n, 1, 2**62, 2**62, T0) for n in range(1, 4)]

    candle = folded([trades[:1], trades[1:]])[1, 60, begin_of(T0, interval_s=60)]

    assert (candle.volume, candle.notional, candle.trades) == (SUM_MAX, SUM_MAX, 3)
