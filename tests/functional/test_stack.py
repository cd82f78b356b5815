"""The production topology: PostgreSQL, NATS, an order service with a standby, and two web processes, killed in turn."""

import asyncio
import json
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from apps.marketdata.messages import trades_decode
from apps.marketdata.ticks.questdb_link import QuestDBLink, QuestDBRefusedError, QuestDBUnavailableError
from cift.bus.base import BusError
from cift.stack.questdb import READER
from cift.wire.streams import MARKET_DATA, place_decode
from tests.faults.plugs import Pulling
from tests.support.stack import RunningStack
from tests.support.traders import Trader
from tests.support.venue import ROOT
from tests.support.waiting import until

TAKEOVER_S_MAX = 3.0
AGAIN_S_MAX = 60.0
PAUSE_S = 0.05
LOW = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "180", "quantity": "1"}


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    # Not in pytest's folder, which is this user's alone: PostgreSQL runs as another where this one is root.
    with tempfile.TemporaryDirectory(prefix="cift-stack-") as folder:
        running = RunningStack(Path(folder)).start()
        try:
            running.wait_for("CIFT Markets is open")
            yield running
        finally:
            running.end()


@pytest.fixture(scope="module")
def trader(stack: RunningStack) -> Trader:
    return Trader(stack, list(stack.logins())[1])


def busy() -> float:
    """How many processes want each core: what takes a second on a machine alone takes so many."""
    return max(1.0, float(psutil.getloadavg()[0]) / (psutil.cpu_count() or 1))


def placed_again(trader: Trader, client_order_id: str) -> str:
    """Send one order over and over until it is acknowledged, as a client does whose answer got lost; give its id."""
    give_up_at = time.monotonic() + AGAIN_S_MAX
    said: object = None
    while True:
        assert time.monotonic() < give_up_at, said
        try:
            status, said = trader.call("POST", "orders/", json={**LOW, "client_order_id": client_order_id})
        except httpx.HTTPError as error:
            said = repr(error)
            continue
        assert isinstance(said, dict)
        if status in (200, 201):
            return str(said["id"])
        assert status in (503, 504), said
        time.sleep(PAUSE_S)


def shown(trader: Trader, *ids: str) -> None:
    """Wait until the tables have these orders, by whichever web process answers."""
    give_up_at = time.monotonic() + AGAIN_S_MAX
    while True:
        status, body = trader.call("GET", "orders/?limit=100")
        # A server that was just killed may be on its way back.
        assert status in (200, 503), body
        missing = set(ids) - {str(order["id"]) for order in body.get("results", ())}
        if not missing:
            return
        assert time.monotonic() < give_up_at, missing


def test_the_command_of_the_page_is_answered(stack: RunningStack) -> None:
    page = (ROOT / "docs" / "how-to" / "production.md").read_text()
    (command,) = re.findall(r"^curl --cacert .+$", page, re.MULTILINE)
    command = command.replace("var/stack", str(stack.folder)).replace("8443", str(stack.port))
    told = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["status"] in ("ok", "degraded")


def test_whatever_server_is_killed_nothing_that_was_told_is_lost(stack: RunningStack) -> None:
    # The first of all that trade: the accounts are the bookkeeper's alone.
    faults = [f"kill {part}" for part in ("NATS", "QuestDB", "Valkey", "web process", "worker")]
    pulling = Pulling(stack, seed=1, faults=faults)

    asyncio.run(pulling.run(count=len(faults)))

    assert {each.fault: each.violations for each in pulling.pulled} == {fault: [] for fault in faults}


def test_an_order_by_one_web_process_is_told_by_both(stack: RunningStack, trader: Trader) -> None:
    assert len(stack.pids("run_web")) == 2
    with trader.socket() as first, trader.socket() as second, trader.socket() as third, trader.socket() as fourth:
        sockets = (first, second, third, fourth)
        for socket in sockets:
            assert socket.ask("subscribe", channel="account")["ok"]
        order = trader.submit(**LOW)
        for socket in sockets:
            while order["id"] not in str(socket.next_message(channel="account")):
                pass


def test_the_standby_takes_over_from_a_killed_order_service(stack: RunningStack, trader: Trader) -> None:
    before = {placed_again(trader, f"before-{number}") for number in range(20)}
    holder = stack.holder()
    stack.kill(holder)
    began = time.monotonic()
    # Asked on the bus: an order that had reached the dead one would wait for its answer first.
    while stack.holder() == holder:
        pass
    took_s = time.monotonic() - began
    after = placed_again(trader, "after")
    shown(trader, *before, after)
    assert placed_again(trader, "before-7") in before
    assert took_s <= TAKEOVER_S_MAX * busy()


def test_an_order_service_that_stood_still_past_its_lease_writes_nothing_and_ends(
    stack: RunningStack, trader: Trader
) -> None:
    stack.wait_parts("run_matching", 2)
    holder = psutil.Process(stack.holder())
    holder.send_signal(signal.SIGSTOP)
    try:
        taken = placed_again(trader, "beside-the-stopped-one")
        assert stack.holder() != holder.pid
    finally:
        holder.send_signal(signal.SIGCONT)
    holder.wait(timeout=AGAIN_S_MAX)
    shown(trader, taken)
    assert placed_again(trader, "beside-the-stopped-one") == taken


def test_the_venue_goes_on_after_postgresql_was_killed(stack: RunningStack, trader: Trader) -> None:
    # Waited for: until the projector has made up the tables' last moments, reads may be older than what was told.
    told = placed_again(trader, "before-postgres")
    (pid,) = stack.pids("postgres")
    stack.kill(pid)
    after = placed_again(trader, "after-postgres")
    shown(trader, told, after)


def stored(link: QuestDBLink) -> list[int]:
    """The trades in QuestDB, which may be on its way back; the workers make the table when the first of them looks."""
    with suppress(QuestDBRefusedError, QuestDBUnavailableError):
        return [sequence for (sequence,) in link.run("SELECT sequence FROM ticks")]
    return []


def test_a_trade_reaches_its_store_by_the_workers_and_is_read_there(stack: RunningStack, trader: Trader) -> None:
    seller = Trader(stack, next(iter(stack.logins())))
    for each in (trader, seller):
        each.clear()
    seller.submit(**{**LOW, "side": "sell"})
    taken = trader.submit(**LOW)
    sequence = int(taken["fills"][0]["sequence"])
    link = QuestDBLink(
        host="127.0.0.1", port=stack.ports.questdb_sql, user=READER, password=stack.password("questdb-reader")
    )
    try:
        until(lambda: sequence in stored(link))
    finally:
        link.close()
    status, body = trader.call("GET", "instruments/AAPL-USD/trades/")
    assert status == 200
    assert sequence in [trade["sequence"] for trade in body["results"]]


def test_the_journal_is_in_the_streams_and_comes_back_when_one_is_deleted(stack: RunningStack, trader: Trader) -> None:
    """The publisher may delete no stream, so the store is wiped under the server, as a lost disk is."""
    seller = Trader(stack, next(iter(stack.logins())))
    for each in (trader, seller):
        each.clear()
    seller.submit(**{**LOW, "side": "sell"})
    sequence = int(trader.submit(**LOW)["fills"][0]["sequence"])

    def newest() -> list[int]:
        with suppress(BusError):
            last = asyncio.run(stack.stream_last(MARKET_DATA))
            if last is not None and ".trades." in last.subject:
                return [trade[0] for trade in trades_decode(last.payload).trades]
            return [place_decode(last.payload).sequence] if last is not None else []
        return []

    until(lambda: max(newest(), default=0) >= sequence)
    (pid,) = stack.pids("nats-server")
    shutil.rmtree(stack.folder / "nats" / "jetstream")
    stack.kill(pid)
    until(lambda: max(newest(), default=0) >= sequence)
    shown(trader, placed_again(trader, "after-the-wipe"))


def test_random_bytes_on_every_subject_end_no_process(stack: RunningStack, trader: Trader) -> None:
    before = {process.pid for process in stack.processes()}
    with trader.socket() as socket:
        assert socket.ask("subscribe", channel="account")["ok"]
        assert socket.ask("subscribe", channel="book", symbol="AAPL-USD")["ok"]
        asyncio.run(stack.strange_bytes_everywhere())
        order = trader.submit(**LOW)
        while order["id"] not in str(socket.next_message(channel="account")):
            pass
    shown(trader, placed_again(trader, "after-strange-bytes"))
    assert before == {process.pid for process in stack.processes()}


def test_it_ends_with_all_it_started(stack: RunningStack) -> None:
    started = psutil.Process(stack.process.pid).children(recursive=True)
    assert stack.end() == 0, stack.output
    assert [process for process in started if process.is_running()] == []
