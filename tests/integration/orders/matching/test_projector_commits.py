"""The projector's commits do not wait for the disk: what a lost machine takes along is projected again."""

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connections

from apps.orders.auditing.audit import audit
from apps.orders.matching.projector import ShardProjector
from apps.orders.models import Order, Projection
from tests.support.shard import journal_fill


def synchronisation(alias: str) -> str:
    connection = connections[alias]
    statement = "SHOW synchronous_commit" if connection.vendor == "postgresql" else "PRAGMA synchronous"
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


def project_all() -> None:
    projector = ShardProjector(0)
    while projector.step():
        pass


def test_only_the_projectors_connection_to_the_tables_commits_without_the_disk(databases: str) -> None:
    full, swift = ("on", "off") if databases == "postgresql" else ("2", "1")
    journal_fill(50)
    assert synchronisation("default") == full
    project_all()
    assert synchronisation("default") == swift
    assert synchronisation("journal") == full
    assert synchronisation("snapshots") == full
    connections["default"].close()
    assert synchronisation("default") == full


def test_tables_that_lost_their_last_commits_are_projected_again(sqlite: None, tmp_path: Path) -> None:
    engine = journal_fill(300)
    project_all()
    file = Path(connections["default"].settings_dict["NAME"])
    earlier = tmp_path / "earlier.sqlite3"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(earlier)) as kept:
        source.backup(kept)
    before = Projection.objects.get(shard=0).last_number
    engine = journal_fill(300, seed=2, engine=engine)
    project_all()
    expected = sorted(Order.objects.values_list("id", "status", "sequence"))
    connections["default"].close()
    # The machine is gone, and with it all transactions behind some moment.
    with closing(sqlite3.connect(earlier)) as kept, closing(sqlite3.connect(file)) as target:
        kept.backup(target)
    assert Projection.objects.get(shard=0).last_number == before
    project_all()
    assert Projection.objects.get(shard=0).last_number == engine.number
    assert sorted(Order.objects.values_list("id", "status", "sequence")) == expected
    assert audit(0).violation is None
