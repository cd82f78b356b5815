"""`manage.py stylised_facts` over a journal of simulated trading: it says what was seen while it came about."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.marketdata.models import Instrument
from apps.orders.matching.engine import Batch, row_of
from apps.orders.matching.followers import Follower
from apps.orders.matching.journal import Journal
from apps.simulation.facts.facts import Facts, facts_of
from apps.simulation.facts.observing import Observer
from apps.simulation.facts.report import ROWS
from apps.simulation.facts.tape import Tape
from tests.support.simulated import market

TRADED_S, MEASURED_S = 75, 60


def called(**options: object) -> str:
    told = StringIO()
    call_command("stylised_facts", stdout=told, **options)
    return told.getvalue()


def refused(**options: object) -> str:
    told = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("stylised_facts", stderr=told, no_color=True, **options)
    assert ended.value.code == 1
    return told.getvalue()


def traded() -> dict[str, Facts]:
    """Write a journal of simulated trading; give what its last minute showed, seen from its beginning."""
    venue, population = market(seed=3, rate=100)
    batches: list[Batch] = []
    venue.run(population, seconds=TRADED_S, observe=batches.append)
    journal, last = Journal(0), batches[-1].at
    begin = last - MEASURED_S * 10**9
    tapes = {number: Tape(each.symbol, each.tick_size, begin=begin) for number, each in enumerate(venue.terms, 1)}
    observer = Observer(tapes)
    for batch in batches:
        journal.append(row_of(batch, epoch=1))
        observer.take(at=batch.at, events=batch.events)
    observer.finish(last)
    Follower(0, once=True).project()
    Instrument.objects.update(simulated=True)
    return {tape.symbol: facts_of(tape) for tape in tapes.values()}


def test_the_last_minute_of_a_journal_is_measured_and_shown(sqlite: object) -> None:
    seen = traded()
    told = json.loads(called(seconds=MEASURED_S, json=True))

    assert list(told) == ["recorded", *seen]
    for symbol, facts in seen.items():
        assert told[symbol] == {name: getattr(facts, name) for name in Facts.__struct_fields__}
        assert facts.seconds == MEASURED_S
        assert facts.takers_per_s > 0
    shown = called(seconds=MEASURED_S)
    assert all(symbol in shown for symbol in seen)
    assert all(words in shown for _, words in ROWS)
    row = next(line for line in shown.splitlines() if "takers, per s" in line)
    assert f"{seen['BTC-USD'].takers_per_s:,.2f}" in row


def test_what_cannot_be_measured_is_one_line(sqlite: object) -> None:
    for seconds in (59, 604_801, -1):
        assert refused(seconds=seconds) == f"--seconds must be a whole number from 60 to 604800, not {seconds}\n"
    assert refused(seconds=60) == "the venue has no simulated market yet\n"


def test_the_bounds_themselves_are_taken(sqlite: object) -> None:
    traded()

    for seconds in (60, 604_800):
        assert json.loads(called(seconds=seconds, json=True))["AAPL-USD"]["seconds"] <= TRADED_S
