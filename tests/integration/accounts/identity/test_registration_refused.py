"""Registration where the order service takes some of its commands and not others, as under load."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import Client
from pytest_django import Settings

from apps.accounts.identity import registration
from apps.accounts.identity.login import password_user
from apps.accounts.models import Account, User
from apps.accounts.money.opening import openings_complete
from apps.marketdata.reference import references
from apps.orders.matching import engine as rust
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector
from cift.bus import buses
from cift.bus.base import RequestTimeout, VenueUnavailable
from cift.wire.base import Reply, frame_split
from cift.wire.subjects import query_subject
from tests.support.buses import ScriptedBus
from tests.support.shard import T0, journal_fill

PASSWORD = "Correct horse battery"
EMAIL = "new@example.com"
OPEN, MOVE = 20, 22
NOTHING_HAPPENED = ("overloaded", "venue_unavailable", "venue_halted")


class OrderService:
    """An engine and its journal, behind a bus: it refuses the kinds of command it is told to."""

    def __init__(self, bus: ScriptedBus) -> None:
        self.engine = journal_fill(0)
        self.refused: dict[int, str | Exception] = {}
        self.opened: list[str] = []
        self.before: Callable[[], object] = lambda: None
        self._journal = Journal(0)
        self.project()
        bus.respond_with = self._respond

    def project(self) -> None:
        projector = ShardProjector(0)
        while projector.step():
            pass

    def _respond(self, subject: str, payload: bytes) -> bytes:
        # It is no part of the loop that asks, and what comes between has a thread of its own, as in a web server.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(_elsewhere, self._answer, subject, payload).result()

    def _answer(self, subject: str, payload: bytes) -> bytes:
        if subject == query_subject(0):
            answer = self.engine.query(payload)
            assert answer is not None
            return bytes(answer)
        (command,) = frame_split(payload)
        kind, _version, command_id, *_ = msgspec.msgpack.decode(command)
        if kind == OPEN:
            self.opened.append(command_id)
            before, self.before = self.before, lambda: None
            before()
        refusal = self.refused.get(kind)
        if isinstance(refusal, Exception):
            raise refusal
        return msgspec.msgpack.encode([[refusal] if refusal else self._applied(payload)])

    def _applied(self, frame: bytes) -> bytes:
        made = self.engine.apply(frame, number=self.engine.number + 1, at=max(T0, self.engine.at) + 1_000_000)
        self._journal.append(rust.row_of(made, epoch=self.engine.epoch))
        return msgspec.msgpack.encode(Reply(made.number, made.at, rust.sections(made.events)[0]))


def _elsewhere(answer: Callable[[str, bytes], bytes], subject: str, payload: bytes) -> bytes:
    try:
        return answer(subject, payload)
    finally:
        connections.close_all()


@pytest.fixture
def service(sqlite: object, settings: Settings) -> Iterator[OrderService]:
    references.forget()
    settings.BUSES = {"default": {"BACKEND": "tests.support.buses.ScriptedBus"}}
    bus = buses["default"]
    assert isinstance(bus, ScriptedBus)
    # The journal's accounts are those of the users from 1 on.
    User.objects.create_user("earlier@example.com", pk=100)
    yield OrderService(bus)
    references.forget()


def register(email: str = EMAIL, password: str = PASSWORD) -> tuple[int, dict[str, Any]]:
    body = {"email": email, "password": password}
    answer = Client().post("/api/v1/auth/register/", body, content_type="application/json")
    return answer.status_code, answer.json()


def accounts_of(user: User) -> list[Account]:
    return list(Account.objects.filter(owner_id=user.pk))


def owners_are_there() -> bool:
    """Return whether every account opened in a test, as journaled, has its owner."""
    owners = set(Account.objects.filter(pk__gt=6).values_list("owner_id", flat=True))
    return len(owners) > 0 and owners <= set(User.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("code", NOTHING_HAPPENED)
def test_an_account_that_is_open_keeps_its_owner_though_its_deposit_is_refused(
    service: OrderService, code: str
) -> None:
    service.refused[MOVE] = code

    status, body = register()

    assert (status, body["account"]) == (201, None)
    user = User.objects.get(email=EMAIL)
    assert user.opening_due
    service.project()
    assert len(accounts_of(user)) == 1
    assert owners_are_there()

    # What a crash leaves is completed by registering again, at a login and by the venue; once in all.
    service.refused.clear()
    status, body = register()
    service.project()
    assert (status, body["account"]) == (201, str(accounts_of(user)[0].pk))
    assert [row.total for row in accounts_of(user)[0].balances.all()] == [1000_00]
    assert register()[1]["code"] == "email_taken"


def test_what_is_left_over_is_completed_at_a_login_and_by_the_venue(service: OrderService) -> None:
    service.refused[MOVE] = "overloaded"
    register()
    service.project()
    user = User.objects.get(email=EMAIL)
    login = {"email": EMAIL, "password": PASSWORD}

    answer = Client().post("/api/v1/auth/token/", login, content_type="application/json")
    assert answer.status_code == 200
    assert User.objects.get(pk=user.pk).opening_due

    service.refused.clear()
    User.objects.update(created_at="2026-01-01T00:00:00Z")
    assert async_to_sync(openings_complete)() == 1
    service.project()

    assert not User.objects.get(pk=user.pk).opening_due
    assert [row.total for row in accounts_of(user)[0].balances.all()] == [1000_00]
    assert service.opened == [f"user-{user.pk}"]


def test_a_deposit_whose_outcome_is_not_known_is_no_reason_to_undo_either(service: OrderService) -> None:
    service.refused[MOVE] = RequestTimeout("late")

    assert (register()[0], User.objects.filter(email=EMAIL).count()) == (201, 1)


@pytest.mark.parametrize("code", NOTHING_HAPPENED)
def test_where_no_account_was_opened_nobody_is_registered(service: OrderService, code: str) -> None:
    service.refused[OPEN] = VenueUnavailable("nobody") if code == "venue_unavailable" else code

    status, body = register()

    assert (status, body["code"]) == (503, code)
    assert not User.objects.filter(email=EMAIL).exists()
    service.refused.clear()
    assert register()[0] == 201


def test_an_opening_whose_outcome_is_not_known_keeps_the_user(service: OrderService) -> None:
    service.refused[OPEN] = RequestTimeout("late")

    status, body = register()

    assert (status, body["account"]) == (201, None)
    assert User.objects.get(email=EMAIL).opening_due


def test_who_registers_again_loses_no_account_that_the_tables_do_not_show_yet(service: OrderService) -> None:
    service.refused[MOVE] = "overloaded"
    register()
    assert not Account.objects.filter(pk__gt=6).exists(), "not projected yet"

    service.refused[OPEN] = "overloaded"
    status, body = register()

    assert (status, body["code"]) == (503, "overloaded")
    service.project()
    assert len(accounts_of(User.objects.get(email=EMAIL))) == 1


def test_a_registration_another_has_taken_up_meanwhile_is_not_undone(service: OrderService) -> None:
    service.refused[OPEN] = "overloaded"

    def second() -> None:
        service.refused.clear()
        assert register()[0] == 201
        service.refused[OPEN] = "overloaded"

    service.before = second

    assert register()[0] == 503

    service.project()
    assert len(accounts_of(User.objects.get(email=EMAIL))) == 1


def test_a_registration_that_was_undone_meanwhile_opens_no_account(
    service: OrderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.refused[OPEN] = "overloaded"
    again: list[tuple[int, dict[str, Any]]] = []

    def undone_behind(email: str, password: str) -> User | None:
        found = password_user(email, password)
        registration.registration_undo(User.objects.get(email=email))
        return found

    def second() -> None:
        monkeypatch.setattr(registration, "password_user", undone_behind)
        again.append(register())

    service.before = second
    register()

    assert [(status, body["code"]) for status, body in again] == [(503, "venue_unavailable")]
    assert len(service.opened) == 1
    assert not User.objects.filter(email=EMAIL).exists()
