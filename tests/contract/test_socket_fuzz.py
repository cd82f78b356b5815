"""The socket under messages nobody meant: each is answered once, or ends the socket in a stated way.

`pytest --fuzz-seconds=600 --fuzz-seed=7 tests/contract/test_socket_fuzz.py` looks longer, and elsewhere.
"""

import json
import queue
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.traders import Socket, Trader
from tests.support.venue import Venue, manage

CLOSES = {1003, 1007, 1009, 4001, 4003, 4009, 4029}
"""What may end a socket that sends such things."""

AT_ONCE = 12

ORDER = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "100", "quantity": "1"}
SEEDS: list[dict[str, Any]] = [
    {"op": "ping"},
    {"op": "subscribe", "channel": "book", "symbol": "AAPL-USD", "depth": 10, "from_sequence": 5},
    {"op": "subscribe", "channel": "trades", "symbol": "BTC-USD"},
    {"op": "subscribe", "channel": "ticker", "symbol": "AAPL-USD"},
    {"op": "subscribe", "channel": "candles", "symbol": "AAPL-USD", "interval": "1s", "from_sequence": 5},
    {"op": "subscribe", "channel": "status", "symbol": "AAPL-USD", "from_sequence": 5},
    {"op": "subscribe", "channel": "status"},
    {"op": "unsubscribe", "channel": "status"},
    {"op": "subscribe", "channel": "account"},
    {"op": "unsubscribe", "channel": "account"},
    {"op": "unsubscribe", "channel": "book", "symbol": "AAPL-USD"},
    {"op": "cancel_on_disconnect", "enabled": True},
    {"op": "order.submit", "params": ORDER},
    {"op": "order.submit", "params": {**ORDER, "type": "market", "price": None, "quote_amount": "5"}},
    {"op": "order.amend", "params": {"id": "1048577", "quantity": "2"}},
    {"op": "order.cancel", "params": {"id": "1048577"}},
    {"op": "order.cancel", "params": {"client_order_id": "x"}},
    {"op": "order.cancel_all", "params": {"symbol": "AAPL-USD", "side": "buy"}},
    {"op": "order.batch", "params": {"orders": [{"op": "submit", **ORDER}], "atomic": True}},
]
VALUES: list[Any] = [
    None, True, False, 0, -1, 2**63, -(2**63), 10**19, "", "0", "-0", "1e9", "9" * 400, "\x00", "\u202e", "\ud7ff",
    "x" * 3_000, "AAPL-USD", "../../", "'--", [], {}, [[]], {"": {}}, {"__proto__": 1}, ["a"] * 200,
]  # fmt: skip


class Fuzzer:
    """Makes messages out of good ones, from a seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a test's dice
        self._count = 0

    def message(self) -> str | bytes:
        dice = self.dice
        kind = dice.random()
        if kind < 0.002:
            return dice.randbytes(dice.randint(0, 50))
        if kind < 0.004:
            return "x" * 70_000
        self._count += 1
        text = json.dumps(self._changed({"id": self._count, **dice.choice(SEEDS)}))
        return self._damaged(text) if kind < 0.3 else text

    def _changed(self, value: Any, depth: int = 0) -> Any:
        """Change a value here and there."""
        dice = self.dice
        if dice.random() < 0.08 and depth:
            return dice.choice(VALUES)
        if isinstance(value, dict):
            made = {key: self._changed(each, depth + 1) for key, each in value.items() if dice.random() > 0.03}
            if dice.random() < 0.05:
                made[dice.choice(("op", "id", "more", "", "params", "account", "\u00e9"))] = dice.choice(VALUES)
            return made
        if isinstance(value, list):
            return [self._changed(each, depth + 1) for each in value * dice.choice((1, 1, 1, 0, 3, 101))]
        return value

    def _damaged(self, text: str) -> str:
        """Cut, double or swap characters."""
        dice = self.dice
        at = dice.randrange(len(text) + 1)
        piece = dice.choice(('"', "{", "[", "}", ",", "\\", "\\ud800", "\u0000", "NaN", "1e5", text, "[" * 5_000))
        return dice.choice((text[:at], text[at:], text[:at] + piece + text[at:], text[:at] + text[at + 1 :]))


@pytest.fixture
def watched(running_venue: Venue) -> Iterator[Venue]:
    """A venue that must say nothing of a fault meanwhile, and be as sound as before."""
    said = len(running_venue.output)
    yield running_venue
    assert running_venue.get("/health")[0] == 200
    for sign in ("a socket failed", "Traceback", "ERROR"):
        assert sign not in running_venue.output[said:]
    assert manage(running_venue, "audit").startswith("clean")


def test_whatever_comes_is_answered_once_or_ends_the_socket(
    watched: Venue, traders: tuple[Trader, Trader], pytestconfig: pytest.Config
) -> None:
    fuzzer = Fuzzer(pytestconfig.getoption("--fuzz-seed"))
    give_up_at = time.monotonic() + pytestconfig.getoption("--fuzz-seconds")
    sent = 0
    while time.monotonic() < give_up_at:
        with ExitStack() as stack:
            socket = stack.enter_context(traders[0].socket(authenticated=fuzzer.dice.random() < 0.9))
            while time.monotonic() < give_up_at:
                messages = [fuzzer.message() for _ in range(fuzzer.dice.randint(1, AT_ONCE))]
                sent += len(messages)
                if not exchanged(socket, messages):
                    break
    assert sent > 0

    with traders[0].socket() as socket:
        assert socket.ask("ping")["ok"]


def exchanged(socket: Socket, messages: list[str | bytes]) -> bool:
    """Send some messages and take their answers; tell whether the socket is still there."""
    try:
        for message in messages:
            # Past the check that what was carried out is what the schema asks for: null stands for "left out", too.
            socket.connection.send(message)
    except ConnectionClosed:
        pass
    for _ in messages:
        answer = next_answer(socket)
        if answer is None:
            assert socket.closed.get(timeout=10) in CLOSES, messages
            return False
        assert answer.get("status", 200) < 500, (answer, messages)
        assert answer["ok"] or answer["error"]["code"] not in ("internal", "outcome_unknown"), (answer, messages)
    with pytest.raises(queue.Empty):
        socket.answer(timeout_s=0)
    return True


def next_answer(socket: Socket) -> dict[str, Any] | None:
    """Return the next answer; None when the socket has ended before it."""
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        ended = not socket.closed.empty()
        try:
            return socket.answer(timeout_s=0.1)
        except queue.Empty:
            if ended:
                return None
    raise AssertionError("a message was not answered")
