"""The operator's one screen: of a running venue, and of one that rests."""

import json
import os
from io import StringIO
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connections
from rich.console import Console

from apps.orders.management.commands.venue_status import screen
from apps.orders.matching.followers import Follower
from apps.orders.matching.halt import halt_raise
from apps.orders.matching.service import MatchingService
from apps.orders.monitoring.processes import processes_of
from apps.orders.monitoring.status import VenueStatus, venue_status
from cift.bus import buses
from tests.support.shard import journal_fill


def shown(status: VenueStatus) -> str:
    file = StringIO()
    Console(file=file, width=120).print(screen(status))
    return file.getvalue()


def test_without_a_running_venue_the_tables_are_read_and_it_is_said(
    databases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = journal_fill(400)
    Follower(0, once=True).project()
    with pytest.raises(SystemExit) as ended:
        call_command("venue_status", json=True)
    assert ended.value.code == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["source"], found["ready"], found["service"]) == ("tables", False, None)
    assert found["journal_sequence"] == engine.sequence
    assert found["followers"]["projector"]["lag_events"] == 0
    assert found["followers"]["verifier"]["lag_events"] == engine.sequence
    assert {book["symbol"] for book in found["books"]} == {"AAPL-USD", "BTC-USD"}
    assert all(book["bid"] and book["ask"] for book in found["books"])

    with pytest.raises(SystemExit):
        call_command("venue_status")
    assert "none answers; what follows is from the tables" in capsys.readouterr().out


async def test_a_running_venue_says_itself_how_it_is(sqlite: Path) -> None:
    await sync_to_async(journal_fill, thread_sensitive=False)(100)
    bus = buses["default"]
    await bus.start()
    service = MatchingService(bus, sockets=lambda: 7)
    await service.start()
    try:
        await service.ready(timeout_s=30)
        status = await venue_status()
        await sync_to_async(halt_raise, thread_sensitive=False)(shard=0, number=1, detail="a test's doubt")
        halted = await venue_status()
    finally:
        await service.stop()
        await bus.close()

    assert (status.source, status.ready) == ("running", True)
    assert status.service is not None
    assert (status.service.pid, status.service.state, status.service.sockets) == (os.getpid(), "ready", 7)
    assert status.service.recovery_s is not None
    assert os.getpid() in [each.pid for each in status.processes]
    assert "last recovery" in shown(status)
    assert not halted.ready
    assert "halted: a test's doubt" in shown(halted)


def test_a_folder_without_tables_is_one_line(sqlite: Path) -> None:
    connections.close_all()
    (sqlite / "db.sqlite3").unlink()
    with pytest.raises(CommandError, match="no venue was ever started on this data, or its tables cannot be read"):
        call_command("venue_status")


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, float("nan")])
def test_a_pause_out_of_bounds_is_one_line(sqlite: Path, seconds: float) -> None:
    with pytest.raises(CommandError, match="--watch takes"):
        call_command("venue_status", watch=seconds)


def test_a_process_that_is_gone_is_nobody() -> None:
    assert processes_of(2**22 + 1) == []
