"""Projector, verifier, recovery and audit on a journal of random commands, on both databases."""

from typing import Any

import pytest
from django.db import connections

from apps.orders.auditing.audit import audit
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector, projection_rebuild
from apps.orders.matching.recovery import recover
from apps.orders.matching.tables import PROJECTED, WRITES, tables_clear
from apps.orders.matching.verifier import ShardVerifier
from apps.orders.models import Fill, Order, Projection, Snapshot
from tests.support.shard import journal_fill


def dump() -> dict[str, list[tuple[object, ...]]]:
    """All projected rows, without the numbers the database gave them."""
    tables = {}
    models: tuple[Any, ...] = (*PROJECTED, Projection)
    for model in models:
        write = next((each for each in WRITES.values() if each.model is model), None)
        columns = write.columns if write else [field.column for field in model._meta.concrete_fields]
        rows = model._default_manager.values_list(*columns)
        tables[model._meta.label] = sorted(
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows
        )
    return tables


def project_all(*, batches_max: int = 1_000) -> None:
    projector = ShardProjector(0, batches_max=batches_max)
    while projector.step():
        pass


def test_the_tables_do_not_depend_on_how_the_journal_was_cut(databases: str) -> None:
    engine = journal_fill(1_500)
    project_all()
    in_one_go = dump()
    assert Projection.objects.get(shard=0).last_number == engine.number
    assert Order.objects.count() > 500
    assert Fill.objects.count() > 200
    assert len(Order.objects.values_list("status", flat=True).distinct()) >= 5
    number = projection_rebuild(0, progress=lambda _at, _last: None)
    assert number == engine.number
    assert dump() == in_one_go
    Projection.objects.filter(shard=0).delete()
    with connections["default"].cursor() as cursor:
        tables_clear(cursor)
    project_all(batches_max=1)
    assert dump() == in_one_go


def test_a_new_engine_from_snapshot_and_journal_is_the_old_one(databases: str) -> None:
    engine = journal_fill(600)
    verifier = ShardVerifier(0, every_batches=10, every_s=60)
    while verifier.step():
        pass
    assert Snapshot.objects.count() >= 1
    engine = journal_fill(200, seed=2, engine=engine)
    assert Snapshot.objects.latest("number").number < engine.number
    again = recover(Journal(0))
    assert (again.number, again.sequence, again.chain) == (engine.number, engine.sequence, engine.chain)
    assert again.state_hash() == engine.state_hash()


@pytest.mark.parametrize("lag", [0, 7])
def test_an_honest_record_is_clean(databases: str, lag: int) -> None:
    journal_fill(1_500)
    project_all()
    verifier = ShardVerifier(0, every_batches=10, every_s=60)
    while verifier.step():
        pass
    if lag:
        journal_fill(lag * 20, seed=3, engine=recover(Journal(0)))
    report = audit(0)
    assert report.violation is None
    assert report.batches == report.projected + (lag + 1 if lag else 0)
    assert report.snapshots >= 1
    assert report.events > 3_000
