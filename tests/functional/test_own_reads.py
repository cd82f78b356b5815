"""What one was told is what one reads, whichever process and way is asked, however far the tables are behind."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.schema import answer_check
from tests.support.traders import Trader
from tests.support.venue import Venue
from tests.support.webprocess import web_process

ROUNDS = 40
STOPPED_S, GOING_S = 0.04, 0.005
LOW = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "180", "quantity": "1"}
# By the way programs are answered, and by REST framework's.
ACCEPTED = ({"Accept": "*/*"}, {"Accept": "application/json, text/html;q=0.5"})


@contextmanager
def slowed(venue: Venue) -> Iterator[None]:
    """Have the projector stand still most of the time."""
    projector = venue.child("run_projector")
    ended = threading.Event()

    def hold() -> None:
        while not ended.wait(GOING_S):
            os.kill(projector, signal.SIGSTOP)
            ended.wait(STOPPED_S)
            os.kill(projector, signal.SIGCONT)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def elsewhere(running_venue: Venue, sessions: tuple[Trader, Trader]) -> Iterator[httpx.Client]:
    """A second web process, which the order service is not in."""
    with web_process(running_venue) as second:
        base, hooks = f"http://127.0.0.1:{second.port}/api/v1/", {"response": [answer_check]}
        with httpx.Client(base_url=base, headers=sessions[0].headers, timeout=30, event_hooks=hooks) as client:
            yield client


def test_an_order_is_read_as_it_was_acknowledged_by_every_process_and_way(
    running_venue: Venue, traders: tuple[Trader, Trader], elsewhere: httpx.Client
) -> None:
    trader = traders[0]
    stale = []
    with slowed(running_venue), trader.socket() as socket:
        for number in range(ROUNDS):
            reader = (trader.rest, elsewhere)[number % 2]
            headers = ACCEPTED[number // 2 % 2]
            order = trader.submit(**LOW) if number % 3 else socket.ask("order.submit", params=LOW)["result"]
            read = reader.get(f"orders/{order['id']}/", headers=headers)
            listed = reader.get("orders/?status=new", headers=headers).json()["results"]
            if read.status_code != 200 or order["id"] not in [each["id"] for each in listed]:
                stale.append((number, "submitted", read.text))
            canceled = trader.call("DELETE", f"orders/{order['id']}/")[1]
            read = reader.get(f"orders/{order['id']}/", headers=headers)
            if (read.status_code, read.json().get("status")) != (200, canceled["status"]):
                stale.append((number, "canceled", read.text))

    assert not stale


def test_money_and_positions_are_read_as_a_fill_left_them(
    running_venue: Venue, traders: tuple[Trader, Trader], elsewhere: httpx.Client
) -> None:
    maker, taker = traders
    seen = set()
    with slowed(running_venue), maker.socket() as socket:
        assert socket.ask("subscribe", channel="account")["ok"]
        for number in range(6):
            reader = (maker.rest, elsewhere)[number % 2]
            offer = maker.submit(**LOW, client_order_id=f"own-reads-{os.urandom(6).hex()}")
            taker.submit(symbol="AAPL-USD", side="sell", type="market", quantity="1")
            # The maker asked for nothing: the fill was told on its socket.
            while (fill := socket.next_message(channel="account", kind="fill"))["order"]["id"] != offer["id"]:
                pass
            fills = reader.get("fills/", params={"limit": "1"}).json()["results"]
            ledger = reader.get("ledger/", params={"limit": "10"}).json()["results"]
            assert fills[0]["id"] == fill["fill"]["id"]
            assert str(fill["sequence"]) in {str(each["sequence"]) for each in ledger}
            position = reader.get("positions/").json()["results"]
            balances = reader.get("balances/").json()["results"]
            seen.add(str((position, balances)))

    assert len(seen) == 6


def test_tables_that_do_not_come_are_said_to_be_behind(running_venue: Venue, traders: tuple[Trader, Trader]) -> None:
    maker, other = traders
    projector = running_venue.child("run_projector")
    assert other.call("GET", "orders/?status=new")[0] == 200
    os.kill(projector, signal.SIGSTOP)
    try:
        order = maker.submit(**LOW)
        answer = maker.rest.get(f"orders/{order['id']}/")
        # Who was told nothing does not wait for what others did.
        assert other.call("GET", "orders/?status=new")[0] == 200
    finally:
        os.kill(projector, signal.SIGCONT)

    assert (answer.status_code, answer.json()["code"]) == (503, "projection_behind")
    assert maker.call("GET", f"orders/{order['id']}/")[0] == 200
