"""What a client is told, by each way, when the order service cannot be reached, is full, or does not answer."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from apps.accounts.identity.principals import principals
from apps.accounts.identity.sessions import Principal, family_start, principal_of, tokens_issue
from apps.accounts.models import Account, User
from apps.orders.commands import SubmitOrder
from apps.orders.entry import operations
from apps.orders.entry.order_cache import order_terms
from apps.orders.state import OrderTerms
from cift.bus.base import RequestTimeout, VenueUnavailable
from cift.errors.application import ApplicationError
from cift.orderservice.gateway import gateway
from cift.times import clock_ns, time_parse
from cift.wire.base import COMMANDS_PER_REQUEST_MAX, Reply, frame_split
from cift.wire.queries import IdQuery, query_encode
from tests.support.buses import ScriptedBus
from tests.support.inprocess import WAYS, HttpWay, SessionWay, way_of
from tests.support.scripted import ORDER, raising, refusing


@pytest.fixture
def token(bus: ScriptedBus) -> tuple[str, Principal]:
    """A trader's token, and who it lets in; order 77 is theirs."""
    terms = OrderTerms(
        account=3, client_order_id="seventy", instrument=1, side=0, type=0, tif=0, flags=0, stp=1, created_at=0
    )
    order_terms.keep(77, terms)
    user = User.objects.create_user("trader@example.com", "a long password")
    Account.objects.filter(pk=3).update(owner_id=user.pk)
    principals.clear()
    family = family_start(user, at=clock_ns(), address="")
    return tokens_issue(family, at=clock_ns()).access, principal_of(family)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, token: tuple[str, Principal]) -> HttpWay | SessionWay:
    """Each way orders come by."""
    return way_of(request.param, token=token[0], principal=token[1])


@pytest.fixture(params=["django", "programs"])
def http(request: pytest.FixtureRequest, token: tuple[str, Principal]) -> HttpWay:
    """Those of HTTP, which alone has reads."""
    return HttpWay(request.param, token[0])


@pytest.fixture
def short(token: tuple[str, Principal]) -> SessionWay:
    """A socket, whose plain orders have a way of their own."""
    return SessionWay("socket", token[1])


ORDERS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "submit": ("order.submit", ORDER, {"client_order_id": "one"}),
    "market": (
        "order.submit",
        {"symbol": "AAPL-USD", "side": "buy", "type": "market", "quantity": "1", "client_order_id": "one"},
        {"client_order_id": "one"},
    ),
    "amend": ("order.amend", {"id": "77", "quantity": "2"}, {"id": "77"}),
    "cancel": ("order.cancel", {"id": "77"}, {"id": "77"}),
    "cancel by the client's id": ("order.cancel", {"client_order_id": "one"}, {"client_order_id": "one"}),
    "cancel all": ("order.cancel_all", {"symbol": "AAPL-USD"}, {}),
    "batch": (
        "order.batch",
        {"orders": [ORDER, {"op": "cancel", "id": "77"}, {**ORDER, "client_order_id": "two"}]},
        {"client_order_ids": ["one", "two"]},
    ),
    "atomic batch": ("order.batch", {"orders": [ORDER], "atomic": True}, {"client_order_ids": ["one"]}),
}
"""Each command: what is asked, and what of it an answer names when there is no outcome."""

LOOKED_UP: dict[str, dict[str, Any]] = {
    "amend": {"client_order_id": "seventy"},
    "cancel": {"client_order_id": "seventy"},
    "batch": {"client_order_ids": ["one", "seventy", "two"]},
}
"""What is named besides where the outcome is unknown: the ids by which the order service tells what became of it."""

RESOLVED = {"code", "detail", "resolve_after"}


def resolve_after_of(body: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(time_parse(body["resolve_after"]) / 1e9, tz=UTC)


@pytest.mark.parametrize("command", ORDERS)
def test_without_an_order_service_nothing_happens_and_that_is_told_at_once(
    bus: ScriptedBus, way: HttpWay | SessionWay, command: str
) -> None:
    bus.respond_with = raising(VenueUnavailable("nobody"))
    op, params, named = ORDERS[command]

    begun = time.monotonic()
    status, body = way.ask(op, params)

    assert time.monotonic() - begun < 2
    assert (status, body["code"]) == (503, "venue_unavailable")
    assert {name: value for name, value in body.items() if name not in ("code", "detail")} == named


@pytest.mark.parametrize("code", ["overloaded", "venue_halted", "venue_unavailable"])
@pytest.mark.parametrize("command", ORDERS)
def test_what_the_order_service_refuses_to_take_is_told(
    bus: ScriptedBus, way: HttpWay | SessionWay, command: str, code: str
) -> None:
    bus.respond_with = refusing(code)
    op, params, named = ORDERS[command]

    status, body = way.ask(op, params)

    assert (status, body["code"]) == (503, code)
    # Nothing happened, so there is nothing to look up.
    assert {name: value for name, value in body.items() if name not in ("code", "detail")} == named


@pytest.mark.parametrize("command", ORDERS)
def test_every_command_s_unknown_outcome_is_told(bus: ScriptedBus, way: HttpWay | SessionWay, command: str) -> None:
    bus.respond_with = raising(RequestTimeout("late"))
    op, params, named = ORDERS[command]
    named = {**named, **LOOKED_UP.get(command, {})}
    before = datetime.now(tz=UTC)

    status, body = way.ask(op, params)

    assert (status, body["code"], set(body)) == (504, "outcome_unknown", RESOLVED | set(named))
    assert {name: body[name] for name in named} == named
    assert before + timedelta(seconds=5) < resolve_after_of(body) < before + timedelta(seconds=8)


@pytest.mark.parametrize(
    "respond",
    [
        raising(RequestTimeout("late")),
        refusing("outcome_unknown"),
        refusing("what?"),
        lambda _subject, _payload: b"\xc1",
        lambda _subject, _payload: msgspec.msgpack.encode([]),
        lambda _subject, _payload: msgspec.msgpack.encode([b"\xc1"]),
        lambda _subject, _payload: msgspec.msgpack.encode([msgspec.msgpack.encode([1])]),
    ],
    ids=["late", "told so", "unheard of", "no message", "no entry", "no reply", "half a reply"],
)
def test_an_unknown_outcome_names_the_id_and_when_a_look_up_is_final(
    bus: ScriptedBus, way: HttpWay | SessionWay, respond: Any
) -> None:
    bus.respond_with = respond
    before = datetime.now(tz=UTC)

    status, body = way.ask("order.submit", ORDER)

    assert (status, body["code"], body["client_order_id"]) == (504, "outcome_unknown", "one")
    assert set(body) == RESOLVED | {"client_order_id"}
    assert before + timedelta(seconds=5) < resolve_after_of(body) < before + timedelta(seconds=8)


def test_an_order_without_an_id_is_told_the_one_it_was_given(bus: ScriptedBus, way: HttpWay | SessionWay) -> None:
    without = {name: value for name, value in ORDER.items() if name != "client_order_id"}
    for respond, code in ((raising(RequestTimeout("late")), "outcome_unknown"), (refusing("overloaded"), "overloaded")):
        bus.respond_with = respond

        body = way.ask("order.submit", without)[1]

        sent = msgspec.msgpack.decode(frame_split(bus.requests[-1][1])[0])
        assert (body["code"], body["client_order_id"]) == (code, sent[3])
        assert sent[3].startswith("v-")


@pytest.mark.parametrize("name", ["django", "programs", "socket"])
def test_a_look_up_is_final_a_second_behind_the_client_s_own_deadline(
    bus: ScriptedBus, token: tuple[str, Principal], name: str
) -> None:
    bus.respond_with = raising(RequestTimeout("late"))
    deadline = datetime.now(tz=UTC) + timedelta(seconds=2)

    order = {**ORDER, "deadline": deadline.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    body = way_of(name, token=token[0], principal=token[1]).ask("order.submit", order)[1]

    assert resolve_after_of(body) == deadline + timedelta(seconds=1)


def test_a_socket_s_plain_orders_take_the_short_way_and_others_do_not(
    bus: ScriptedBus, token: tuple[str, Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    bus.respond_with = raising(RequestTimeout("late"))
    given: list[str] = []
    order_submit_with_callback = operations.order_submit_with_callback

    def spied(order: SubmitOrder, callback: Callable[[operations.Submitted], None]) -> None:
        given.append(order.id)
        order_submit_with_callback(order, callback)

    monkeypatch.setattr(operations, "order_submit_with_callback", spied)
    for name in WAYS:
        before = len(given)
        assert way_of(name, token=token[0], principal=token[1]).ask("order.submit", ORDER)[0] == 504
        assert (len(given) > before) == (name == "socket"), name


def test_plain_orders_of_one_turn_each_have_their_own_outcome(bus: ScriptedBus, short: SessionWay) -> None:
    codes = ["overloaded", "outcome_unknown", "venue_halted", "what?"]
    bus.respond_with = lambda _subject, _payload: msgspec.msgpack.encode([[code] for code in codes])
    orders = [("order.submit", {**ORDER, "client_order_id": f"n-{number}"}) for number in range(4)]

    answers = short.ask_at_once(*orders)

    assert len(bus.requests) == 1
    assert [(status, body["code"], body["client_order_id"]) for status, body in answers] == [
        (503, "overloaded", "n-0"),
        (504, "outcome_unknown", "n-1"),
        (503, "venue_halted", "n-2"),
        (504, "outcome_unknown", "n-3"),
    ]
    assert ["resolve_after" in body for _, body in answers] == [False, True, False, True]


def test_a_reply_nobody_can_read_touches_no_other_of_its_frame(bus: ScriptedBus, short: SessionWay) -> None:
    bus.respond_with = lambda _subject, _payload: msgspec.msgpack.encode([b"\xc1", ["overloaded"]])

    answers = short.ask_at_once(("order.submit", ORDER), ("order.submit", {**ORDER, "client_order_id": "two"}))

    assert [(status, body["client_order_id"]) for status, body in answers] == [(504, "one"), (503, "two")]


@pytest.mark.parametrize("found", [[False, 0, 0, False], [True, 0, 5, False]])
def test_a_look_up_is_the_writer_s_to_answer(bus: ScriptedBus, http: HttpWay, found: list[Any]) -> None:
    bus.respond_with = lambda _subject, _payload: msgspec.msgpack.encode(found)

    answer = http.call("GET", "orders/by-client-order-id/one/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert bus.requests == [("orders.query.0", query_encode(IdQuery(3, "one")))]


def test_a_look_up_the_writer_cannot_answer_is_no_no(bus: ScriptedBus, http: HttpWay) -> None:
    for error in (VenueUnavailable("nobody"), RequestTimeout("late")):
        bus.respond_with = raising(error)
        for path in ("orders/by-client-order-id/one/", "instruments/AAPL-USD/book/"):
            answer = http.call("GET", path)
            assert (answer.status_code, answer.json()["code"]) == (503, "venue_unavailable")


async def test_commands_of_one_turn_leave_in_one_frame_in_their_order(bus: ScriptedBus) -> None:
    def respond(_subject: str, payload: bytes) -> bytes:
        commands = frame_split(payload)
        return msgspec.msgpack.encode([msgspec.msgpack.encode(Reply(1, 2, command)) for command in commands])

    bus.respond_with = respond

    replies = await asyncio.gather(*[gateway().submit(bytes([n])) for n in range(COMMANDS_PER_REQUEST_MAX + 20)])

    assert [reply.section for reply in replies] == [bytes([n]) for n in range(COMMANDS_PER_REQUEST_MAX + 20)]
    assert [len(frame_split(payload)) for _, payload in bus.requests] == [COMMANDS_PER_REQUEST_MAX, 20]


async def test_one_refused_command_of_a_frame_does_not_touch_the_others(bus: ScriptedBus) -> None:
    bus.respond_with = lambda _subject, _payload: msgspec.msgpack.encode(
        [msgspec.msgpack.encode(Reply(1, 2, b"")), ["overloaded"]]
    )

    taken, refused = gateway().submit(b"a"), gateway().submit(b"b")

    assert (await taken).number == 1
    with pytest.raises(ApplicationError) as caught:
        await refused
    assert caught.value.code == "overloaded"


async def test_who_gives_up_waiting_disturbs_nobody(bus: ScriptedBus) -> None:
    bus.respond_with = lambda _subject, payload: msgspec.msgpack.encode(
        [msgspec.msgpack.encode(Reply(1, 2, b""))] * len(frame_split(payload))
    )

    given_up, waiting = gateway().submit(b"a"), gateway().submit(b"b")
    given_up.cancel()

    assert (await waiting).number == 1


async def test_a_deadline_of_the_client_s_is_kept_within_the_venue_s(bus: ScriptedBus) -> None:
    bus.respond_with = refusing("overloaded")
    at = clock_ns()
    for given, wanted in (
        (None, at + 5_000_000_000),
        ("2100-01-01T00:00:00Z", at + 5_000_000_000),
        ("1970-01-01T00:00:00Z", 1),
    ):
        with pytest.raises(ApplicationError):
            await operations.perform(operations.order_submit, {**ORDER, "deadline": given}, account=3, at=at)
        assert msgspec.msgpack.decode(frame_split(bus.requests[-1][1])[0])[4] == wanted
