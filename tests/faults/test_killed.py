"""Processes killed at the worst moment: what was acknowledged is there, and nothing is there twice."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from apps.orders.auditing.audit import audit
from apps.orders.matching.errors import ProjectionOvertakenError
from apps.orders.matching.exclusive import projection_alone
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector
from apps.orders.matching.recovery import recover
from apps.orders.models import Order, Projection
from cift.wire.queries import IdQuery
from tests.support.databases import ALIASES
from tests.support.shard import DrivenWriter, Flow, batch_append, journal_fill, opening


def child(what: str) -> "subprocess.Popen[str]":
    """Start a process on this test's databases."""
    given: dict[str, Any] = {alias: dict(connections[alias].settings_dict) for alias in ALIASES}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.child", what, json.dumps(given, default=str)],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_was_acknowledged_survives_a_kill(databases: str) -> None:
    acknowledged: list[tuple[int, str]] = []
    process = child("write")
    assert process.stdout is not None
    for line in process.stdout:
        words = line.split()
        acknowledged.append((int(words[0]), words[1]))
        if len(acknowledged) == 300:
            process.kill()
    assert process.wait() == -signal.SIGKILL
    # The lease has seconds to run, but its holder is gone: nobody waits for it.
    shard = DrivenWriter().start()
    for account, order_id in acknowledged:
        assert shard.ask(IdQuery(account, order_id)).found
    (events,) = shard.do(Flow().submit())
    assert not isinstance(events, str)
    shard.stop()
    assert audit(0).violation is None


def test_a_projector_killed_before_its_commit_goes_on_without_a_trace(databases: str) -> None:
    engine = journal_fill(600)
    process = child("project")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert Projection.objects.get(shard=0).last_number == 5
    projector = ShardProjector(0)
    while projector.step():
        pass
    assert projector.number == engine.number
    assert audit(0).violation is None


def test_two_projectors_do_not_write_twice(databases: str) -> None:
    journal_fill(300)
    first, second = ShardProjector(0), ShardProjector(0)
    while first.step():
        pass
    before = Order.objects.count()
    with pytest.raises(ProjectionOvertakenError):
        second.step()
    second.reread()
    assert second.step() == 0
    assert Order.objects.count() == before
    assert audit(0).violation is None


def test_a_rebuild_is_refused_while_a_projector_runs(databases: str) -> None:
    journal_fill(100)
    process = child("project")
    process.communicate()
    with projection_alone(0):
        connection = connections["default"]
        if databases == "postgresql":
            # The lock is the connection's: the command must come by another.
            held = connection.connection
            connection.connection = None
            with pytest.raises(CommandError, match="projected by another process"):
                call_command("rebuild_projection")
            connection.close()
            connection.connection = held
        else:
            with pytest.raises(CommandError, match="projected by another process"):
                call_command("rebuild_projection")
    call_command("rebuild_projection")
    assert audit(0).violation is None


def test_commands_do_their_work_once_and_end(databases: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("run_matching", once=True)
    engine = recover(Journal(0))
    batch_append(Journal(0), engine, opening())
    journal_fill(400, engine=engine)
    call_command("run_projector", once=True)
    call_command("audit", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["clean"]
    assert report["projected"] == report["batches"] > 10
    assert report["snapshots"] == 1
    Order.objects.update(fee=1_000_000_000)
    with pytest.raises(CommandError, match="invariant 12") as caught:
        call_command("audit", halt=True)
    assert caught.value.returncode == 1
    call_command("rebuild_projection")
    call_command("audit", lift_halt=True)
    assert "clean" in capsys.readouterr().out
