"""Four eyes on money: two people, whoever made them, as the audit records tell."""

from typing import Any

import pytest

from apps.accounts.codes import CashKind, RequestStatus
from apps.accounts.events import CashMoved
from apps.accounts.models import AuditRecord, MoneyRequest, User
from apps.accounts.money import bookings
from apps.accounts.money.four_eyes import PEOPLE_MAX, person_behind_both
from apps.accounts.money.requests import request_approve, request_make, request_reject
from cift.backoffice.acts import VENUE, Actor, record
from cift.errors.application import ApplicationError
from cift.orderservice.performing import Performed

OPERATOR = {"is_staff": True, "roles": ["operator"]}


@pytest.fixture(autouse=True)
def booked(databases: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the order service book what it is sent; gives what that was."""
    sent: list[str] = []

    async def book(*, command_id: str, deadline: int, **given: Any) -> Performed[Any]:
        sent.append(command_id)
        event = CashMoved(sequence=100, account_sequence=1, id=command_id, kind=CashKind.DEPOSIT, **given)
        return Performed(number=0, at=1, event=event)

    monkeypatch.setattr(bookings, "_BOOKS", dict.fromkeys(CashKind, book))
    return sent


def user(name: str, *, superuser: bool = False) -> User:
    found = User.objects.filter(email=f"{name}@example.com").first()
    return found or User.objects.create_user(f"{name}@example.com", "secret", is_staff=True, is_superuser=superuser)


def actor(name: str) -> Actor:
    return Actor(user(name), "192.0.2.7", "r1")


def did(by: str, act: str, to: str, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> None:
    record(actor(by), action=f"user.{act}", subject=f"user {user(to).pk}", before=before, after=after)


def made(by: str, *names: str) -> None:
    """Have somebody make operators, as the admin writes it down."""
    for name in names:
        did(by, "add", name, after={"email": f"{name}@example.com", "is_staff": False, "roles": []})
        did(by, "change", name, {"is_staff": False, "roles": []}, OPERATOR)


def asked(by: str) -> MoneyRequest:
    return request_make(actor(by), account=3, asset=1, kind=CashKind.DEPOSIT, amount=1_000, note="by bank")


def approved(asker: str, approver: str) -> bool:
    request, code, detail = asked(asker), "", ""
    try:
        request_approve(actor(approver), request.pk)
    except ApplicationError as error:
        code, detail = error.code, error.detail
    if not code:
        return True
    assert (code, detail.split(",")[0]) == ("forbidden", "Two people are needed")
    request.refresh_from_db()
    assert (request.status, request.due) == (RequestStatus.REQUESTED, False)
    assert not AuditRecord.objects.filter(action="money.approve", subject=f"request {request.pk}").exists()
    return False


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("add", {}, {"email": "puppet@example.com", "is_staff": False}),
        ("password", {}, {}),
        ("change", {"roles": ["viewer"]}, {"roles": ["operator", "viewer"]}),
        ("change", {"is_staff": False}, {"is_staff": True}),
        ("change", {"is_superuser": False}, {"is_superuser": True}),
        ("change", {"email": "was@example.com"}, {"email": "puppet@example.com"}),
    ],
)
def test_who_had_a_hand_in_somebody_is_no_second_pair_of_eyes(
    act: str, before: dict[str, Any], after: dict[str, Any], booked: list[str]
) -> None:
    did("ada", act, "puppet", before, after)

    assert not approved("ada", "puppet")
    assert not approved("puppet", "ada")
    assert booked == []
    assert approved("ada", "bob")
    assert approved("puppet", "bob")


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("change", {"is_active": True}, {"is_active": False}),
        ("change", {"roles": ["operator", "viewer"]}, {"roles": ["operator"]}),
        ("change", {"is_superuser": True}, {"is_superuser": False}),
        ("second_factor_remove", {}, {}),
    ],
)
def test_what_lets_nobody_in_puts_nobody_behind_them(act: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    did("ada", act, "bob", before, after)

    assert approved("ada", "bob")


def test_one_s_own_password_puts_nobody_else_behind_one() -> None:
    did("bob", "password", "bob")

    assert approved("ada", "bob")


def test_an_administrator_s_two_puppets_do_not_approve_each_other() -> None:
    made("admin", "left", "right")
    made("other", "third")

    assert person_behind_both(user("left").pk, user("right").pk) == "admin@example.com"
    assert not approved("left", "right")
    assert approved("left", "third")


def test_nor_does_a_puppet_administrator_s_puppet() -> None:
    made("admin", "left", "second-admin")
    made("second-admin", "third-admin")
    made("third-admin", "right")

    assert not approved("left", "right")
    assert not approved("right", "left")


def test_a_password_set_later_spoils_a_pair() -> None:
    made("admin", "left")
    made("other", "right")
    assert approved("left", "right")

    did("admin", "password", "right")

    assert not approved("left", "right")


def test_who_made_one_another_in_a_circle_are_still_looked_through() -> None:
    made("left", "right")
    made("right", "left")

    assert not approved("left", "right")
    assert approved("left", "bob")


def test_a_superuser_makes_operators_and_is_no_second_pair_of_eyes_to_them() -> None:
    user("root", superuser=True)
    made("root", "left", "right")

    assert approved("left", "right")
    assert not approved("root", "left")
    assert not approved("right", "root")


def test_the_console_is_nobody_s_hand() -> None:
    for name in ("left", "right"):
        record(VENUE, action="user.login_link", subject=f"user {user(name).pk}", after={"is_superuser": True})

    assert approved("left", "right")


def test_a_puppet_s_request_may_be_rejected() -> None:
    made("admin", "left", "right")

    assert request_reject(actor("right"), asked("left").pk).status == RequestStatus.REJECTED


def test_with_too_many_people_behind_one_nobody_can_tell() -> None:
    for number in range(PEOPLE_MAX + 1):
        did(f"admin-{number}", "password", "left")

    assert not approved("left", "bob")
