"""Stored candles: they equal the trades, go with the projection, and leave when they are old, on both databases."""

import io
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from pytest_django import Settings

from apps.marketdata.candles.folding import Candle
from apps.marketdata.candles.intervals import BASES_S, NS_PER_S, begin_behind
from apps.marketdata.models import CandleHistory, StoredCandle
from apps.orders.auditing.audit import audit
from apps.orders.codes import Liquidity
from apps.orders.matching.candles import CandleRetention, history_of
from apps.orders.matching.projector import ShardProjector
from apps.orders.models import Fill, JournalBatch, Projection
from tests.support.shard import AAPL_USD, BTC_USD, journal_fill

STEP_NS = 14 * NS_PER_S

CandlesFound = dict[tuple[int, int], Candle]


def project_all() -> None:
    projector = ShardProjector(0, batches_max=3)
    while projector.step():
        pass


def stored(base: int) -> CandlesFound:
    rows = StoredCandle.objects.filter(interval_s=base).values_list("instrument_id", *Candle._fields)
    return {(row[0], row[1]): Candle._make(row[1:]) for row in rows}


def of_the_fills(base: int) -> CandlesFound:
    """The candles as the fills table has them."""
    listed: defaultdict[tuple[int, int], list[Fill]] = defaultdict(list)
    for fill in Fill.objects.filter(liquidity=int(Liquidity.TAKER)).order_by("id"):
        listed[fill.instrument_id, fill.executed_at // (base * NS_PER_S) * base * NS_PER_S].append(fill)
    return {
        (instrument, start): Candle(
            start_at=start,
            open=fills[0].price,
            high=max(fill.price for fill in fills),
            low=min(fill.price for fill in fills),
            close=fills[-1].price,
            volume=sum(fill.quantity for fill in fills),
            notional=sum(fill.notional for fill in fills),
            trades=len(fills),
            first_sequence=fills[0].trade_id,
            last_sequence=fills[-1].trade_id,
        )
        for (instrument, start), fills in listed.items()
    }


@pytest.fixture
def market(databases: str) -> None:
    """A projected journal of two instruments, some minutes long."""
    journal_fill(300, step_ns=STEP_NS)
    project_all()


def test_the_candles_of_every_base_are_the_trades_of_the_fills_table(market: None) -> None:
    for base in BASES_S:
        assert stored(base) == of_the_fills(base)
    assert {key[0] for key in stored(1)} == {AAPL_USD, BTC_USD}
    assert len(stored(1)) > len(stored(60)) > len(stored(900)) > 1
    assert audit(0).violation is None


def test_a_projector_that_starts_again_goes_on_with_its_candles(databases: str) -> None:
    engine = journal_fill(160, step_ns=STEP_NS)
    project_all()
    journal_fill(160, step_ns=STEP_NS, engine=engine, seed=2)
    project_all()

    for base in BASES_S:
        assert stored(base) == of_the_fills(base)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda candles: candles.update(volume=F("volume") + 1), "volume"),
        (lambda candles: candles.update(close=F("low"), open=F("low"), high=F("low")), "by the journal"),
        (lambda candles: candles.delete(), "in the journal alone"),
    ],
)
def test_the_audit_finds_a_candle_that_is_not_its_trades(
    market: None, damage: Callable[[Any], object], told: str
) -> None:
    last = StoredCandle.objects.filter(interval_s=60, high__gt=F("low")).order_by("start_at").values("pk")[1]["pk"]
    damage(StoredCandle.objects.filter(pk=last))

    violation = audit(0).violation

    assert violation is not None
    assert violation.invariant == 15
    assert told in violation.detail


def test_the_audit_finds_a_candle_the_journal_does_not_make(market: None) -> None:
    row = StoredCandle.objects.filter(interval_s=60).first()
    assert row is not None
    row.start_at -= 86_400 * NS_PER_S
    row.save(force_insert=True)

    violation = audit(0).violation

    assert violation is not None
    assert (violation.invariant, "the journal makes" in violation.detail) == (15, True)


def test_old_candles_leave_in_steps_and_what_is_left_is_whole(market: None, settings: Settings) -> None:
    settings.CANDLES_KEEP_S = {1: 60, 15: 60, 60: 120}
    at = Projection.objects.get(shard=0).updated_at
    before = {base: stored(base) for base in BASES_S}
    keeper, steps = CandleRetention(0, step_rows=5), 0
    while keeper.step():
        steps += 1
    assert steps > len(settings.CANDLES_KEEP_S)

    for base in BASES_S:
        keep_s = settings.CANDLES_KEEP_S.get(base)
        begins = 0 if keep_s is None else (at - keep_s * NS_PER_S) // (base * NS_PER_S) * base * NS_PER_S
        assert history_of(0)[base] == begins
        assert stored(base) == {key: candle for key, candle in before[base].items() if key[1] >= begins}
    assert len(stored(1)) < len(before[1])
    assert audit(0).violation is None
    assert CandleRetention(0).step() == 0


def test_tables_from_before_there_were_candles_get_those_that_begin_later(databases: str) -> None:
    engine = journal_fill(200, step_ns=STEP_NS)
    project_all()
    StoredCandle.objects.all().delete()
    CandleHistory.objects.all().delete()
    assert audit(0).violation is None
    at = Projection.objects.get(shard=0).updated_at
    journal_fill(200, step_ns=STEP_NS, engine=engine, seed=2)

    project_all()

    for base in BASES_S:
        begins = begin_behind(at, interval_s=base)
        assert history_of(0)[base] == begins
        assert stored(base) == {key: candle for key, candle in of_the_fills(base).items() if key[1] >= begins}
    assert stored(60)
    assert audit(0).violation is None


def backfill(*words: str) -> str:
    told = io.StringIO()
    call_command("backfill", "rollups", *words, stdout=told)
    return told.getvalue()


@pytest.mark.parametrize("words", [(), ("--from", "1"), ("--from", "1", "--to", "999999")])
def test_candles_of_tables_from_before_there_were_any_are_filled_in(market: None, words: tuple[str, ...]) -> None:
    before = {base: stored(base) for base in BASES_S}
    StoredCandle.objects.all().delete()
    CandleHistory.objects.all().delete()

    assert "batches 1 to" in backfill(*words)

    assert {base: stored(base) for base in BASES_S} == before
    assert history_of(0) == dict.fromkeys(BASES_S, 0)
    assert audit(0).violation is None
    backfill(*words)
    assert {base: stored(base) for base in BASES_S} == before


def test_a_range_fills_in_only_candles_that_are_whole_in_it(market: None) -> None:
    """And the history does not begin earlier for a range that does not reach it."""
    before = {base: stored(base) for base in BASES_S}
    head = Projection.objects.get(shard=0).last_number
    batches = dict(JournalBatch.objects.values_list("number", "at"))
    StoredCandle.objects.all().delete()
    CandleHistory.objects.all().delete()
    project_all()
    history = history_of(0)

    backfill("--from", "5", "--to", str(head - 3))

    for base in BASES_S:
        begins, ended = begin_behind(batches[4], interval_s=base), batches[head - 3] - base * NS_PER_S
        assert stored(base) == {key: each for key, each in before[base].items() if begins <= key[1] <= ended}
    assert history_of(0) == history
    assert audit(0).violation is None
    backfill("--from", "5")
    assert history_of(0) == {base: begin_behind(batches[4], interval_s=base) for base in BASES_S}
    assert audit(0).violation is None


@pytest.mark.parametrize("words", [("--from", "0"), ("--from", "3", "--to", "2"), ("--from", "999999")])
def test_a_range_that_is_none_is_refused(market: None, words: tuple[str, ...]) -> None:
    before = stored(1)

    with pytest.raises(CommandError):
        backfill(*words)

    assert stored(1) == before
