"""The arithmetic of the stylised facts, and that a tape holds what the engine's book holds."""

import math
import random
from pathlib import Path
from statistics import fmean

import msgspec
import pytest

from apps.simulation.facts import facts
from apps.simulation.facts.facts import Facts, autocorrelation, excess_kurtosis, facts_of
from apps.simulation.facts.recorded import recorded_tape
from apps.simulation.facts.report import ROWS
from apps.simulation.facts.tape import ASK, BID, Tape
from apps.simulation.management.commands.stylised_facts import simulated_tapes
from tests.support.shared_data import LobsterHour
from tests.support.simulated import study_taped

SECOND = 1_000_000_000


def test_autocorrelation_of_an_alternating_series_is_minus_one() -> None:
    found = autocorrelation([1.0, -1.0] * 500, 1)

    assert found is not None
    assert math.isclose(found, -1.0, abs_tol=0.01)


def test_autocorrelation_of_too_little_or_of_a_constant_is_none() -> None:
    assert autocorrelation([1.0, -1.0] * 3, 1) is None
    assert autocorrelation([2.0] * 100, 1) is None


def test_a_normal_sample_has_no_excess_and_a_heavy_one_has_much() -> None:
    draw = random.Random(5)  # noqa: S311
    normal = [draw.gauss(0, 1) for _ in range(20_000)]
    heavy = [value**3 for value in normal]

    assert abs(excess_kurtosis(normal) or 0) < 0.2
    assert (excess_kurtosis(heavy) or 0) > 10


def test_a_quiet_book_is_measured_by_hand() -> None:
    tape = Tape("A", 1, begin=0)
    tape.change(BID, 9_990, 5)
    tape.change(BID, 9_980, 15)
    tape.change(ASK, 10_010, 7)
    tape.advance(100 * SECOND)
    for at, sign in ((101, 1), (102, 1), (103, -1)):
        tape.trade(at * SECOND, sign=sign, quantity=2, taker=at)
        tape.trade(at * SECOND, sign=sign, quantity=1, taker=at)
    tape.advance(110 * SECOND)
    found = facts_of(tape)

    assert (found.seconds, found.two_sided, found.crossed) == (110, 1.0, 0)
    assert (found.levels_median, found.levels_least) == (1.0, 1)
    assert found.spread_bp_median == pytest.approx(20.0)
    assert found.spread_ticks_median == 20
    assert found.touch_depth_median == pytest.approx(2.0)
    assert found.deep_over_touch == pytest.approx(13.5 / 6)
    assert found.takers_per_s == pytest.approx(3 / 110)
    assert found.buyers == pytest.approx(2 / 3)
    assert found.gap_ticks_mean == 10
    assert found.levels_enough == 0
    assert found.return_bp == 0
    assert found.return_kurtosis_10 is None


def test_a_price_sold_out_stands_again_or_does_not() -> None:
    tape, now = Tape("A", 1, begin=0), 0
    for price, comes_back_s in ((100, 4), (101, 6), (102, None)):
        tape.change(ASK, price, 5)
        now += 10 * SECOND
        tape.advance(now)
        tape.change(ASK, price, -5, traded=True)
        if comes_back_s is not None:
            now += comes_back_s * SECOND
            tape.advance(now)
            tape.change(ASK, price, 1)
    tape.change(ASK, 100, -1)

    assert (tape.emptied, tape.again) == (3, 1)
    assert facts_of(tape).touch_again == pytest.approx(1 / 3)


def test_a_market_without_anything_has_no_facts() -> None:
    found = facts_of(Tape("A", 1, begin=0))

    assert (found.seconds, found.levels_least, found.spread_bp_mean, found.buyers) == (0, 0, None, None)


def test_a_tape_holds_the_book_the_engine_holds() -> None:
    venue, tapes = study_taped(seconds=90)

    for tape in tapes:
        bids, asks = venue.levels(tape.symbol)
        assert tape.levels[BID] == {price: quantity for price, quantity, _ in bids}
        assert tape.levels[ASK] == {price: quantity for price, quantity, _ in asks}
        assert tape.quotes


def test_every_fact_has_its_words() -> None:
    assert tuple(name for name, _ in ROWS) == Facts.__struct_fields__


def test_half_an_hour_looks_like_a_market() -> None:
    found = [facts_of(tape) for tape in simulated_tapes(seconds=1_800, seed=1, rate=100)]

    for market in found:
        assert (market.two_sided, market.crossed) == (1.0, 0)
        assert (market.levels_least >= 20, market.levels_enough) == (True, 1.0)
        assert 1 < (market.spread_bp_mean or 0) < 20
        assert (market.spread_bp_p90 or 0) > (market.spread_bp_median or 0)
        assert (market.sign_memory_1 or 0) > 0.3
        assert (market.gap_ticks_mean or 99) < 8
        assert (market.arrivals_dispersion or 0) > 1.2
    assert max(market.return_kurtosis_10 or 0 for market in found) > 0.5
    # Volatility clusters, and returns do not: a mean over five markets without memory is within 0.1 997 times in 1,000.
    assert fmean(market.volatility_memory_1 or 0 for market in found) > 0.1
    assert fmean(market.volatility_memory_6 or 0 for market in found) > 0.05
    assert abs(fmean(market.return_memory_1 or 0 for market in found)) < 0.1


def test_the_supplied_facts_are_those_of_the_recorded_hour(real_hour: LobsterHour | None) -> None:
    if real_hour is None:
        return
    supplied = Path(facts.__file__).with_name("lobster_hour.json").read_bytes()
    again = facts_of(recorded_tape(real_hour.messages, real_hour.opening_book, symbol="recorded"))
    told = msgspec.to_builtins(msgspec.json.decode(supplied, type=Facts))

    assert msgspec.to_builtins(again) == pytest.approx(told, rel=1e-5, abs=1e-6)
