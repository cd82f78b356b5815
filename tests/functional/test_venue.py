"""The venue as its operator meets it: one command, two signals, and what goes wrong in between."""

import os
import signal
import socket
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from cift.embedded.logins import DEMO
from tests.support.printing import Printing
from tests.support.venue import Venue, free_port, venue_open
from tests.support.webprocess import wait_alive


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    # However full this machine's disk is.
    with venue_open(
        tmp_path_factory.mktemp("venue") / "var", CIFT_DISK_FREE_PERCENT="0", CIFT_DISK_FREE_MIB="1"
    ) as opened:
        yield opened


def rows(venue: Venue, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(venue.folder / "db.sqlite3")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_the_console_shows_address_logins_instruments_and_what_is_simulated(venue: Venue) -> None:
    logins = venue.logins()

    assert f"http://127.0.0.1:{venue.port}" in venue.output
    for email, password in logins.items():
        assert email in venue.output
        assert password in venue.output
    for symbol in ("AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD"):
        assert symbol in venue.output
    assert "simulated    nothing" in venue.output


def test_all_that_is_in_the_data_folder_is_its_owner_s_alone(venue: Venue) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in venue.folder.iterdir()}

    assert {"secrets.json", "logins.json", "db.sqlite3", "journal.sqlite3", "snapshots.sqlite3"} <= modes.keys()
    assert stat.S_IMODE(venue.folder.stat().st_mode) == 0o700
    assert not {name: oct(mode) for name, mode in modes.items() if mode & 0o077}


def test_ready_names_each_store_and_all_are_ok(venue: Venue) -> None:
    status, body = venue.get("/ready")

    assert status == 200
    assert {name: check["status"] for name, check in body["checks"].items()} == dict.fromkeys(
        (
            *("database", "journal", "snapshots", "descriptors", "disk", "order_service", "trading"),
            *("projection", "verification", "first_start"),
        ),
        "ok",
    )


def test_the_first_accounts_have_their_paper_money(venue: Venue) -> None:
    wanted = """
        SELECT u.email, s.symbol, b.total FROM accounts_balance b
        JOIN accounts_account a ON a.id = b.account_id JOIN accounts_user u ON u.id = a.owner_id
        JOIN marketdata_asset s ON s.id = b.asset_id ORDER BY u.id, s.id
    """
    give_up_at = time.monotonic() + 10
    while len(found := rows(venue, wanted)) < 12 and time.monotonic() < give_up_at:
        time.sleep(0.05)

    assert ("demo@cift.localhost", "USD", 1_000_000 * 10**6) in found
    assert len(found) == 12


def test_a_second_venue_on_the_same_data_is_one_clear_line(venue: Venue) -> None:
    second = Venue(venue.folder).start()

    assert second.wait_end() == 1
    assert second.output == (f"another venue (process {venue.process.pid}) runs on the data folder {venue.folder}\n")


def test_a_used_port_is_one_clear_line(venue: Venue, tmp_path: Path) -> None:
    second = Venue(tmp_path / "var", port=venue.port).start()

    assert second.wait_end() == 1
    assert second.output == (f"port {venue.port} on 127.0.0.1 is in use: end what uses it, or set PORT to another\n")


def test_a_data_folder_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    venue = Venue(tmp_path / "file").start()

    assert venue.wait_end() == 1
    assert len(venue.lines) == 1
    assert str(tmp_path / "file") in venue.output


def test_a_web_process_that_is_killed_comes_back(venue: Venue) -> None:
    first = venue.child("embedded_web")
    os.kill(first, signal.SIGKILL)
    venue.wait_for("the web process ended (killed by SIGKILL); restarting it")
    venue.wait_ready()

    assert venue.child("embedded_web") != first


def test_a_projector_that_is_killed_comes_back(venue: Venue) -> None:
    first = venue.child("run_projector")
    os.kill(first, signal.SIGKILL)
    venue.wait_for("the projector ended (killed by SIGKILL); restarting it")
    give_up_at = time.monotonic() + 20
    while first in venue.children() or len(venue.children()) < 2:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "web_server"), [(signal.SIGTERM, "daphne"), (signal.SIGINT, "uvicorn")])
def test_a_signal_ends_it_quickly_and_a_second_start_finds_everything_as_it_was(
    tmp_path: Path, number: signal.Signals, web_server: str
) -> None:
    with venue_open(tmp_path / "var", WEB_SERVER=web_server) as first:
        children = first.children()
        logins = first.logins()
        idle = socket.create_connection(("127.0.0.1", first.port))
        began = time.monotonic()
        code = first.end(number)
        took_s = time.monotonic() - began
        idle.close()
    batches = journal_batches(tmp_path / "var")
    began = time.monotonic()
    with venue_open(tmp_path / "var") as second:
        ready_s = time.monotonic() - began
        assert second.logins() == logins
        # Printed once, when they were made.
        assert all(password in first.output and password not in second.output for password in logins.values())

    assert code == 0
    assert took_s < 10
    assert ready_s < 30
    assert not any(psutil.pid_exists(child) for child in children)
    # The second start opened an epoch, and had nothing else to do.
    assert journal_batches(tmp_path / "var") == batches + 1


def journal_batches(folder: Path) -> int:
    connection = sqlite3.connect(folder / "journal.sqlite3")
    try:
        count: int = connection.execute("SELECT count(*) FROM orders_journalbatch").fetchone()[0]
        return count
    finally:
        connection.close()


def test_children_end_when_their_supervisor_is_killed_and_the_folder_is_free_again(tmp_path: Path) -> None:
    with venue_open(tmp_path / "var") as venue:
        children = venue.children()
        os.kill(venue.process.pid, signal.SIGKILL)
        venue.wait_end()
        give_up_at = time.monotonic() + 10
        while any(psutil.pid_exists(child) for child in children):
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
    with venue_open(tmp_path / "var"):
        pass


def test_a_data_folder_with_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    with venue_open(tmp_path / ("d" * 120) / "var") as venue:
        assert venue.get("/ready")[0] == 200


def test_a_web_server_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "var", environment={"WEB_SERVER": "apache"}).start()

    assert venue.wait_end() == 1
    assert venue.output == "WEB_SERVER must be one of daphne, uvicorn, not 'apache'\n"


def test_a_port_that_is_no_port_is_one_clear_line(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "var", port=free_port())
    venue.port = 99_999
    venue.start()

    assert venue.wait_end() == 1
    assert venue.output == "PORT must be a whole number from 1 to 65535, not '99999'\n"


def test_a_lost_shard_ends_the_whole_venue_with_a_line_that_says_so(tmp_path: Path) -> None:
    with venue_open(tmp_path / "var") as venue:
        connection = sqlite3.connect(venue.folder / "journal.sqlite3", timeout=10)
        connection.execute(
            "UPDATE orders_writerlease SET epoch = epoch + 1, holder = 'other', expires_at = expires_at + 60000000000"
        )
        connection.commit()
        connection.close()
        children = venue.children()
        code = venue.wait_end()

    assert code == 1
    assert "the order service has ended: " in venue.output
    assert venue.lines[-1] == "the venue has ended: the web process cannot go on; its last line says why\n"
    assert not any(psutil.pid_exists(child) for child in children)


def test_who_waits_for_ready_at_a_first_start_can_trade_at_once(tmp_path: Path) -> None:
    venue = Venue(tmp_path / "var").start()
    try:
        venue.wait_ready()
        login = {"email": DEMO, "password": venue.logins()[DEMO]}
        answer = httpx.post(f"http://127.0.0.1:{venue.port}/api/v1/auth/token/", json=login, timeout=10)
        assert answer.json()["access"]
        assert len(venue.get("/api/v1/instruments/")[1]["results"]) == 5
    finally:
        venue.end()


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_a_web_process_of_its_own_ends_in_order(tmp_path: Path, server: str) -> None:
    web, port = Printing(), free_port()
    given = {"DJANGO_SETTINGS_MODULE": "cift.settings.embedded", "CIFT_DATA_DIR": str(tmp_path), "WEB_SERVER": server}
    web.launch("run_web", "--port", str(port), **given)
    wait_alive(port, web.process)

    assert web.end() == 0, web.output
    assert "Error" not in web.output
