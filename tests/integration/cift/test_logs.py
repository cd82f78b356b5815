"""What a log line says besides its text: the request, the account and the order it belongs to, and no secret."""

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import msgspec
import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from apps.accounts.identity.mails import confirmation_token, reset_token
from apps.accounts.identity.principals import principals
from apps.accounts.identity.sessions import Principal, family_start, principal_of, tokens_issue
from apps.accounts.models import Account, TokenFamily, User
from apps.gateways.socket.hub import Hub
from apps.gateways.socket.limits import SocketLimits
from apps.gateways.socket.places import SocketPlaces
from apps.gateways.socket.session import Session
from apps.orders.feeds.venue import VenueFeed
from cift.bus.base import RequestTimeout
from cift.logs.context import LogContext, log_note
from cift.logs.formatters import JsonFormatter, LineFormatter
from cift.logs.refusals import RefusalLog
from cift.processes.threads import database_call
from cift.times import clock_ns
from tests.support.buses import ScriptedBus
from tests.support.databases import table_missing
from tests.support.inprocess import WAYS, Unwatched, way_of
from tests.support.readers import Reader
from tests.support.scripted import ORDER, raising, refusing

PASSWORD = "a long password nobody knows"

logger = logging.getLogger("cift.tests")


class Lines:
    """What is logged, as production writes it."""

    def __init__(self) -> None:
        self._written = StringIO()
        self._handler = logging.StreamHandler(self._written)
        self._handler.setFormatter(JsonFormatter())
        self._level = logging.getLogger("cift.refusals").level

    def begin(self) -> None:
        """Listen; again where Django was set up anew, which takes every handler away."""
        logging.getLogger().addHandler(self._handler)
        logging.getLogger("cift.refusals").setLevel(logging.INFO)

    def end(self) -> None:
        logging.getLogger().removeHandler(self._handler)
        logging.getLogger("cift.refusals").setLevel(self._level)

    @property
    def text(self) -> str:
        return self._written.getvalue()

    def of(self, message: str) -> dict[str, Any]:
        """Return the one line whose message begins so."""
        found = [line for line in map(json.loads, self.text.splitlines()) if line["message"].startswith(message)]
        (line,) = found
        return dict(line)


@pytest.fixture
def lines() -> Iterator[Lines]:
    found = Lines()
    found.begin()
    yield found
    found.end()


def ask(lines: Lines, token: tuple[str, Principal], name: str) -> int:
    """Enter an order by one of the ways; give the answer's status."""
    way = way_of(name, token=token[0], principal=token[1])
    lines.begin()
    return way.ask("order.submit", ORDER)[0]


@pytest.fixture
def token(bus: ScriptedBus) -> tuple[str, Principal]:
    user = User.objects.create_user("trader@example.com", PASSWORD)
    Account.objects.filter(pk=3).update(owner_id=user.pk)
    principals.clear()
    family = family_start(user, at=clock_ns(), address="")
    return tokens_issue(family, at=clock_ns()).access, principal_of(family)


@pytest.mark.parametrize("name", WAYS)
def test_a_refused_order_leaves_a_line_that_says_whose_it_was(
    bus: ScriptedBus, token: tuple[str, Principal], lines: Lines, name: str
) -> None:
    bus.respond_with = refusing("overloaded")
    assert ask(lines, token, name) == 503

    line = lines.of("refused: overloaded (503)")
    assert (line["account"], line["order_id"]) == (3, "one")
    # A socket's requests are numbered by the client, from 0 here; HTTP's are given an id.
    assert line["request_id"] == 0 if name.startswith("socket") else len(line["request_id"]) == 32


def without_events(_subject: str, _payload: bytes) -> bytes:
    """Answer a command as no writer does."""
    return msgspec.msgpack.encode([msgspec.msgpack.encode([1, clock_ns(), b""])])


@pytest.mark.parametrize("name", ["django", "programs", "socket, the long way"])
def test_a_fault_leaves_a_line_that_says_whose_order_it_was(
    bus: ScriptedBus, token: tuple[str, Principal], lines: Lines, name: str
) -> None:
    bus.respond_with = without_events
    assert ask(lines, token, name) == 500

    logged = {"django": "Internal Server Error", "programs": "a program's request failed"}
    line = lines.of(logged.get(name, "an order operation failed"))
    assert (line["level"], line["account"], line["order_id"]) == ("ERROR", 3, "one")
    assert "IndexError" in line["exception"]
    assert lines.of("refused: internal (500)")["request_id"] == line["request_id"]


class FailingHub(Hub):
    async def venue(self) -> VenueFeed:
        raise RuntimeError("a test's fault")


async def test_a_socket_s_message_that_fails_leaves_a_line_and_ends_the_socket(bus: ScriptedBus, lines: Lines) -> None:
    reader = Reader()
    session = Session(FailingHub(), reader.outbox, SocketLimits({}, places=SocketPlaces()), logins=Unwatched())
    session.become(Principal(user=9, family=1, account=3))
    await session.receive('{"id": "s-1", "op": "subscribe", "channel": "status"}')

    line = lines.of("a socket's message failed")
    assert (line["request_id"], line["account"]) == ("s-1", 3)
    assert "RuntimeError: a test's fault" in line["exception"]
    assert reader.outbox.ended


@pytest.mark.parametrize("name", WAYS)
def test_what_is_logged_of_a_frame_of_many_commands_is_nobody_s(
    bus: ScriptedBus, token: tuple[str, Principal], lines: Lines, name: str
) -> None:
    bus.respond_with = raising(RequestTimeout("late"))
    assert ask(lines, token, name) == 504

    assert not {"request_id", "account", "order_id", "user"} & lines.of("no answer from the order service").keys()


def test_no_line_holds_a_password_or_a_token(bus: ScriptedBus, token: tuple[str, Principal], lines: Lines) -> None:
    client = Client(raise_request_exception=False)
    wrong = client.post(
        "/api/v1/auth/token/", {"email": "trader@example.com", "password": f"{PASSWORD}!"}, "application/json"
    )
    stale = client.get("/api/v1/balances/", headers={"Authorization": f"Bearer {token[0]}x"})
    bad = client.post("/api/v1/auth/token/", f'{{"password": "{PASSWORD}', "application/json")
    with table_missing(Account):
        fault = client.get("/api/v1/orders/", headers={"Authorization": f"Bearer {token[0]}", "Accept": "text/html"})

    assert (wrong.status_code, stale.status_code, bad.status_code, fault.status_code) == (401, 401, 400, 500)
    line = lines.of("Internal Server Error")
    assert (line["user"], line["request_id"]) == (token[1].user, fault.headers["X-Request-Id"])
    assert lines.text.count("refused: ") == 4
    for secret in (PASSWORD, token[0], token[0].rsplit(".", 1)[1]):
        assert secret not in lines.text


def test_no_line_of_a_fault_holds_what_somebody_logs_in_by(bus: ScriptedBus, lines: Lines) -> None:
    user = User.objects.create_user("forgetful@example.com", PASSWORD)
    token, new = reset_token(user), "a wholly new password"
    form = {"token": token, "new_password": new, "new_password_again": new}
    credentials = {"email": user.email, "password": PASSWORD}
    client = Client(raise_request_exception=False)
    with table_missing(TokenFamily):
        answers = [client.post("/api/v1/auth/token/", credentials, "application/json")]
    with table_missing(User):
        answers.append(client.post("/account/reset/", form))
        answers.append(client.post("/account/confirm/", {"token": confirmation_token(user, password=user.password)}))
        answers.append(client.post("/api/login/login/", {"username": user.email, "password": PASSWORD}))

    assert [answer.status_code for answer in answers] == [500] * 4
    assert lines.text.count("Internal Server Error") == 4
    for secret in (PASSWORD, new, token, user.password):
        assert secret not in lines.text


def test_a_database_thread_s_lines_belong_to_who_asked(bus: ScriptedBus, lines: Lines) -> None:
    async def ask() -> None:
        with LogContext(request_id="r-1", account=3):
            await database_call(logger.warning, "asked")
        await database_call(logger.warning, "later")

    async_to_sync(ask)()

    assert lines.of("asked")["request_id"] == "r-1"
    assert "request_id" not in lines.of("later")


async def test_what_outlives_a_request_logs_nothing_of_it(lines: Lines) -> None:
    over = asyncio.Event()

    async def feed() -> None:
        log_note(account=4)
        logger.warning("meanwhile")
        await over.wait()
        logger.warning("afterwards")

    with LogContext(request_id="r-1", account=3):
        task = asyncio.create_task(feed())
        await asyncio.sleep(0)
    over.set()
    await task

    assert (lines.of("meanwhile")["request_id"], lines.of("meanwhile")["account"]) == ("r-1", 4)
    assert not {"request_id", "account"} & lines.of("afterwards").keys()


def line_for_people(text: str) -> str:
    return LineFormatter().format(logging.LogRecord("cift.tests", logging.WARNING, "", 1, text, None, None))


def test_a_line_for_people_ends_with_what_it_belongs_to() -> None:
    assert line_for_people("alone").endswith(" WARNING cift.tests: alone")
    with LogContext(request_id="r-1", account=3, order_id="first"):
        assert line_for_people("slow").endswith(" WARNING cift.tests: slow [request_id=r-1 account=3 order_id=first]")


def test_no_client_s_id_forges_a_line_or_a_field() -> None:
    with LogContext(request_id="x\n2026 ERROR all is lost", order_id="1] account=7"):
        line = line_for_people("slow")

    assert "\n" not in line
    assert line.endswith(r"""[request_id='x\n2026 ERROR all is lost' order_id='1] account=7']""")


def test_refusals_past_the_bound_are_counted_not_shown(lines: Lines) -> None:
    seconds = [100.0]
    refused = RefusalLog(per_s_max=2, now=lambda: seconds[0])
    for _ in range(5):
        refused.line(code="invalid", status=400, order_id=None)
    seconds[0] += 1
    refused.line(code="not_found", status=404, order_id=None)

    assert lines.text.count("refused: invalid (400)") == 2
    assert lines.of("3 more refusals are not shown")
    assert lines.of("refused: not_found (404)")
