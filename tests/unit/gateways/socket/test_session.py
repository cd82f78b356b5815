"""A socket's conversation, without a socket."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from apps.accounts.identity.sessions import Principal
from apps.gateways.socket.hub import PING_S, Hub
from apps.gateways.socket.limits import REFUSALS_MAX, SocketLimits
from apps.gateways.socket.places import SocketPlaces
from apps.gateways.socket.session import Session
from apps.marketdata.reference import InstrumentReference, references
from apps.orders.feeds.account import AccountFeed
from cift.bus import buses
from tests.support.buses import FeedBus
from tests.support.inprocess import Unwatched
from tests.support.messages import message_check
from tests.support.readers import Reader

AAPL_USD = InstrumentReference(
    id=1, symbol="AAPL-USD", base="AAPL", quote="USD", price_scale=2, base_scale=0, quote_scale=6, simulated=True
)

ANSWERS = {2: [1, 7, 7, [], [], 0, 0], 5: [1, 7, 1, 2, 1, 0, 0, 0, 0, 2, 1]}
"""What the writer says of a book, and of itself: its kill switch is on."""


class Conversation:
    """A session of a trader, and what it is answered."""

    def __init__(
        self, *, account: int | None = 3, scope: dict[str, Any] | None = None, subscriptions_max: int = 20
    ) -> None:
        self.hub = Hub()
        self.reader = Reader()
        self.canceled: list[int] = []
        self.session = Session(
            self.hub,
            self.reader.outbox,
            SocketLimits(scope or {}, places=SocketPlaces()),
            logins=Unwatched(),
            orders_cancel=self._cancel,
            subscriptions_max=subscriptions_max,
        )
        self.session.become(Principal(user=1, family=1, account=account))

    async def _cancel(self, account: int) -> None:
        await asyncio.sleep(0)
        self.canceled.append(account)

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        await self.session.receive(json.dumps({"id": 1, "op": op, **fields}))
        (answer,) = (message for message in self.reader.messages() if "ok" in message)
        message_check(answer, op=op)
        return answer


@pytest.fixture(autouse=True)
def venue(settings: Settings) -> Iterator[None]:
    """A venue whose writer answers, with one instrument."""
    settings.BUSES = {"default": {"BACKEND": "tests.support.buses.FeedBus"}}
    bus = buses["default"]
    assert isinstance(bus, FeedBus)
    bus.respond_with = lambda _subject, query: msgspec.msgpack.encode(ANSWERS[msgspec.msgpack.decode(query)[0]])
    references.keep([AAPL_USD])
    yield
    references.forget()


@pytest.fixture
async def conversation() -> Conversation:
    return Conversation()


async def test_a_socket_has_a_number_of_subscriptions_at_most() -> None:
    conversation = Conversation(subscriptions_max=2)
    for depth in (10, 50, 10):
        answer = await conversation.ask("subscribe", channel="book", symbol="AAPL-USD", depth=depth)
        assert answer["result"]["simulated"] is True

    refused = await conversation.ask("subscribe", channel="ticker", symbol="AAPL-USD")
    assert refused["error"]["code"] == "rate_limited"
    assert (await conversation.ask("unsubscribe", channel="book", symbol="AAPL-USD", depth=10))["ok"]
    assert (await conversation.ask("subscribe", channel="ticker", symbol="AAPL-USD"))["ok"]


@pytest.mark.parametrize("none", [{}, {"symbol": None}])
async def test_status_without_a_symbol_is_the_venue_s(conversation: Conversation, none: dict[str, None]) -> None:
    await conversation.session.receive(json.dumps({"id": 1, "op": "subscribe", "channel": "status", **none}))
    answer, snapshot = conversation.reader.messages()
    message_check(snapshot)
    assert answer["result"] == {"channel": "status", "resumed": False}
    assert (snapshot["symbol"], snapshot["sequence"], snapshot["kill_switch"]) == (None, 7, True)

    resumed = await conversation.ask("subscribe", channel="status", from_sequence=7, **none)
    assert resumed["result"]["resumed"] is True
    assert (await conversation.ask("unsubscribe", channel="status", **none))["result"] == {"channel": "status"}
    assert not (await conversation.hub.venue()).has_readers


async def test_the_venue_s_status_and_a_symbol_s_are_two_subscriptions() -> None:
    conversation = Conversation(subscriptions_max=2)
    of_symbol = await conversation.ask("subscribe", channel="status", symbol="AAPL-USD")
    assert of_symbol["result"] == {"channel": "status", "symbol": "AAPL-USD", "resumed": False, "simulated": True}
    assert (await conversation.ask("unsubscribe", channel="status"))["ok"], "nothing to leave, and nothing left"
    assert (await conversation.ask("subscribe", channel="status"))["ok"]
    assert (await conversation.ask("subscribe", channel="status"))["ok"]
    assert (await conversation.ask("subscribe", channel="trades", symbol="AAPL-USD"))["error"]["code"] == "rate_limited"

    assert (await conversation.ask("unsubscribe", channel="status", symbol="AAPL-USD"))["ok"]
    assert (await conversation.hub.venue()).has_readers
    await conversation.session.close()
    assert not (await conversation.hub.venue()).has_readers


@pytest.mark.parametrize("op", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("more", [{"symbol": "AAPL-USD"}, {"depth": 10}, {"interval": "1m"}])
async def test_the_tickers_of_all_are_no_symbol_s(conversation: Conversation, op: str, more: dict[str, Any]) -> None:
    refused = await conversation.ask(op, channel="tickers", **more)

    assert [(fault["field"], fault["code"]) for fault in refused["error"]["errors"]] == [(*more, "invalid")]


@pytest.mark.parametrize("op", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize("channel", ["book", "trades", "ticker"])
async def test_the_other_channels_are_a_symbol_s(conversation: Conversation, op: str, channel: str) -> None:
    refused = await conversation.ask(op, channel=channel)

    (error,) = refused["error"]["errors"]
    assert error == {"field": "symbol", "code": "required", "detail": "This channel is a symbol's."}


async def test_orders_go_with_their_socket_once(conversation: Conversation) -> None:
    assert (await conversation.ask("cancel_on_disconnect", enabled=True))["result"] == {"enabled": True}
    await conversation.session.close()
    await conversation.session.close()
    await conversation.hub.last_orders()

    assert conversation.canceled == [3]


async def test_orders_stay_where_nothing_was_said_or_it_was_taken_back(conversation: Conversation) -> None:
    await conversation.ask("cancel_on_disconnect", enabled=True)
    await conversation.ask("cancel_on_disconnect", enabled=False)
    await conversation.session.close()
    await conversation.hub.last_orders()

    assert conversation.canceled == []


async def test_at_the_process_s_end_orders_are_canceled_and_no_more_are_taken(conversation: Conversation) -> None:
    conversation.hub.enter(conversation.session)
    await conversation.ask("cancel_on_disconnect", enabled=True)
    await conversation.hub.last_orders()

    assert conversation.canceled == [3]
    for op, params, named in (
        ("order.submit", {"client_order_id": "mine"}, "mine"),
        ("order.cancel", {"client_order_id": "mine"}, "mine"),
        ("order.submit", {"client_order_id": "\0" * 3_000}, None),
        ("order.cancel", {"id": "7"}, None),
        ("order.submit", {}, None),
    ):
        answer = await conversation.ask(op, params=params)
        assert (answer["error"]["code"], answer["error"].get("client_order_id")) == ("venue_unavailable", named)
    conversation.hub.leave(conversation.session)


@pytest.mark.parametrize("named", ["mine", None])
async def test_an_order_refused_at_the_process_s_end_is_named(conversation: Conversation, named: str | None) -> None:
    order = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "1", "quantity": "1"}
    conversation.session.last_orders()
    answer = await conversation.ask(
        "order.submit", params=order if named is None else {**order, "client_order_id": named}
    )

    assert answer["error"]["code"] == "venue_unavailable"
    told = answer["error"]["client_order_id"]
    assert told == named if named else told.startswith("v-")


async def test_every_socket_is_pinged_and_told_where_its_account_stands(conversation: Conversation) -> None:
    hub, reader, now = conversation.hub, conversation.reader, asyncio.get_running_loop().time()
    hub.enter(conversation.session)
    hub.tick(now + PING_S - 1)
    assert reader.messages() == []
    hub.tick(now + PING_S + 1)
    hub.tick(now + PING_S + 2)
    (ping,) = reader.messages()
    message_check(ping)
    assert (ping["type"], ping["account_sequence"]) == ("ping", None)

    feed = AccountFeed(3, repairs=asyncio.Semaphore(1))
    feed.head = 41
    hub.accounts[3] = feed
    assert (await conversation.ask("subscribe", channel="account", from_sequence=41))["ok"]
    hub.tick(now + 2 * PING_S + 2)
    (ping,) = reader.messages()
    message_check(ping)
    assert ping["account_sequence"] == 41
    hub.leave(conversation.session)
    hub.tick(now + 9 * PING_S)
    assert reader.messages() == []


async def test_a_user_without_an_account_sees_and_does_nothing_private() -> None:
    conversation = Conversation(account=None)
    for op, fields in (
        ("subscribe", {"channel": "account"}),
        ("unsubscribe", {"channel": "account"}),
        ("cancel_on_disconnect", {"enabled": True}),
        ("order.submit", {"params": {}}),
        ("order.cancel_all", {}),
    ):
        answer = await conversation.ask(op, **fields)
        assert (answer["status"], answer["error"]["code"]) == (403, "forbidden"), op
    assert (await conversation.ask("ping"))["result"]["account_sequence"] is None
    assert (await conversation.ask("subscribe", channel="book", symbol="AAPL-USD"))["ok"]
    assert conversation.reader.writer.closed is None


async def test_messages_that_cannot_be_read_count_and_close_a_socket_that_goes_on(
    settings: Settings,
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "messages-address": (3, 3600)}
    conversation = Conversation(scope={"client": ("192.0.2.7", 1)})
    malformed = ["not JSON", "[]", '{"id": 7}']
    for text in [*malformed, *malformed[2:] * REFUSALS_MAX]:
        assert conversation.reader.writer.closed is None
        await conversation.session.receive(text)

    told = conversation.reader.messages()
    assert [answer["error"]["code"] for answer in told] == ["invalid"] * 3 + ["rate_limited"] * REFUSALS_MAX
    assert (told[-1]["id"], told[-1]["error"]["retry_after"] > 0) == (7, True)
    assert conversation.reader.writer.closed == (4029, "rate_limited")


async def test_a_message_weighs_as_a_body_of_its_size_does_and_is_not_read_without_a_place(settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "messages-address": (20, 3600)}
    conversation = Conversation(scope={"client": ("192.0.2.8", 1)})
    # A place, and one for each 8 KiB: six.
    faulty = f'{{"id": 9, "op": "ping", "x": [{"1.5," * 10_500}1.5]}}'
    unreadable = "\u20ac" * (5 * 8 * 1024 // 3 + 1)
    for text in (faulty, unreadable, unreadable):
        await conversation.session.receive(text)
    assert [answer["error"]["code"] for answer in conversation.reader.messages()] == ["invalid"] * 3

    for text, named in ((faulty, 9), (unreadable, None)):
        await conversation.session.receive(text)
        (refused,) = conversation.reader.messages()
        assert (refused["error"]["code"], refused["id"]) == ("rate_limited", named)
    for _ in range(2):
        assert (await conversation.ask("ping"))["ok"]
    assert (await conversation.ask("ping"))["error"]["code"] == "rate_limited"
