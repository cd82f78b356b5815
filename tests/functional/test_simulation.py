"""The simulated market of a running venue: what anybody sees of it, and how it begins, goes on and ends."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.venue import ROOT, Venue, manage

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("simulated") / "var"
    opened = Venue(folder, environment={"SIMULATION": "1", "SIMULATION_RATE": "150", "SIMULATION_SEED": "11"}).start()
    try:
        yield opened.wait_open()
    finally:
        opened.end()


def book(venue: Venue, symbol: str = "AAPL-USD") -> dict[str, Any]:
    status, body = venue.get(f"/api/v1/instruments/{symbol}/book/?depth=50")
    assert status == 200, body
    return dict(body)


def until(venue: Venue, seen: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < give_up_at, venue.output
        time.sleep(0.1)


def stands(venue: Venue, symbol: str) -> bool:
    found = book(venue, symbol)
    return min(len(found["bids"]), len(found["asks"])) >= 20


def rows(venue: Venue, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(venue.folder / "db.sqlite3", timeout=10)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def subscribed(venue: Venue, channel: str) -> dict[str, Any]:
    with connect(f"ws://127.0.0.1:{venue.port}/ws/v1/", open_timeout=PATIENCE_S) as socket:
        socket.send(json.dumps({"id": 1, "op": "subscribe", "channel": channel, "symbol": "AAPL-USD"}))
        answer = json.loads(socket.recv(timeout=PATIENCE_S))
        return dict(answer["result"])


def simulate(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "simulate", *words],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "cift.settings.embedded",
            "CIFT_DATA_DIR": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_every_instrument_has_a_book_of_two_sides_and_trades(venue: Venue) -> None:
    for symbol in ("AAPL-USD", "MSFT-USD", "SPY-USD", "BTC-USD", "ETH-USD"):
        until(venue, lambda symbol=symbol: stands(venue, symbol))  # type: ignore[misc]
    until(venue, lambda: any(book(venue, symbol)["last_price"] for symbol in ("AAPL-USD", "MSFT-USD", "SPY-USD")))


def test_what_is_simulated_says_so(venue: Venue) -> None:
    until(venue, lambda: stands(venue, "AAPL-USD"))
    _, body = venue.get("/api/v1/instruments/AAPL-USD/")

    assert body["simulated"] is True
    assert subscribed(venue, "ticker")["simulated"] is True
    assert "simulated" in manage(venue, "venue_status")
    assert "simulated    the market" in venue.output
    owners = (
        "SELECT COUNT(*) FROM accounts_account JOIN accounts_user ON accounts_user.id = owner_id WHERE simulated = {}"
    )
    assert rows(venue, owners.format(1) + " AND email LIKE '%@simulation.cift.localhost'") == [(7,)]
    assert rows(venue, owners.format(0) + " AND email LIKE '%@simulation.cift.localhost'") == [(0,)]


def test_the_agents_money_is_in_the_audit_records(venue: Venue) -> None:
    until(venue, lambda: stands(venue, "AAPL-USD"))
    found = rows(venue, "SELECT outcome, after FROM accounts_auditrecord WHERE action = 'simulation.fund'")

    assert [outcome for outcome, _ in found].count("done") == 7
    assert all(json.loads(after)["USD"] > 0 for _, after in found)


def test_a_second_simulation_is_one_clear_line(venue: Venue) -> None:
    until(venue, lambda: stands(venue, "AAPL-USD"))
    second = simulate(venue.folder)

    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "another simulation (process" in second.stderr


def test_the_market_goes_on_behind_a_killed_order_service(venue: Venue) -> None:
    until(venue, lambda: stands(venue, "AAPL-USD"))
    os.kill(venue.child("embedded_web"), signal.SIGKILL)
    venue.wait_ready()
    before = book(venue)["sequence"]

    until(venue, lambda: book(venue)["sequence"] > before + 100)
    until(venue, lambda: stands(venue, "AAPL-USD"))


def test_a_killed_simulation_is_started_again(venue: Venue) -> None:
    until(venue, lambda: stands(venue, "AAPL-USD"))
    os.kill(venue.child("apps.simulation.live"), signal.SIGKILL)
    venue.wait_for("the simulation ended (killed by SIGKILL)")
    before = book(venue)["sequence"]

    until(venue, lambda: book(venue)["sequence"] > before + 100)


def test_the_agents_take_their_orders_with_them(venue: Venue) -> None:
    until(venue, lambda: stands(venue, "AAPL-USD"))

    assert venue.end() == 0
    assert rows(venue, "SELECT COUNT(*) FROM orders_order WHERE status IN (0, 1)") == [(0,)]


def test_what_a_lost_machine_left_in_the_books_is_taken_back(tmp_path: Path) -> None:
    lost = Venue(tmp_path / "var", environment={"SIMULATION": "1"}).start().wait_open()
    until(lost, lambda: stands(lost, "AAPL-USD"))
    for process in (lost.process.pid, *lost.children()):
        os.kill(process, signal.SIGKILL)
    lost.wait_end()

    after = Venue(tmp_path / "var").start().wait_open()
    try:
        after.wait_for("orders of an earlier simulation are canceled")
        assert book(after) | {"bids": [], "asks": []} == book(after)
    finally:
        after.end()


@pytest.mark.parametrize(
    ("words", "environment", "line"),
    [
        (["--rate", "4"], {}, "--rate must be a whole number from 5 to 1000, not '4'"),
        (["--seed", "-1"], {}, "--seed must be a whole number from 0 to 9223372036854775807, not '-1'"),
        ([], {"SIMULATION_RATE": "5000"}, "SIMULATION_RATE must be a whole number from 5 to 1000, not '5000'"),
    ],
)
def test_a_parameter_out_of_range_is_one_clear_line(
    tmp_path: Path, words: list[str], environment: dict[str, str], line: str
) -> None:
    ended = simulate(tmp_path / "var", *words, **environment)

    assert ended.returncode == 1
    assert ended.stderr == f"{line}\n"
