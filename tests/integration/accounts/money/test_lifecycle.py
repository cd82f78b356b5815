"""The table of a request's life and the database's constraints say the same; only the table moves a status."""

from typing import Any

import pytest
from django.db import IntegrityError

from apps.accounts.codes import CashKind, RequestStatus
from apps.accounts.models import AuditRecord, MoneyRequest, User
from apps.accounts.money.lifecycle import TRANSITIONS, Party, RequestAct
from apps.accounts.money.moves import Answer, request_answer, request_ask, request_decide
from cift.backoffice.acts import VENUE, Actor
from cift.errors.application import ApplicationError

pytestmark = pytest.mark.usefixtures("databases")

ANSWERS = {act for (_, act), row in TRANSITIONS.items() if Party.ORDER_SERVICE in row.parties}


def actor(name: str) -> Actor:
    user = User.objects.filter(email=f"{name}@example.com").first()
    return Actor(user or User.objects.create_user(f"{name}@example.com", "secret"), "192.0.2.7", "r1")


def stored(**changes: Any) -> MoneyRequest:
    row = {"account_id": 3, "asset_id": 1, "kind": 1, "amount": 5, "note": "", "requested_at": 1, **changes}
    return MoneyRequest.objects.create(requested_by=actor("ada").user, **row)


def standing(status: RequestStatus) -> MoneyRequest:
    """Store a request as it stands in a status, decided by another where that is needed."""
    return stored(status=int(status), decided_by=actor("bob").user, sequence=int(status is RequestStatus.BOOKED))


def is_stored(**changes: Any) -> bool:
    try:
        stored(**changes).delete()
    except IntegrityError:
        return False
    return True


def reached_without_another() -> set[RequestStatus]:
    """Walk the table, but not through what only another operator may do."""
    found: set[RequestStatus | None] = {None}
    while True:
        more = {row.after for (status, _), row in TRANSITIONS.items()
                if status in found and row.parties != {Party.ANOTHER}}  # fmt: skip
        if more <= found:
            return {status for status in found if status is not None}
        found |= more


@pytest.mark.parametrize("status", RequestStatus)
def test_the_database_wants_another_operator_where_the_table_does(status: RequestStatus) -> None:
    sequence = int(status is RequestStatus.BOOKED)
    without = status in reached_without_another()

    assert is_stored(status=int(status), sequence=sequence, decided_by=actor("bob").user)
    assert is_stored(status=int(status), sequence=sequence, decided_by=None) == without
    assert is_stored(status=int(status), sequence=sequence, decided_by=actor("ada").user) == without


@pytest.mark.parametrize("status", RequestStatus)
def test_the_database_lets_a_command_be_due_where_the_table_sends_one(status: RequestStatus) -> None:
    sends = any(row.after is status and row.sends is not None for row in TRANSITIONS.values())

    changes = {"status": int(status), "decided_by": actor("bob").user}
    assert is_stored(**changes, sequence=int(status is RequestStatus.BOOKED), due=True) == sends
    assert is_stored(**changes, sequence=1) == (status is RequestStatus.BOOKED)
    assert is_stored(**changes, sequence=0) == (status is not RequestStatus.BOOKED)


@pytest.mark.parametrize("act", [RequestAct.APPROVE, RequestAct.REJECT, RequestAct.EXPIRE])
def test_what_the_table_does_not_let_be_decided_changes_nothing(act: RequestAct) -> None:
    for status in RequestStatus:
        if (status, act) in TRANSITIONS:
            continue
        row = standing(status)
        with pytest.raises(ApplicationError, match="conflict"):
            request_decide(actor("cyd"), row.pk, act)
        row.refresh_from_db()
        assert (row.status, row.due, row.decided_by) == (status, False, actor("bob").user)
    assert not AuditRecord.objects.exists()


@pytest.mark.parametrize("act", sorted(ANSWERS))
def test_an_answer_moves_a_request_as_the_table_says_and_else_not_at_all(act: RequestAct) -> None:
    for status in RequestStatus:
        row = standing(status)
        moved = request_answer(row.pk, Answer(act, sequence=7, code="insufficient_funds"))
        row.refresh_from_db()
        assert row.status == moved.status

        transition = TRANSITIONS.get((status, act))
        before = (status, False, 0, int(status is RequestStatus.BOOKED), "")
        after = before if transition is None else (
            transition.after,
            transition.sends is not None,
            7 if act is RequestAct.HELD else 0,
            7 if transition.after is RequestStatus.BOOKED else 0,
            "insufficient_funds" if transition.after is RequestStatus.REFUSED else "",
        )  # fmt: skip
        assert (row.status, row.due, row.held, row.sequence, row.code) == after


@pytest.mark.parametrize(
    ("who", "act"),
    [
        ("ada", RequestAct.APPROVE),
        ("", RequestAct.APPROVE),
        ("", RequestAct.REJECT),
        ("ada", RequestAct.EXPIRE),
        ("bob", RequestAct.EXPIRE),
        ("bob", RequestAct.HELD),
    ],
)
def test_nobody_does_what_is_another_s_to_do(who: str, act: RequestAct) -> None:
    made = request_ask(actor("ada"), account=3, asset=1, kind=CashKind.WITHDRAWAL, amount=5, note="by bank")

    with pytest.raises(ApplicationError, match="forbidden"):
        request_decide(actor(who) if who else VENUE, made.pk, act)

    made.refresh_from_db()
    assert (made.status, made.decided_at) == (RequestStatus.REQUESTED, None)
