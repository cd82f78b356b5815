"""Every documented code is provoked here, or by the engine; and the code raises no other."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from apps.accounts.identity import second_factor
from apps.accounts.models import Account, User
from apps.marketdata.reference import references
from apps.orders.entry import answers
from apps.orders.lifecycle import TERMINAL
from apps.orders.matching.projector import ShardProjector
from apps.orders.models import Order
from apps.orders.reasons import Reason
from apps.orders.rest import own_lists
from cift.bus import buses
from cift.bus.base import BusOverloaded, RequestTimeout, VenueUnavailable
from cift.errors.codes import CODES
from cift.orderservice.consistency import JournalPlace, token_of
from cift.wire.base import frame_split
from tests.support.buses import ScriptedBus
from tests.support.raised import codes_in
from tests.support.schema import SERVICE_CODES, body_of, codes_documented, operations, value_check
from tests.support.shard import journal_fill

ROOT = Path(__file__).resolve().parents[4]
PASSWORD = "a long passphrase 42"
LOGIN = {"email": "trader@example.com", "password": PASSWORD}
ORDER = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "150.1", "quantity": "1"}
REASONS = {reason.code for reason in Reason}
ORDERS_REASONS = [reason for reason in Reason if reason < Reason.USER_REQUESTED or reason is Reason.DEADLINE_PASSED]
BEFORE_DJANGO = {
    "request_timeout": "tests/functional/test_bodies.py",
    "uri_too_long": "tests/integration/cift/servers/test_one_behavior.py",
    "expectation_failed": "tests/integration/cift/servers/test_one_behavior.py",
    "headers_too_large": "tests/integration/cift/servers/test_one_behavior.py",
    "not_implemented": "tests/integration/cift/servers/test_one_behavior.py",
}
"""What no view answers, and the tests that need a web server for it."""


class Scene(NamedTuple):
    """Where a code is provoked: the trader's session, the order service's part, and what may be turned."""

    client: Client
    bus: ScriptedBus
    settings: Settings
    monkeypatch: pytest.MonkeyPatch

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        options = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method)(f"/api/v1/{path}", **options, headers=headers)

    def submit(self) -> Any:
        return self.call("post", "orders/", ORDER)


@pytest.fixture
def scene(sqlite: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    journal_fill(60)
    projector = ShardProjector(0)
    while projector.step():
        pass
    references.forget()
    settings.BUSES = {"default": {"BACKEND": "tests.support.buses.ScriptedBus"}}
    bus = buses["default"]
    assert isinstance(bus, ScriptedBus)
    user = User.objects.create_user(LOGIN["email"], PASSWORD)
    Account.objects.update(owner_id=None)
    Account.objects.filter(pk=3).update(owner_id=user.pk)
    client = Client(raise_request_exception=False)
    client.force_login(user)
    yield Scene(client, bus, settings, monkeypatch)
    references.forget()


def refuses(scene: Scene, code: str) -> None:
    scene.bus.respond_with = lambda _, payload: msgspec.msgpack.encode([[code]] * len(frame_split(payload)))


def raises(scene: Scene, error: Exception) -> None:
    def respond(_subject: str, _payload: bytes) -> bytes:
        raise error

    scene.bus.respond_with = respond


def tells(scene: Scene, event: list[Any]) -> None:
    reply = msgspec.msgpack.encode([10**6, 1, msgspec.msgpack.encode(event)])
    scene.bus.respond_with = lambda _subject, _payload: msgspec.msgpack.encode([reply])


def terminal_cancel(scene: Scene) -> Any:
    tells(scene, [4, 10**6, 3, int(Reason.ORDER_UNKNOWN), 12, ""])
    ended = [int(status) for status in TERMINAL]
    order = Order.objects.filter(account_id=3, status__in=ended).first()
    assert order is not None
    return scene.call("delete", f"orders/{order.pk}/")


def refused_by(scene: Scene, code: str) -> Any:
    refuses(scene, code)
    return scene.submit()


def duplicate(scene: Scene) -> Any:
    tells(scene, [3, 10**6, 3, "one", 5, 0, False])
    return scene.submit()


def unreachable(scene: Scene) -> Any:
    raises(scene, VenueUnavailable("nobody"))
    return scene.call("get", "instruments/AAPL-USD/ticker/")


def unanswered(scene: Scene) -> Any:
    raises(scene, RequestTimeout("late"))
    return scene.submit()


def busy(scene: Scene) -> Any:
    def current(*_arguments: Any) -> Any:
        raise OperationalError("locked")

    scene.monkeypatch.setattr(answers, "orders_current", current)
    return terminal_cancel(scene)


def broken(scene: Scene) -> Any:
    scene.monkeypatch.delattr(own_lists, "orders_page")
    return scene.call("get", "orders/")


def unconfirmed(scene: Scene) -> Any:
    scene.settings.IDENTITIES = {**scene.settings.IDENTITIES, "CONFIRM_EMAIL": True}
    User.objects.update(email_confirmed=False)
    return scene.call("post", "auth/token/", LOGIN)


def half_known(scene: Scene) -> Any:
    scene.monkeypatch.setattr(second_factor, "second_factor_has", lambda _user: True)
    return scene.call("post", "auth/token/", LOGIN)


def stranger(scene: Scene) -> Any:
    scene.client.force_login(User.objects.create_user("other@example.com", PASSWORD))
    return scene.call("get", "orders/")


def often(scene: Scene) -> Any:
    limits = {**scene.settings.IDENTITIES["LIMITS"], "register-address": (1, 3_600)}
    scene.settings.IDENTITIES = {**scene.settings.IDENTITIES, "LIMITS": limits}
    scene.call("post", "auth/register/", LOGIN)
    return scene.call("post", "auth/register/", LOGIN)


def without_token(scene: Scene) -> Any:
    scene.client.handler.enforce_csrf_checks = True
    return scene.submit()


def without_history(scene: Scene) -> Any:
    options = {"url": "http://127.0.0.1:1", "sql_port": 1, "user": "reader", "password": ""}
    scene.settings.TICK_STORES = {
        "default": {"BACKEND": "apps.marketdata.ticks.questdb.QuestDBTickStore", "OPTIONS": options}
    }
    return scene.call("get", "tickers/")


PROVOKED: dict[str, Callable[[Scene], Any]] = {
    "invalid": lambda scene: scene.call("post", "orders/", {}),
    "unauthenticated": lambda scene: scene.call("get", "orders/", Authorization="Bearer x"),
    "forbidden": stranger,
    "csrf_failed": without_token,
    "email_unconfirmed": unconfirmed,
    "second_factor_required": half_known,
    "second_factor_wrong": lambda scene: scene.call("post", "auth/second-factor/verify/", {"code": "123456"}),
    "not_found": lambda scene: scene.call("get", "orders/77/"),
    "method_not_allowed": lambda scene: scene.call("put", "orders/", {}),
    "not_acceptable": lambda scene: scene.call("get", "orders/", Accept="application/xml"),
    "conflict": lambda scene: scene.call("post", "auth/second-factor/confirm/", {"code": "123456"}),
    "email_taken": lambda scene: scene.call("post", "auth/register/", LOGIN),
    "duplicate_client_order_id": duplicate,
    "order_terminal": terminal_cancel,
    "payload_too_large": lambda scene: scene.call("post", "orders/", {"symbol": "x" * 300_000}),
    "unsupported_media_type": lambda scene: scene.client.post("/api/v1/orders/", "x", content_type="text/plain"),
    "rate_limited": often,
    "internal": broken,
    "venue_unavailable": unreachable,
    "venue_halted": lambda scene: refused_by(scene, "venue_halted"),
    "overloaded": lambda scene: refused_by(scene, "overloaded"),
    "projection_behind": lambda scene: scene.call("get", f"orders/?at_least={token_of(JournalPlace(0, 10**9))}"),
    "database_busy": busy,
    "history_unavailable": without_history,
    "outcome_unknown": unanswered,
}


@pytest.mark.parametrize("code", sorted(PROVOKED))
def test_a_documented_code_can_be_provoked(scene: Scene, code: str) -> None:
    answer = PROVOKED[code](scene)

    assert (answer.json().get("code"), answer.status_code) == (code, CODES[code].status), answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    value_check(answer.json(), "/components/schemas/Problem")


def test_a_reason_of_the_engine_s_is_the_answer_s_code(scene: Scene) -> None:
    for reason in ORDERS_REASONS:
        tells(scene, [11, 10**6, 0, 3, 10**6 << 20, "one", 1, int(reason), 1, 0, 0, 0, 1, 15010, 1, 0])
        answer = scene.submit()
        assert (answer.json()["code"], answer.status_code) == (reason.code, 422)
        assert answer.json()["sequence"] == 10**6


def test_no_documented_code_is_left_out() -> None:
    assert set(PROVOKED) | set(BEFORE_DJANGO) | REASONS == set(CODES)
    for code, file in BEFORE_DJANGO.items():
        assert f'"{code}"' in (ROOT / file).read_text()


def raised() -> Iterator[tuple[str, str]]:
    """Find every code the source raises an error with."""
    for file in sorted([*ROOT.glob("apps/**/*.py"), *ROOT.glob("cift/**/*.py")]):
        yield from ((code, f"{file.name}:{line}") for code, line in codes_in(ast.parse(file.read_text())))


def test_the_code_raises_no_other() -> None:
    found = list(raised())

    assert len(found) > 50
    assert not [where for code, where in found if code not in CODES]


def left_unanswered(code: str) -> Callable[[Scene], None]:
    """Refuse commands with a code; nobody answers questions."""

    def begin(scene: Scene) -> None:
        def respond(subject: str, payload: bytes) -> bytes:
            if subject.startswith("orders.query"):
                raise VenueUnavailable("nobody")
            return msgspec.msgpack.encode([[code]] * len(frame_split(payload)))

        scene.bus.respond_with = respond

    return begin


FAULTS: tuple[Callable[[Scene], None], ...] = (
    lambda scene: raises(scene, VenueUnavailable("nobody")),
    lambda scene: raises(scene, BusOverloaded("full")),
    lambda scene: raises(scene, RequestTimeout("late")),
    *map(left_unanswered, sorted(SERVICE_CODES)),
)


QUERIES = {("delete", "/api/v1/orders/"): "?all=true"}
"""What an operation is asked for where it does nothing without."""


def test_an_operation_documents_the_order_service_s_faults_it_answers_and_no_other(scene: Scene) -> None:
    limits = dict.fromkeys(scene.settings.IDENTITIES["LIMITS"], (10**6, 1))
    scene.settings.IDENTITIES = {**scene.settings.IDENTITIES, "LIMITS": limits}
    order = Order.objects.filter(account_id=3).latest("id")
    in_path = {"symbol": "AAPL-USD", "order_id": order.pk, "client_order_id": order.client_order_id}
    asked = [(path, method, body_of(operation)) for path, method, operation in operations() if "/api/v1/" in path]
    assert len(asked) > 30
    for path, method, body in asked:
        answered = set()
        for number, fault in enumerate(FAULTS):
            fault(scene)
            # Some of these calls end all logins, which the user's row then says.
            scene.client.force_login(User.objects.get(email=LOGIN["email"]))
            given = {**LOGIN, "email": f"new-{number}@example.com"} if "register" in path else body
            address = path.removeprefix("/api/v1/").format(**in_path) + QUERIES.get((method, path), "")
            answer = scene.call(method, address, given)
            answered.add(answer.json().get("code") if answer.content else None)
        assert answered & SERVICE_CODES == codes_documented(method, path) & SERVICE_CODES, (method, path)
