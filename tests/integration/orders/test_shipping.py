"""Trades from the journal into QuestDB: each once, whatever is lost on the way, and the place behind them."""

import io
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.marketdata.ticks.questdb_link import QuestDBRefusedError, QuestDBUnavailableError
from apps.marketdata.ticks.questdb_tables import Place
from apps.marketdata.ticks.questdb_writing import TickWriter
from apps.orders.matching.projector import ShardProjector
from apps.orders.models import JournalBatch
from apps.orders.shipping import ShippingRangeError, TickShipper
from cift.errors.application import ApplicationError
from cift.stack.questdb import READER
from tests.support.questdb_server import QuestDBServer
from tests.support.servers import server_running
from tests.support.shard import AAPL_USD, BTC_USD, journal_fill
from tests.support.shipped import head, of_the_store, of_the_tables
from tests.support.venue import ROOT


@pytest.fixture
def market(sqlite: Path) -> None:
    """A projected journal of two instruments."""
    journal_fill(300, step_ns=14_000_000_000)
    while ShardProjector(0).step():
        pass


@pytest.fixture
def writer(market: None, questdb_server: QuestDBServer) -> TickWriter:
    return questdb_server.emptied()


def ship_all(writer: TickWriter) -> int:
    shipper, count = TickShipper(0, writer), 0
    while shipped := shipper.step():
        count += shipped
    return count


def test_the_store_has_every_trade_of_the_tables_to_the_last_integer(
    writer: TickWriter, questdb_server: QuestDBServer
) -> None:
    assert ship_all(writer) == head().number

    assert of_the_store(questdb_server) == of_the_tables() != []
    assert writer.place(0) == head()
    assert questdb_server.store().sequence() == head().sequence
    assert {row[0] for row in of_the_tables()} == {AAPL_USD, BTC_USD}


def test_what_is_shipped_twice_is_there_once(writer: TickWriter, questdb_server: QuestDBServer) -> None:
    ship_all(writer)

    first, last, count = TickShipper(0, writer).backfill(first=1, last=None, progress=lambda _, __: None)

    assert (first, last, count) == (1, head().number, len(of_the_tables()))
    assert writer.settled()
    assert of_the_store(questdb_server) == of_the_tables()
    assert writer.place(0) == head()


def test_a_store_that_was_wiped_is_filled_again(writer: TickWriter, questdb_server: QuestDBServer) -> None:
    ship_all(writer)
    again = questdb_server.emptied()

    assert again.place(0) == Place(0, 0, 0)
    assert ship_all(again) == head().number
    assert of_the_store(questdb_server) == of_the_tables()


def test_a_backfill_moves_the_place_on_only_where_nothing_is_missing_before(
    writer: TickWriter, questdb_server: QuestDBServer
) -> None:
    shipper = TickShipper(0, writer)

    shipper.backfill(first=5, last=None, progress=lambda _, __: None)
    assert writer.place(0).number == 0
    shipper.backfill(first=1, last=7, progress=lambda _, __: None)
    assert writer.place(0).number == 7
    shipper.backfill(first=2, last=3, progress=lambda _, __: None)
    assert writer.place(0).number == 7, "a place never goes back"
    with pytest.raises(ShippingRangeError, match="has no batches 99999 to"):
        shipper.backfill(first=99_999, last=None, progress=lambda _, __: None)


def test_the_command_says_what_it_shipped(
    writer: TickWriter, questdb_server: QuestDBServer, settings: Settings
) -> None:
    settings.TICK_SHIPPING = questdb_server.options()
    said = io.StringIO()
    page = (ROOT / "docs" / "how-to" / "production.md").read_text()
    found = re.search(r"^python manage.py (backfill ticks .*)$", page, re.MULTILINE)
    assert found is not None

    call_command(*found.group(1).split(), stdout=said)

    assert f"the {len(of_the_tables()):,} trades of batches 1 to {head().number:,} are shipped" in said.getvalue()
    settings.TICK_SHIPPING = None
    with pytest.raises(CommandError, match="CIFT_QUESTDB_URL is not set"):
        call_command("backfill", "ticks")


def test_the_reader_may_not_write(writer: TickWriter, questdb_server: QuestDBServer) -> None:
    link = questdb_server.link(user=READER)

    for statement in ("TRUNCATE TABLE ticks", "INSERT INTO tick_places VALUES (0, 0, 1, 1, 1)", "DROP TABLE ticks"):
        with pytest.raises(QuestDBRefusedError, match="denied"):
            link.run(statement)


def test_trades_of_one_time_are_paged_by_their_sequence(questdb_server: QuestDBServer, writer: TickWriter) -> None:
    ship_all(writer)
    store = questdb_server.store()
    wanted = [row[1] for row in of_the_tables() if row[0] == AAPL_USD][::-1]

    found: list[int] = []
    while page := store.trades_page(
        AAPL_USD, limit=3, cursor=found[-1] if found else None, newer=False, start=None, end=None
    ):
        found += [tick.sequence for tick in page]

    assert found == wanted


def test_a_server_that_was_away_is_caught_up_with(market: None, questdb_package: Path, tmp_path: Path) -> None:
    with server_running(QuestDBServer(tmp_path)) as server:
        writer = server.emptied()
        TickShipper(0, writer).backfill(first=1, last=5, progress=lambda _, __: None)
        store = server.store()
        assert store.sequence() == writer.place(0).sequence
        server.kill()

        with pytest.raises(QuestDBUnavailableError):
            TickShipper(0, writer).step()
        with pytest.raises(ApplicationError) as caught:
            store.place(at=0)
        known = JournalBatch.objects.get(number=5).last_sequence
        assert (caught.value.code, caught.value.status) == ("history_unavailable", 503)
        assert caught.value.extra == {"store": "questdb", "known_sequence": known}

        server.start()
        assert writer.place(0).number == 5, "the same writer and store go on"
        ship_all(writer)
        assert of_the_store(server) == of_the_tables()
        assert store.sequence() == head().sequence
