"""The stylised facts of the venue's own market, from its journal, and the table they are shown in."""

import bisect
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from apps.marketdata.models import Instrument
from apps.orders.matching.engine import Engine, ask, engine_new, reexecute
from apps.orders.matching.journal import Journal, read_ahead
from apps.orders.matching.snapshots import snapshots_restored
from apps.simulation.facts.facts import Facts
from apps.simulation.facts.observing import Observer, Standing
from apps.simulation.facts.tape import Tape
from cift.wire.queries import OpenOrdersQuery

_NS = 1_000_000_000

ROWS: tuple[tuple[str, str], ...] = (
    ("seconds", "seconds"),
    ("messages_per_s", "orders and changes, per s"),
    ("takers_per_s", "takers, per s"),
    ("two_sided", "time with two sides, share"),
    ("crossed", "samples with a crossed book"),
    ("levels_median", "levels of the thinner side, median"),
    ("levels_least", "levels of the thinner side, least"),
    ("levels_enough", "time with 20 levels a side, share"),
    ("spread_bp_median", "spread, bp, median"),
    ("spread_bp_mean", "spread, bp, mean"),
    ("spread_bp_p90", "spread, bp, 90th percentile"),
    ("spread_ticks_median", "spread, ticks, median"),
    ("touch_depth_median", "depth at the touch, takers' median sizes, median"),
    ("touch_depth_mean", "depth at the touch, takers' median sizes, mean"),
    ("deep_over_touch", "depth of ten levels over the touch's"),
    ("gap_ticks_mean", "gaps between the ten best levels, ticks, mean"),
    ("touch_again", "sold out prices that stand again in 5 s, share"),
    ("size_p90_over_median", "takers' sizes, 90th percentile over median"),
    ("buyers", "takers who buy, share"),
    ("sign_memory_1", "takers' signs, autocorrelation, lag 1"),
    ("sign_memory_2", "the same, lag 2"),
    ("sign_memory_5", "the same, lag 5"),
    ("sign_memory_10", "the same, lag 10"),
    ("sign_memory_20", "the same, lag 20"),
    ("sign_memory_50", "the same, lag 50"),
    ("arrivals_dispersion", "takers' waits, standard deviation over mean"),
    ("return_bp", "returns over 10 s, bp, standard deviation"),
    ("return_kurtosis_1", "returns over 1 s, excess kurtosis"),
    ("return_kurtosis_10", "the same, over 10 s"),
    ("return_kurtosis_60", "the same, over 60 s"),
    ("return_memory_1", "returns over 10 s, autocorrelation, lag 1"),
    ("volatility_memory_1", "absolute returns, autocorrelation, lag 1"),
    ("volatility_memory_6", "the same, lag 6"),
    ("volatility_memory_18", "the same, lag 18"),
)
"""The facts in the order they are shown, and their words."""


class NothingRecordedError(Exception):
    """The journal has nothing to tell of."""


def journal_tapes(shard: int, *, seconds: int) -> list[Tape]:
    """Return what the simulated instruments did in the last seconds the journal has.

    The books at the beginning come from an engine brought there from the last snapshot before, or through the whole
    journal.

    Raises:
        NothingRecordedError: there is no such instrument, or no batch.
        JournalUnavailableError: the journal cannot be read.

    """
    journal = Journal(shard)
    head = journal.head()
    instruments = list(Instrument.objects.filter(simulated=True))
    if head is None or not instruments:
        raise NothingRecordedError("the venue has no simulated market yet")
    begin = head.at - seconds * _NS
    engine = _engine_before(journal, begin, last=head.number)
    first = journal.get(1)
    begin = max(begin, first.at if first else begin)
    tapes = {each.pk: Tape(each.symbol, each.tick_size, begin=begin) for each in instruments}
    observer = Observer(tapes, _standing(engine, list(tapes)))
    for rows in read_ahead(journal, engine.number):
        for row in rows:
            observer.take(at=row.at, events=row.events)
    observer.finish(head.at)
    return list(tapes.values())


def _engine_before(journal: Journal, at: int, *, last: int) -> Engine:
    """Return an engine behind the last batch before a time."""
    numbers = range(1, last + 1)
    upto = bisect.bisect_left(numbers, at, key=lambda number: _time_of(journal, number))
    engine = next((each for each in snapshots_restored(shard=journal.shard) if each.number <= upto), None)
    if engine is None:
        engine = engine_new(journal.shard)
    while engine.number < upto:
        reexecute(engine, journal.chunk(engine.number, rows=min(upto - engine.number, 1_000)), shard=journal.shard)
    return engine


def _time_of(journal: Journal, number: int) -> int:
    row = journal.get(number)
    return row.at if row is not None else 0


def _standing(engine: Engine, instruments: Sequence[int]) -> list[Standing]:
    standing = []
    for instrument in instruments:
        found = ask(engine, OpenOrdersQuery(instrument))
        standing += [Standing(each.order_id, instrument, each.side, each.price, each.leaves) for each in found]
    return standing


def facts_show(console: Console, columns: Mapping[str, Facts]) -> None:
    """Show markets side by side."""
    table = Table("", *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, words in ROWS:
        table.add_row(words, *(_written(getattr(facts, name)) for facts in columns.values()))
    console.print(table)


def _written(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
