"""Programs on the socket: the tutorial's, the examples' bot, orders that go with their socket, coming back."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from tests.support.proxy import proxied
from tests.support.traders import Trader
from tests.support.venue import ROOT, Venue

WAIT_S_MAX = 30.0
SELL = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "10"}


TUTORIAL_PRINTS: list[dict[str, Any]] = [
    {"id": 3, "ok": True, "status": 201},
    {"channel": "account", "type": "order", "event": "accepted"},
    {"channel": "book", "type": "update", "bids": [["180", "1", 1]]},
]
"""What the tutorial's program prints of its order."""


class Program:
    """A program's lines, as JSON objects: a line has one, or an array of them."""

    def __init__(self, words: list[str], **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        self._lines: Queue[dict[str, Any]] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = json.loads(line)
            for each in found if isinstance(found, list) else [found]:
                self._lines.put(each)

    def line(self, **wanted: Any) -> dict[str, Any]:
        """Return the next line that has all this."""
        while True:
            line = self._lines.get(timeout=WAIT_S_MAX)
            if wanted.items() <= line.items():
                return line

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)


@contextmanager
def running(words: list[str], **environment: str) -> Iterator[Program]:
    program = Program(words, **environment)
    try:
        yield program
    finally:
        program.end()


def open_orders(trader: Trader) -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = []
    for status in ("new", "partially_filled"):
        code, body = trader.call("GET", "orders/", params={"status": status})
        assert code == 200
        orders += body["results"]
    return orders


def wait_open_orders(trader: Trader, count: int) -> None:
    give_up_at = time.monotonic() + WAIT_S_MAX
    while len(open_orders(trader)) != count:
        assert time.monotonic() < give_up_at, open_orders(trader)
        time.sleep(0.05)


def buy_one(taker: Trader) -> str:
    """Buy one, however often it takes while the bot is changing its quotes; return the consistency token."""
    give_up_at = time.monotonic() + WAIT_S_MAX
    while True:
        order = taker.submit(symbol="AAPL-USD", side="buy", type="market", quantity="1")
        if order["filled_quantity"] == "1":
            return str(order["consistency_token"])
        assert time.monotonic() < give_up_at, order
        time.sleep(0.05)


def test_the_program_of_the_tutorial_runs(running_venue: Venue, traders: tuple[Trader, Trader], tmp_path: Path) -> None:
    page = ROOT / "docs" / "tutorial" / "first-program.md"
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(program.splitlines()) == 10
    path = tmp_path / "client.py"
    path.write_text(program.replace("127.0.0.1:8000", f"127.0.0.1:{running_venue.port}"), encoding="utf-8")
    with running([str(path)], TOKEN=traders[0].token, PYTHONUNBUFFERED="1") as client:
        assert client.line(id=1)["ok"]
        assert client.line(channel="account", type="snapshot")["account_sequence"] > 0
        assert client.line(id=2)["ok"]
        assert client.line(channel="book", type="snapshot")["depth"] == 10
        # The order's answer, its event and its place in the book come in any order.
        told: list[dict[str, Any]] = []
        while not all(any(want.items() <= line.items() for line in told) for want in TUTORIAL_PRINTS):
            told.append(client.line())


def test_the_bot_starts_by_the_command_of_the_tutorial(running_venue: Venue, traders: tuple[Trader, Trader]) -> None:
    page = (ROOT / "docs" / "tutorial" / "first-program.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^TOKEN=\$DEMO python (.+)$", page, re.MULTILINE)
    script, *options = command.split()
    words = [str(ROOT / script), *options, "--url", f"ws://127.0.0.1:{running_venue.port}/ws/v1/"]
    with running(words, TOKEN=traders[0].token) as program:
        assert program.line(event="connected")["resumed"] is False
        program.line(event="quoted", side="buy")
        program.line(event="quoted", side="sell")


def test_the_bot_survives_cuts_and_counts_each_fill_once(running_venue: Venue, traders: tuple[Trader, Trader]) -> None:
    maker, taker = traders
    bot = str(ROOT / "docs" / "tutorial" / "examples" / "quoting_bot.py")
    with proxied(running_venue.port) as proxy:
        words = [bot, "--url", f"ws://127.0.0.1:{proxy.port}/ws/v1/", "--fair", "190.00", "--refresh-s", "60"]
        with running(words, TOKEN=maker.token) as program:
            begun = Decimal(program.line(event="connected")["position"])
            program.line(event="quoted", side="sell")
            wait_open_orders(maker, 2)
            token, bought = "", 0
            for cut in (True, False, True):
                token = buy_one(taker)
                bought += 1
                if cut:
                    # Whatever is on its way at this moment is made up for.
                    proxy.cut()
                    program.line(event="connected")
                program.line(event="quoted", side="sell")
                wait_open_orders(maker, 2)
            status, body = maker.call("GET", "positions/", params={"at_least": token})
            assert status == 200
            (held,) = (row["quantity"] for row in body["results"] if row["symbol"] == "AAPL-USD")
            proxy.cut()
            filled = Decimal(program.line(event="connected", resumed=True)["position"])
            assert filled == Decimal(held) == begun - bought
    wait_open_orders(maker, 0)


def test_orders_go_with_their_socket_if_it_says_so(running_venue: Venue, traders: tuple[Trader, Trader]) -> None:
    trader = traders[0]
    with trader.socket() as socket:
        assert socket.ask("order.submit", params=SELL)["ok"]
    with trader.socket() as socket:
        wait_open_orders(trader, 1)
        assert socket.ask("cancel_on_disconnect", enabled=True)["result"] == {"enabled": True}
        assert socket.ask("order.submit", params=SELL)["ok"]
    wait_open_orders(trader, 0)

    with proxied(running_venue.port) as proxy:
        url, trader.socket_url = trader.socket_url, f"ws://127.0.0.1:{proxy.port}/ws/v1/"
        try:
            with trader.socket() as socket:
                socket.ask("cancel_on_disconnect", enabled=True)
                assert socket.ask("order.submit", params=SELL)["ok"]
                proxy.cut()
                wait_open_orders(trader, 0)
        finally:
            trader.socket_url = url

    with trader.socket(authenticated=False) as stranger:
        assert stranger.ask("cancel_on_disconnect", enabled=True)["error"]["code"] == "unauthenticated"


def test_every_channel_goes_on_from_where_its_reader_was(traders: tuple[Trader, Trader]) -> None:
    maker, taker = traders
    public = {"book": {"depth": 10}, "trades": {}, "ticker": {}}
    maker.submit(**SELL)
    taker.submit(symbol="AAPL-USD", side="buy", type="market", quantity="1")
    with maker.socket() as socket:
        stood: dict[str, int] = {}
        for channel, more in public.items():
            assert not socket.ask("subscribe", channel=channel, symbol="AAPL-USD", **more)["result"]["resumed"]
            stood[channel] = socket.next_message(channel=channel, kind="snapshot")["sequence"]
        assert not socket.ask("subscribe", channel="account")["result"]["resumed"]
        stood["account"] = socket.next_message(channel="account", kind="snapshot")["account_sequence"]
    taker.submit(symbol="AAPL-USD", side="buy", type="market", quantity="2")
    with maker.socket() as socket:
        for channel, more in public.items():
            answer = socket.ask("subscribe", channel=channel, symbol="AAPL-USD", from_sequence=stood[channel], **more)
            assert answer["result"]["resumed"], channel
            assert socket.next_message(channel=channel)["previous"] == stood[channel]
        assert socket.ask("subscribe", channel="account", from_sequence=stood["account"])["result"]["resumed"]
        missed = socket.next_message(channel="account")
        assert (missed["previous"], missed["type"]) == (stood["account"], "fill")


def test_a_program_is_told_whether_an_instrument_trades(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket(authenticated=False) as socket:
        assert socket.ask("subscribe", channel="status", symbol="AAPL-USD")["ok"]
        assert socket.next_message(channel="status", kind="snapshot")["status"] == "continuous"
