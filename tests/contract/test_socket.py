"""The socket's contract: what is said, what is refused, and that feeds add up."""

import json
import queue
import random
from contextlib import suppress
from typing import Any

import httpx
import pytest
from jsonschema import ValidationError
from websockets.exceptions import ConnectionClosed

from apps.marketdata.books import checksum
from tests.support.messages import request_check
from tests.support.traders import Socket, Trader

BOOK = {"channel": "book", "symbol": "AAPL-USD"}
SELL = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "10"}


class ClientBook:
    """A book as a client keeps it, checked at every message."""

    def __init__(self) -> None:
        self.sequence = -1
        self.sides: dict[str, dict[str, list[Any]]] = {"bids": {}, "asks": {}}

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        else:
            assert message["previous"] == self.sequence
        for name, levels in self.sides.items():
            for level in message[name]:
                levels[level[0]] = level
                if level[1] == "0":
                    del levels[level[0]]
        self.sequence = message["sequence"]
        assert checksum(self.best("bids"), self.best("asks")) == message["checksum"]

    def best(self, name: str) -> list[Any]:
        return sorted(self.sides[name].values(), key=lambda level: float(level[0]), reverse=name == "bids")


def drained(socket: Socket, *, quiet_s: float = 0.5) -> list[dict[str, Any]]:
    """Return the messages there are, until none has come for a while."""
    messages = []
    while True:
        try:
            messages.append(socket.messages.get(timeout=quiet_s))
        except queue.Empty:
            return messages


@pytest.mark.parametrize("depth", [0, 10, 50])
def test_a_book_kept_from_the_feed_is_the_venue_s(traders: tuple[Trader, Trader], depth: int) -> None:
    dice, book = random.Random(depth), ClientBook()  # noqa: S311 - a test's dice
    with traders[0].socket() as maker, traders[1].socket() as taker, traders[1].socket(authenticated=False) as reader:
        maker.ask("order.submit", params=SELL)
        assert reader.ask("subscribe", **BOOK, depth=depth)["result"]["depth"] == depth
        ids = []
        for _ in range(120):
            side, price = dice.choice((("buy", 18_900), ("sell", 19_000)))
            price += dice.randint(0, 95)
            params = {
                **SELL,
                "side": side,
                "price": f"{price // 100}.{price % 100:02d}",
                "quantity": str(dice.randint(1, 9)),
            }
            answer = dice.choice((maker, maker, taker)).ask("order.submit", params=params)
            ids.append(answer.get("result", {}).get("id"))
            if dice.random() < 0.3:
                maker.ask("order.cancel", params={"id": dice.choice([each for each in ids if each])})
        for message in drained(reader):
            book.take(message)

    status, shown = traders[0].call("GET", "instruments/AAPL-USD/book/", params={"depth": depth or 5_000})
    assert status == 200
    assert len(shown["bids"]) + len(shown["asks"]) > 10
    assert (book.best("bids"), book.best("asks")) == (shown["bids"], shown["asks"])
    assert checksum(book.best("bids"), book.best("asks")) == shown["checksum"]


def test_candles_close_once_in_order_and_are_those_of_rest(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as maker, traders[1].socket() as taker, traders[1].socket(authenticated=False) as reader:
        result = reader.ask("subscribe", channel="candles", symbol=SELL["symbol"], interval="1s")["result"]
        assert result["interval"] == "1s"
        stood = reader.next_message(channel="candles")["sequence"]
        closed: list[dict[str, Any]] = []
        while len([candle for candle in closed if candle["trades"]]) < 2:
            maker.ask("order.submit", params=SELL)
            bought = taker.ask("order.submit", params={**SELL, "side": "buy"})["result"]
            message = reader.next_message(channel="candles")
            assert message["previous"] == stood
            stood = message["sequence"]
            closed += message["closed"]
    times = [candle["begins_at"] for candle in closed]
    assert times == sorted(set(times))
    query = {"interval": "1s", "start": times[-1], "at_least": bought["consistency_token"]}
    told = httpx.get(f"{traders[0].base}instruments/{SELL['symbol']}/candles/", params=query).json()["results"]
    assert closed[-1] in told


def test_an_account_s_messages_have_no_gap_and_their_shape(traders: tuple[Trader, Trader]) -> None:
    first, second = traders
    with first.socket() as socket:
        head = socket.ask("subscribe", channel="account")["result"]["account_sequence"]
        snapshot = socket.next_message(channel="account", kind="snapshot")
        assert snapshot["account_sequence"] == head
        order = first.submit(**SELL)
        second.submit(**{**SELL, "side": "buy", "quantity": "4"})
        first.call("PATCH", f"orders/{order['id']}/", json={"quantity": "8"})
        first.call("POST", "orders/", json={**SELL, "price": "500"})
        first.call("DELETE", f"orders/{order['id']}/")
        messages = drained(socket)

    for message in messages:
        assert (message["previous"], message["account_sequence"]) == (head, head + 1)
        head += 1
    assert [message["event"] for message in messages if message["type"] == "order"] == [
        "accepted", "amended", "rejected", "canceled",
    ]  # fmt: skip
    (fill,) = (message for message in messages if message["type"] == "fill")
    assert (fill["fill"]["liquidity"], fill["fill"]["quantity"], fill["order"]["leaves_quantity"]) == (
        "maker",
        "4",
        "6",
    )
    assert fill["order"]["client_order_id"] == order["client_order_id"]
    assert {"balance", "position"} < {message["type"] for message in messages}
    assert first.call("GET", f"orders/by-client-order-id/{order['client_order_id']}/")[1] == messages_order(messages)


def messages_order(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the order of the last message that ended one."""
    order: dict[str, Any] = next(m["order"] for m in reversed(messages) if m.get("event") == "canceled")
    return order


def test_an_order_of_before_the_subscription_is_told_whole(traders: tuple[Trader, Trader]) -> None:
    order = traders[0].submit(**SELL)
    with traders[0].socket() as socket:
        socket.ask("subscribe", channel="account")
        traders[0].call("DELETE", f"orders/{order['id']}/")
        told = socket.next_message(channel="account", kind="order")

    assert told["order"]["client_order_id"] == order["client_order_id"]
    assert (told["order"]["status"], told["order"]["canceled_quantity"]) == ("canceled", "10")


def test_orders_of_one_socket_are_carried_out_in_their_order(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        for n in range(60):
            socket.send(json.dumps({"id": n, "op": "order.submit", "params": {**SELL, "quantity": "1"}}))
        answers = {answer["id"]: answer for answer in (socket.answer() for _ in range(60))}

    sequences = [answers[n]["result"]["sequence"] for n in range(60)]
    assert sequences == sorted(sequences)


def test_a_subscription_ends(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        socket.ask("subscribe", **BOOK)
        socket.next_message(channel="book", kind="snapshot")
        socket.ask("subscribe", channel="account")
        socket.next_message(channel="account", kind="snapshot")
        assert socket.ask("unsubscribe", **BOOK)["ok"]
        assert socket.ask("unsubscribe", channel="account")["ok"]
        traders[0].submit(**SELL)

        assert drained(socket) == []


def test_a_resumption_from_too_far_back_is_a_snapshot(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket(authenticated=False) as socket:
        assert socket.ask("subscribe", **BOOK, from_sequence=1)["result"]["resumed"] is False
        assert socket.next_message(channel="book")["resumed"] is False


def test_a_ping_tells_where_the_account_stands(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        assert socket.ask("ping")["result"]["account_sequence"] is None
        head = socket.ask("subscribe", channel="account")["result"]["account_sequence"]
        assert socket.ask("ping")["result"]["account_sequence"] == head


def test_a_stranger_sees_books_and_nothing_private(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket(authenticated=False) as socket:
        assert socket.ask("subscribe", **BOOK)["ok"]
        for op, fields in (
            ("subscribe", {"channel": "account"}),
            ("order.submit", {"params": SELL}),
            ("order.cancel_all", {}),
        ):
            answer = socket.ask(op, **fields)
            assert (answer["ok"], answer["error"]["code"]) == (False, "unauthenticated")


def test_a_socket_logs_in_by_a_message(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket(authenticated=False) as socket:
        assert socket.ask("authenticate", token=traders[0].token)["ok"]
        assert socket.ask("order.submit", params=SELL)["status"] == 201


@pytest.mark.parametrize("token", ["x", "e30.e30.e30"])
def test_a_token_that_is_not_valid_closes_the_socket(traders: tuple[Trader, Trader], token: str) -> None:
    with traders[0].socket(authenticated=False) as socket:
        assert socket.ask("authenticate", token=token)["error"]["code"] == "unauthenticated"
        assert socket.close_code() == 4001


def test_a_handshake_with_a_token_that_is_not_valid_closes_the_socket(traders: tuple[Trader, Trader]) -> None:
    stranger = traders[0].headers | {"Authorization": "Bearer forged"}
    before, traders[0].headers = traders[0].headers, stranger
    try:
        with traders[0].socket() as socket:
            assert socket.close_code() == 4001
    finally:
        traders[0].headers = before


def test_an_account_has_four_sockets_at_most(traders: tuple[Trader, Trader]) -> None:
    with traders[1].socket() as one, traders[1].socket() as two, traders[1].socket() as three:
        for socket in (one, two, three):
            assert socket.ask("ping")["ok"]
        with traders[1].socket() as four:
            assert four.ask("ping")["ok"]
            with traders[1].socket() as five:
                assert five.close_code() == 4029
        with traders[1].socket(authenticated=False) as other:
            assert other.ask("ping")["ok"]


MALFORMED: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("not JSON", None, []),
    ("[]", None, []),
    ("[" * 30_000, None, []),
    ('{"id": 1, "id": 2, "op": "ping"}', None, [("id", "invalid")]),
    ('{"id": 1, "op": "ping", "at": NaN}', 1, [("at", "wrong_type")]),
    ('{"id": 1, "op": [], "at": 1.5}', 1, [("at", "wrong_type")]),
    ('{"op": "ping"}', None, [("id", "required")]),
    ('{"id": {}, "op": "ping"}', None, [("id", "wrong_type")]),
    ('{"id": 1}', 1, [("op", "required")]),
    ('{"id": 1, "op": "fly"}', 1, [("op", "not_a_choice")]),
    ('{"id": 1, "op": 7}', 1, [("op", "wrong_type")]),
    ('{"id": 1, "op": "ping", "more": 1}', 1, [("more", "unknown_field")]),
    ('{"id": "a", "op": "subscribe"}', "a", [("channel", "required")]),
    ('{"id": 1, "op": "subscribe", "channel": "news"}', 1, [("channel", "not_a_choice")]),
    ('{"id": 1, "op": "subscribe", "channel": "book"}', 1, [("symbol", "required")]),
    (
        '{"id": 1, "op": "subscribe", "channel": "book", "symbol": "AAPL-USD", "depth": 7}',
        1,
        [("depth", "not_a_choice")],
    ),
    (
        '{"id": 1, "op": "subscribe", "channel": "book", "symbol": "AAPL-USD", "depth": true}',
        1,
        [("depth", "wrong_type")],
    ),
    ('{"id": 1, "op": "subscribe", "channel": "book", "symbol": "aapl"}', 1, [("symbol", "malformed")]),
    ('{"id": 1, "op": "order.submit", "price": "1"}', 1, [("price", "unknown_field")]),
    ('{"id": 1, "op": "order.submit", "params": "x"}', 1, [("", "wrong_type")]),
]

NO_TEXTS: list[Any] = [True, 1, [], {}]
NO_OBJECTS: list[Any] = [None, [], "", 0, False]
NO_NUMBERS: list[Any] = [True, False, "10", [10], {}]
NO_FLAGS: list[Any] = [0, 1, "true", []]
BOOK_ASKED: dict[str, Any] = {"op": "subscribe", "channel": "book", "symbol": "AAPL-USD"}
MISTYPED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    # Nothing may stand for all: a mass cancel with null for its params is none.
    *(
        ({"op": f"order.{name}", "params": value}, [("", "wrong_type")])
        for name in ("submit", "amend", "cancel", "cancel_all", "batch")
        for value in NO_OBJECTS
    ),
    *(({"op": value}, [("op", "wrong_type")]) for value in NO_TEXTS),
    ({"op": None}, [("op", "required")]),
    *(({**BOOK_ASKED, "channel": value}, [("channel", "wrong_type")]) for value in NO_TEXTS),
    ({**BOOK_ASKED, "channel": None}, [("channel", "required")]),
    *(({**BOOK_ASKED, "symbol": value}, [("symbol", "wrong_type")]) for value in NO_TEXTS),
    ({**BOOK_ASKED, "symbol": None}, [("symbol", "required")]),
    *(({**BOOK_ASKED, "depth": value}, [("depth", "wrong_type")]) for value in NO_NUMBERS),
    ({**BOOK_ASKED, "depth": 11}, [("depth", "not_a_choice")]),
    *(({**BOOK_ASKED, "from_sequence": value}, [("from_sequence", "wrong_type")]) for value in NO_NUMBERS),
    *(({**BOOK_ASKED, "from_sequence": value}, [("from_sequence", "out_of_range")]) for value in (-1, 2**63)),
    ({"op": "subscribe", "channel": "account", "from_sequence": 2**63}, [("from_sequence", "out_of_range")]),
    ({"op": "subscribe", "channel": "account", "symbol": "AAPL-USD"}, [("symbol", "invalid")]),
    ({"op": "subscribe", "channel": "trades", "symbol": "AAPL-USD", "depth": 10}, [("depth", "invalid")]),
    ({"op": "unsubscribe", "channel": "account", "depth": 10}, [("depth", "invalid")]),
    *(
        ({"op": "subscribe", "channel": name, "symbol": None}, [("symbol", "required")])
        for name in ("trades", "ticker")
    ),
    ({"op": "subscribe", "channel": "status", "depth": 10}, [("depth", "invalid")]),
    ({"op": "subscribe", "channel": "candles", "symbol": "AAPL-USD"}, [("interval", "required")]),
    ({"op": "subscribe", "channel": "candles", "interval": "1m"}, [("symbol", "required")]),
    ({"op": "subscribe", "channel": "candles", "symbol": "AAPL-USD", "interval": "2m"}, [("interval", "not_a_choice")]),
    ({"op": "subscribe", "channel": "candles", "symbol": "AAPL-USD", "interval": 60}, [("interval", "wrong_type")]),
    ({"op": "unsubscribe", "channel": "book", "symbol": "AAPL-USD", "interval": "1m"}, [("interval", "invalid")]),
    ({"op": "subscribe", "channel": "account", "interval": "1m"}, [("interval", "invalid")]),
    *(({"op": "subscribe", "channel": "status", "symbol": value}, [("symbol", "wrong_type")]) for value in NO_TEXTS),
    *(({"op": "authenticate", "token": value}, [("token", "wrong_type")]) for value in NO_TEXTS),
    ({"op": "authenticate", "token": None, "ticket": None}, [("token", "required")]),
    ({"op": "authenticate", "token": "x", "ticket": "x"}, [("token", "required")]),
    *(({"op": "cancel_on_disconnect", "enabled": value}, [("enabled", "wrong_type")]) for value in NO_FLAGS),
    ({"op": "cancel_on_disconnect", "enabled": None}, [("enabled", "required")]),
]
"""Values of another type, and what does not go together; a bool is no number, though Python has it so."""


@pytest.mark.parametrize(("text", "request_id", "faults"), MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_request_is_answered_and_the_socket_lives(
    traders: tuple[Trader, Trader], text: str, request_id: Any, faults: list[tuple[str, str]]
) -> None:
    with traders[0].socket() as socket:
        socket.send(text)
        answer = socket.answer()

        assert (answer["id"], answer["ok"], answer["error"]["code"]) == (request_id, False, "invalid")
        assert [(error["field"], error["code"]) for error in answer["error"].get("errors", [])] == faults
        assert socket.ask("ping")["ok"]


def test_a_value_of_another_type_is_told_as_one(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        for number, (request, faults) in enumerate(MISTYPED, 1):
            socket.send(json.dumps({"id": number, **request}))
            answer = socket.answer()

            assert (answer["id"], answer["error"]["code"]) == (number, "invalid"), request
            assert [(error["field"], error["code"]) for error in answer["error"]["errors"]] == faults, request
            with pytest.raises(ValidationError):
                request_check({"id": number, **request})


@pytest.mark.parametrize(
    ("request_id", "code"), [(None, "required"), (True, "wrong_type"), ([], "wrong_type"), ("x" * 65, "out_of_range")]
)
def test_an_id_that_is_none_is_answered_with_null(traders: tuple[Trader, Trader], request_id: Any, code: str) -> None:
    with traders[0].socket() as socket:
        socket.send(json.dumps({"id": request_id, "op": "ping"}))
        answer = socket.answer()

    assert answer["id"] is None
    assert [(error["field"], error["code"]) for error in answer["error"]["errors"]] == [("id", code)]


def test_an_unknown_symbol_has_no_book(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        assert socket.ask("subscribe", channel="book", symbol="NO-SUCH")["error"]["code"] == "instrument_unknown"


def test_a_binary_message_closes_the_socket(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        socket.send(b"\x00")
        assert socket.close_code() == 1003


def test_a_message_above_its_bound_closes_the_socket(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        socket.send(" " * 70_000)
        assert socket.close_code() == 1009


def test_who_goes_on_sending_after_too_much_is_told_why_all_the_same(traders: tuple[Trader, Trader]) -> None:
    # Connections closed with bytes unread are reset, and what was sent last is lost: not always, so it is tried often.
    for _ in range(20):
        with traders[0].socket() as socket:
            with suppress(ConnectionClosed):
                for size in (70_000, *[50_000] * 20):
                    socket.connection.send("x" * size)
            assert socket.close_code() == 1009


def test_all_tickers_are_the_venue_s_and_are_left_like_any_channel(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as maker, traders[1].socket(authenticated=False) as reader:
        answer = reader.ask("subscribe", channel="tickers")
        assert answer["result"] == {"channel": "tickers", "resumed": False}
        snapshot = reader.messages.get(timeout=10)
        shown = {each["symbol"]: each for each in snapshot["tickers"]}
        _, listed = traders[0].call("GET", "instruments/")
        assert set(shown) == {each["symbol"] for each in listed["results"]}
        assert shown["AAPL-USD"]["day"] is not None

        order = maker.ask("order.submit", params={**SELL, "price": "190.25"})["result"]
        update = reader.messages.get(timeout=10)
        while "AAPL-USD" not in {each["symbol"] for each in update["tickers"]}:
            update = reader.messages.get(timeout=10)
        (changed,) = (each for each in update["tickers"] if each["symbol"] == "AAPL-USD")
        assert changed["sequence"] > shown["AAPL-USD"]["sequence"]
        assert changed["ask_price"] is not None
        assert reader.ask("unsubscribe", channel="tickers")["result"] == {"channel": "tickers"}
        maker.ask("order.cancel", params={"id": order["id"]})
