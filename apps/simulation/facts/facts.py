"""The stylised facts of a market, by the same arithmetic for a simulated one and a recorded one.

Which facts, and what real markets show: Cont (2001) for returns (fat tails, clustered volatility, no linear
autocorrelation), Lillo and Farmer (2004) and Bouchaud et al. (2004) for the long memory of trades' signs, Bouchaud,
Mézard and Potters (2002) for the shape of the book, Bowsher (2007) and Filimonov and Sornette (2012) for arrivals that
excite themselves.
"""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from apps.simulation.facts.tape import Quote, Tape

RETURN_S = 10
"""Returns are taken over so long where nothing else is said: shorter ones are mostly the bounce between ticks."""

LEVELS = 20
"""A side of so many levels is one to trade on."""

_BASIS_POINTS = 1e4
_KURTOSIS_NORMAL = 3


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; None where there is too little to tell.

    Spreads, levels and depth are over samples a second apart, signs and sizes over takers (what one took at once counts
    once), returns over 10 s of the middle of the touch, or what stands behind their name. Depths are in median takers'
    sizes. `gap_ticks_mean` is between the ten best levels of a side; `touch_again`: of prices that takers sold out, the
    share that stood again within five seconds, as an iceberg's does.
    """

    seconds: int
    messages_per_s: float
    takers_per_s: float
    two_sided: float
    crossed: int
    levels_median: float
    levels_least: int
    levels_enough: float
    spread_bp_median: float | None
    spread_bp_mean: float | None
    spread_bp_p90: float | None
    spread_ticks_median: float | None
    touch_depth_median: float | None
    touch_depth_mean: float | None
    deep_over_touch: float | None
    gap_ticks_mean: float | None
    touch_again: float | None
    size_p90_over_median: float | None
    buyers: float | None
    sign_memory_1: float | None
    sign_memory_2: float | None
    sign_memory_5: float | None
    sign_memory_10: float | None
    sign_memory_20: float | None
    sign_memory_50: float | None
    arrivals_dispersion: float | None
    return_bp: float | None
    return_kurtosis_1: float | None
    return_kurtosis_10: float | None
    return_kurtosis_60: float | None
    return_memory_1: float | None
    volatility_memory_1: float | None
    volatility_memory_6: float | None
    volatility_memory_18: float | None


def facts_of(tape: Tape) -> Facts:
    """Measure a market."""
    quotes = [quote for quote in tape.quotes if quote.bid and quote.ask]
    spreads = sorted(_BASIS_POINTS * (quote.ask - quote.bid) / _middle(quote) for quote in quotes)
    ticks = [(quote.ask - quote.bid) / tape.tick_size for quote in quotes]
    sizes = sorted(float(taking.quantity) for taking in tape.takings)
    size = _quantile(sizes, 0.5)
    touches = sorted((quote.bid_quantity + quote.ask_quantity) / 2 for quote in quotes)
    levels = [min(quote.bid_levels, quote.ask_levels) for quote in tape.quotes]
    signs = [float(taking.sign) for taking in tape.takings]
    waits = [(after.at - before.at) / 1e9 for before, after in pairwise(tape.takings)]
    returns = _returns(tape.quotes, RETURN_S)
    moves = [abs(each) for each in returns]
    touch = statistics.fmean(touches) if touches else None
    seconds = max(len(tape.quotes), 1)
    return Facts(
        seconds=len(tape.quotes),
        messages_per_s=tape.changes / seconds,
        takers_per_s=len(signs) / seconds,
        two_sided=len(quotes) / seconds,
        crossed=sum(quote.bid >= quote.ask for quote in quotes),
        levels_median=statistics.median(levels) if levels else 0.0,
        levels_least=min(levels, default=0),
        levels_enough=sum(each >= LEVELS for each in levels) / seconds,
        spread_bp_median=_quantile(spreads, 0.5),
        spread_bp_mean=statistics.fmean(spreads) if spreads else None,
        spread_bp_p90=_quantile(spreads, 0.9),
        spread_ticks_median=statistics.median(ticks) if ticks else None,
        touch_depth_median=_over(_quantile(touches, 0.5), size),
        touch_depth_mean=_over(touch, size),
        deep_over_touch=_over(statistics.fmean(tape.deep) / 2 if tape.deep else None, touch),
        gap_ticks_mean=statistics.fmean(tape.gaps) / tape.tick_size if tape.gaps else None,
        touch_again=tape.again / tape.emptied if tape.emptied else None,
        size_p90_over_median=_over(_quantile(sizes, 0.9), size),
        buyers=sum(sign > 0 for sign in signs) / len(signs) if signs else None,
        sign_memory_1=autocorrelation(signs, 1),
        sign_memory_2=autocorrelation(signs, 2),
        sign_memory_5=autocorrelation(signs, 5),
        sign_memory_10=autocorrelation(signs, 10),
        sign_memory_20=autocorrelation(signs, 20),
        sign_memory_50=autocorrelation(signs, 50),
        arrivals_dispersion=_over(statistics.pstdev(waits), statistics.fmean(waits)) if len(waits) > 1 else None,
        return_bp=_BASIS_POINTS * statistics.pstdev(returns) if len(returns) > 1 else None,
        return_kurtosis_1=excess_kurtosis(_returns(tape.quotes, 1)),
        return_kurtosis_10=excess_kurtosis(returns),
        return_kurtosis_60=excess_kurtosis(_returns(tape.quotes, 60)),
        return_memory_1=autocorrelation(returns, 1),
        volatility_memory_1=autocorrelation(moves, 1),
        volatility_memory_6=autocorrelation(moves, 6),
        volatility_memory_18=autocorrelation(moves, 18),
    )


def autocorrelation(values: Sequence[float], lag: int) -> float | None:
    """Correlate a series with itself so many places later; None where nothing varies or there is too little."""
    if len(values) < 4 * lag + 8:
        return None
    mean = statistics.fmean(values)
    off = [value - mean for value in values]
    power = math.fsum(value * value for value in off)
    if power <= 0:
        return None
    return math.fsum(before * after for before, after in zip(off, off[lag:], strict=False)) / power


def excess_kurtosis(values: Sequence[float]) -> float | None:
    """How much fatter than a normal distribution's the tails are: 0 for as fat."""
    if len(values) < 8:  # noqa: PLR2004 - fewer say nothing
        return None
    mean = statistics.fmean(values)
    second = statistics.fmean((value - mean) ** 2 for value in values)
    if second <= 0:
        return None
    return statistics.fmean((value - mean) ** 4 for value in values) / second**2 - _KURTOSIS_NORMAL


def _middle(quote: Quote) -> float:
    return (quote.bid + quote.ask) / 2


def _returns(quotes: Sequence[Quote], over_s: int) -> list[float]:
    """Return the logarithmic returns of the middle; over a time without two sides there is none."""
    sampled = [_middle(quote) if quote.bid and quote.ask else None for quote in quotes[::over_s]]
    return [math.log(after / before) for before, after in pairwise(sampled) if before and after]


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None


def _over(value: float | None, unit: float | None) -> float | None:
    return value / unit if value is not None and unit else None
