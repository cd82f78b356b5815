"""What sockets are told without asking: real servers, real sockets, and an operator at work in the back office."""

import re
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.operators import Operator
from tests.support.proxy import proxied
from tests.support.rawsocket import RawSocket
from tests.support.traders import Socket, Trader
from tests.support.venue import Venue, venue_open

PING_S = 1
OP_CLOSE, OP_PING = 0x8, 0x9
SELL = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "100"}
BUY = {"symbol": "AAPL-USD", "side": "buy", "type": "market", "quantity": "1"}
LOW = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "180", "quantity": "1"}
TERMS = {"status": "0", "fee_tier": "0", "open_orders_max": "1000", "stp": "1"}


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A venue of one's own to halt, which does not wait long for an answer to its pings."""
    folder = tmp_path_factory.mktemp("told") / "var"
    with venue_open(folder, WEB_SERVER=request.param, CIFT_SOCKET_PING_SECONDS=str(PING_S)) as opened:
        yield opened


@pytest.fixture(scope="module")
def operator(venue: Venue) -> Operator:
    return Operator(venue, *next(iter(venue.logins().items())))


@pytest.fixture(scope="module")
def maker(venue: Venue) -> Trader:
    return Trader(venue, next(iter(venue.logins())))


@pytest.fixture(scope="module")
def trader(venue: Venue) -> Trader:
    return Trader(venue, list(venue.logins())[1])


def code_of(socket: Socket) -> str:
    """Send an order by the socket; give the code it is refused with, or its status."""
    answer = socket.ask("order.submit", params=LOW)
    if not answer["ok"]:
        return str(answer["error"]["code"])
    assert socket.ask("order.cancel", params={"id": answer["result"]["id"]})["ok"]
    return str(answer["result"]["status"])


def ended(venue: Venue, reason: str) -> int:
    """How many sockets the venue says it ended for a reason."""
    text = httpx.get(f"http://127.0.0.1:{venue.port}/metrics", timeout=30).raise_for_status().text
    found = re.search(rf'^cift_sockets_ended_by_venue_total{{reason="{reason}"}} (.+)$', text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def test_who_answers_no_ping_is_cut_and_who_does_stays(venue: Venue, trader: Trader) -> None:
    before = ended(venue, "slow_consumer")
    with trader.socket() as answering:
        mute = RawSocket(venue.port)
        try:
            frames = list(mute.frames())
        finally:
            mute.close()

        assert [opcode for opcode, _ in frames] == [OP_PING, OP_CLOSE]
        assert int.from_bytes(frames[-1][1][:2]) == 4008
        assert frames[-1][1][2:] == b"slow_consumer"
        # The other was pinged as often meanwhile.
        assert answering.ask("ping")["ok"]
        assert answering.closed.empty()
    assert ended(venue, "slow_consumer") == before + 1


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        (struct.pack("!BBQ4x", 0x81, 0xFF, 10_000_000), 1009, "message too large"),
        (struct.pack("!BB4x", 0x81, 0x81) + b"\xff", 1007, "text not UTF-8"),
        (struct.pack("!BB4x", 0x8F, 0x80), 1002, "protocol error"),
    ],
)
def test_who_sends_what_is_no_message_is_counted_once(venue: Venue, sent: bytes, code: int, reason: str) -> None:
    before = ended(venue, reason)
    faulty = RawSocket(venue.port)
    try:
        # What is wrong comes twice; that it is, is told and counted once.
        faulty.connection.sendall(2 * sent)
        (_, told) = list(faulty.frames())[-1]
    finally:
        faulty.close()

    assert int.from_bytes(told[:2]) == code
    assert ended(venue, reason) == before + 1


def trades_since(socket: Socket, last: int, *, until: int) -> list[dict[str, Any]]:
    """Take trades, each of which follows the one before, until one has a sequence."""
    told = []
    while last < until:
        trade = socket.next_message(channel="trades", kind="trade")
        assert trade["previous"] == last
        last = trade["sequence"]
        told.append(trade)
    return told


def test_a_gap_of_trades_is_repaired_across_a_reconnect(venue: Venue, maker: Trader, trader: Trader) -> None:
    maker.submit(**SELL)
    begun = trader.submit(**BUY)["fills"][0]["sequence"]
    told: list[dict[str, Any]] = []
    with proxied(venue.port) as proxy:
        direct, trader.socket_url = trader.socket_url, f"ws://127.0.0.1:{proxy.port}/ws/v1/"
        try:
            with trader.socket(authenticated=False) as reader:
                reader.ask("subscribe", channel="trades", symbol="AAPL-USD")
                snapshot = reader.next_message(channel="trades", kind="snapshot")
                last = snapshot["sequence"]
                assert last == begun
                told += trades_since(reader, last, until=trader.submit(**BUY)["fills"][0]["sequence"])
                proxy.cut()
                assert reader.close_code() == 1006
            # These are in nobody's socket.
            for _ in range(3):
                final = trader.submit(**BUY)["fills"][0]["sequence"]
            with trader.socket(authenticated=False) as reader:
                last = told[-1]["sequence"]
                answer = reader.ask("subscribe", channel="trades", symbol="AAPL-USD", from_sequence=last)
                assert answer["result"]["resumed"]
                told += trades_since(reader, last, until=final)
                last, final = final, trader.submit(**BUY)["fills"][0]["sequence"]
                told += trades_since(reader, last, until=final)
        finally:
            trader.socket_url = direct
    status, shown = trader.call("GET", "instruments/AAPL-USD/trades/", params={"limit": len(told)})
    assert status == 200
    assert [trade["id"] for trade in reversed(told)] == [trade["id"] for trade in shown["results"]]
    maker.clear()


def test_a_halt_is_told_and_orders_are_refused_behind_it(operator: Operator, trader: Trader) -> None:
    with trader.socket() as socket:
        socket.ask("subscribe", channel="status", symbol="AAPL-USD")
        stood = socket.next_message(channel="status", kind="snapshot")
        assert (stood["status"], code_of(socket)) == ("continuous", "new")
        for action, status, code in (
            ("halt", "halted", "instrument_halted"),
            ("cancel_only", "cancel_only", "instrument_cancel_only"),
            ("resume", "continuous", "new"),
        ):
            operator.act("marketdata/instrument", action, 1)
            told = socket.next_message(channel="status", kind="update")
            assert (told["previous"], told["status"]) == (stood["sequence"], status)
            assert code_of(socket) == code
            stood = told


def test_a_suspension_and_kill_switches_are_told_and_orders_are_refused(operator: Operator, trader: Trader) -> None:
    with trader.socket() as socket:
        socket.ask("subscribe", channel="account")
        account = trader.call("GET", "account/")[1]["id"]
        for change, terms, code in (
            ({"status": "1"}, ("suspended", False), "account_inactive"),
            ({"killed": "on"}, ("active", True), "account_killed"),
            ({}, ("active", False), "new"),
        ):
            operator.post(f"accounts/account/{account}/change/", **(TERMS | change))
            told = socket.next_message(channel="account", kind="account")
            assert told["event"] == "changed"
            assert (told["account"]["status"], told["account"]["killed"]) == terms
            assert code_of(socket) == code


def channels_of(socket: Socket) -> list[str]:
    """Name the channels of what came and nobody asked for yet, the server's pings aside."""
    assert socket.ask("ping")["ok"]
    return [message["channel"] for message in list(socket.messages.queue) if "channel" in message]


def kill_switch_set(operator: Operator, switch: str) -> None:
    page = operator.post("orders/venuestate/kill-switch/", switch=switch, confirmed="yes")
    assert re.search(rf"kill switch is {switch}", page)


def test_the_venue_s_kill_switch_is_told_to_all_who_listen_and_orders_are_refused(
    operator: Operator, trader: Trader
) -> None:
    with trader.socket() as socket, trader.socket(authenticated=False) as stranger:
        socket.ask("subscribe", channel="status")
        stood = socket.next_message(channel="status", kind="snapshot")
        assert (stood["symbol"], stood["kill_switch"]) == (None, False)
        stranger.ask("subscribe", channel="status", symbol=None)
        assert stranger.next_message(channel="status") == stood
        # It is no instrument's: of one nobody trades, neither the status nor the sequence moves.
        stranger.ask("subscribe", channel="status", symbol="BTC-USD")
        assert stranger.next_message(channel="status")["symbol"] == "BTC-USD"
        book = trader.call("GET", "instruments/BTC-USD/book/")

        began = stood
        for switch, code in (("on", "venue_killed"), ("on", "venue_killed"), ("off", "new")):
            kill_switch_set(operator, switch)
            if (switch == "on") is not stood["kill_switch"]:
                told = socket.next_message(channel="status")
                assert (told["type"], told["symbol"], told["previous"]) == ("update", None, stood["sequence"])
                assert told["kill_switch"] is (switch == "on")
                assert stranger.next_message(channel="status") == told
                stood = told
            assert code_of(socket) == code

        with trader.socket(authenticated=False) as late:
            answer = late.ask("subscribe", channel="status", from_sequence=began["sequence"])
            assert answer["result"] == {"channel": "status", "resumed": True}
            missed = [late.next_message(channel="status", kind="update") for _ in range(2)]
            assert [told["kill_switch"] for told in missed] == [True, False]
            assert missed[-1] == stood

        assert trader.call("GET", "instruments/BTC-USD/book/") == book
        assert channels_of(stranger) == []


def test_the_venue_s_status_can_be_left_and_be_left_without_having_been_joined(
    operator: Operator, trader: Trader
) -> None:
    with trader.socket() as socket:
        for _ in range(2):
            assert socket.ask("unsubscribe", channel="status")["result"] == {"channel": "status"}
            assert socket.ask("subscribe", channel="status", from_sequence=0)["result"]["resumed"] is False
            assert socket.next_message(channel="status")["resumed"] is False
            assert socket.ask("unsubscribe", channel="status", symbol=None)["result"] == {"channel": "status"}
            for switch in ("on", "off"):
                kill_switch_set(operator, switch)
        assert code_of(socket) == "new"
        assert channels_of(socket) == []
