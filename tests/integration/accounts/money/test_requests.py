"""Money requests: four eyes, a hold, one booking, and nothing lost when an answer is."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError

from apps.accounts.audit.records import records_verify
from apps.accounts.codes import CashKind, RequestStatus, WithdrawalEnd, WithdrawalStatus
from apps.accounts.events import CashMoved, WithdrawalRequested, WithdrawalSettled
from apps.accounts.models import AuditRecord, MoneyRequest, User, Withdrawal
from apps.accounts.money import bookings, requests
from cift.backoffice.acts import Actor
from cift.errors.application import ApplicationError
from cift.orderservice.performing import Performed
from cift.processes.threads import database_call
from cift.wire.base import Event
from tests.support.together import together

DAY = 24 * 60 * 60 * 1_000_000_000


class Service:
    """Books and holds as the order service does: once for each id, and the first answer again."""

    def __init__(self) -> None:
        self.answers: dict[str, Event | str] = {}
        self.booked: dict[str, int] = {}
        self.held: dict[str, int] = {}
        self.fails: list[str] = []

    async def book(self, *, command_id: str, deadline: int, **given: Any) -> Performed[Any]:
        return await database_call(self._answered, command_id, lambda: self._moved(command_id, given))

    async def hold(self, *, command_id: str, deadline: int, **given: Any) -> Performed[Any]:
        return await database_call(self._answered, command_id, lambda: self._held(command_id, given))

    async def settle(self, *, command_id: str, deadline: int, **given: Any) -> Performed[Any]:
        return await database_call(self._answered, command_id, lambda: self._settled(command_id, given))

    def _answered(self, command_id: str, make: Any) -> Performed[Any]:
        code = self.fails.pop(0) if self.fails else ""
        if code and code != "outcome_unknown":
            raise ApplicationError(code)
        answer = self.answers[command_id] if command_id in self.answers else make()
        self.answers[command_id] = answer
        if code:
            raise ApplicationError(code)
        if isinstance(answer, str):
            raise ApplicationError(answer)
        return Performed(number=0, at=1, event=answer)

    def _moved(self, command_id: str, given: dict[str, Any]) -> Event:
        sequence = self.booked[command_id] = self._sequence()
        return CashMoved(sequence=sequence, account_sequence=1, id=command_id, kind=CashKind.DEPOSIT, **given)

    def _held(self, command_id: str, given: dict[str, Any]) -> Event | str:
        if command_id in self.held:
            return "already_exists"
        sequence = self.held[command_id] = self._sequence()
        Withdrawal.objects.create(id=sequence, command_id=command_id, account_id=given["account"],
            asset_id=given["asset"], amount=given["amount"], status=0, requested_at=1, sequence=sequence)  # fmt: skip
        return WithdrawalRequested(sequence=sequence, account_sequence=1, id=command_id, **given)

    def _settled(self, command_id: str, given: dict[str, Any]) -> Event | str:
        end, request = given["end"], given["request"]
        held = self.held.pop(request, None)
        if held is None:
            return "withdrawal_unknown"
        sequence = self._sequence()
        if end is WithdrawalEnd.BOOKED:
            self.booked[request] = sequence
        Withdrawal.objects.filter(pk=held).update(status=int(end) + 1, settled_at=2, sequence=sequence)
        return WithdrawalSettled(
            sequence=sequence, account_sequence=2, id=command_id, request_sequence=held, asset=1, amount=1, **given
        )

    def _sequence(self) -> int:
        return 100 + len(self.answers)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, databases: str) -> Iterator[Service]:
    made = Service()
    monkeypatch.setattr(bookings, "_BOOKS", dict.fromkeys(CashKind, made.book))
    monkeypatch.setattr(bookings, "withdrawal_request", made.hold)
    monkeypatch.setattr(bookings, "withdrawal_settle", made.settle)
    yield made
    records_verify()


def actor(name: str) -> Actor:
    user = User.objects.filter(email=f"{name}@example.com").first()
    return Actor(user or User.objects.create_user(f"{name}@example.com", "secret"), "192.0.2.7", "r1")


def asked(by: str = "ada", kind: CashKind = CashKind.DEPOSIT) -> MoneyRequest:
    return requests.request_make(actor(by), account=3, asset=1, kind=kind, amount=1_000, note="by bank")


def swept(alone_ns: int = 0) -> int:
    return async_to_sync(requests.requests_complete)(alone_ns=alone_ns)


def stands(made: MoneyRequest) -> tuple[RequestStatus, bool]:
    made.refresh_from_db()
    return RequestStatus(made.status), made.due


def acts() -> list[tuple[str, str, str, int]]:
    rows = AuditRecord.objects.order_by("number")
    return list(rows.values_list("action", "outcome", "actor_email", "sequence"))


def test_another_operator_s_approval_books_it_once(service: Service) -> None:
    made = asked()

    booked = requests.request_approve(actor("bob"), made.pk)

    assert (booked.status, booked.sequence, booked.decided_by) == (RequestStatus.BOOKED, 100, actor("bob").user)
    assert service.booked == {f"request/{made.pk}": 100}
    assert acts() == [
        ("money.request", "done", "ada@example.com", 0),
        ("money.approve", "done", "bob@example.com", 0),
        ("money.book", "asked", "bob@example.com", 0),
        ("money.book", "done", "bob@example.com", 100),
    ]
    for decide in (requests.request_approve, requests.request_reject, requests.request_complete):
        with pytest.raises(ApplicationError, match="booked"):
            decide(actor("bob"), made.pk)
    assert len(service.booked) == 1


def test_nobody_approves_their_own(service: Service) -> None:
    made = asked()

    with pytest.raises(ApplicationError, match="another operator"):
        requests.request_approve(actor("ada"), made.pk)

    assert (stands(made), service.booked) == ((RequestStatus.REQUESTED, False), {})
    with pytest.raises(IntegrityError):
        MoneyRequest.objects.filter(pk=made.pk).update(status=int(RequestStatus.APPROVED), decided_by=actor("ada").user)


def test_of_several_approvals_at_once_one_books(service: Service) -> None:
    made = asked()
    operators = [actor(name) for name in ("bob", "cyd", "dan", "eve")]

    results = together(4, lambda number: requests.request_approve(operators[number], made.pk))

    assert [isinstance(result, MoneyRequest) for result in results].count(True) == 1
    assert all(result.code == "conflict" for result in results if isinstance(result, ApplicationError))
    assert AuditRecord.objects.filter(action="money.approve").count() == 1
    assert service.booked == {f"request/{made.pk}": 100}


def test_a_rejected_request_is_never_booked(service: Service) -> None:
    made = asked()

    assert requests.request_reject(actor("ada"), made.pk).status == RequestStatus.REJECTED
    for decide in (requests.request_approve, requests.request_complete):
        with pytest.raises(ApplicationError, match="rejected"):
            decide(actor("bob"), made.pk)
    assert service.booked == {}


@pytest.mark.parametrize("code", ["outcome_unknown", "venue_unavailable", "overloaded", "deadline_passed"])
def test_a_booking_that_was_cut_off_is_booked_again_and_not_doubled(service: Service, code: str) -> None:
    made = asked()
    service.fails = [code]

    with pytest.raises(ApplicationError, match=code):
        requests.request_approve(actor("bob"), made.pk)
    assert stands(made) == (RequestStatus.APPROVED, True)

    booked = requests.request_complete(actor("cyd"), made.pk)

    assert (booked.status, booked.sequence, booked.decided_by) == (RequestStatus.BOOKED, 100, actor("bob").user)
    assert service.booked == {f"request/{made.pk}": 100}
    ended = AuditRecord.objects.filter(code=code).get()
    assert ended.outcome == ("unknown" if code == "outcome_unknown" else "refused")


def test_what_the_order_service_refuses_is_refused_for_good(service: Service) -> None:
    made = asked()
    service.fails = ["insufficient_funds"]

    with pytest.raises(ApplicationError, match="insufficient_funds"):
        requests.request_approve(actor("bob"), made.pk)

    made.refresh_from_db()
    assert (made.status, made.code) == (RequestStatus.REFUSED, "insufficient_funds")
    with pytest.raises(ApplicationError, match="refused"):
        requests.request_complete(actor("bob"), made.pk)


def test_a_booking_is_not_tried_again_once_its_id_may_be_forgotten(service: Service) -> None:
    made = asked()
    service.fails = ["outcome_unknown"]
    with pytest.raises(ApplicationError):
        requests.request_approve(actor("bob"), made.pk)
    made.refresh_from_db()
    assert made.decided_at is not None
    MoneyRequest.objects.filter(pk=made.pk).update(decided_at=made.decided_at - bookings.REBOOK_NS_MAX - 1)

    with pytest.raises(ApplicationError, match="too long ago"):
        requests.request_complete(actor("bob"), made.pk)
    assert swept() == 0


def test_a_withdrawal_is_held_from_its_request_and_booked_when_another_approves_it(service: Service) -> None:
    made = asked(kind=CashKind.WITHDRAWAL)
    request = f"request/{made.pk}"
    assert (stands(made), made.held, service.held) == ((RequestStatus.REQUESTED, False), 100, {request: 100})

    booked = requests.request_approve(actor("bob"), made.pk)

    assert (stands(booked), booked.sequence) == ((RequestStatus.BOOKED, False), 101)
    assert (service.held, service.booked) == ({}, {request: 101})
    assert acts() == [
        ("money.request", "done", "ada@example.com", 0),
        ("money.hold", "asked", "ada@example.com", 0),
        ("money.hold", "done", "ada@example.com", 100),
        ("money.approve", "done", "bob@example.com", 0),
        ("money.book", "asked", "bob@example.com", 0),
        ("money.book", "done", "bob@example.com", 101),
    ]


def test_a_withdrawal_that_cannot_be_held_is_refused_at_once(service: Service) -> None:
    service.fails = ["insufficient_funds"]

    with pytest.raises(ApplicationError, match="insufficient_funds"):
        asked(kind=CashKind.WITHDRAWAL)

    made = MoneyRequest.objects.get()
    assert (stands(made), made.code, made.decided_by) == ((RequestStatus.REFUSED, False), "insufficient_funds", None)
    with pytest.raises(ApplicationError, match="refused"):
        requests.request_approve(actor("bob"), made.pk)


def test_a_rejected_withdrawal_is_given_back(service: Service) -> None:
    made = asked(kind=CashKind.WITHDRAWAL)

    requests.request_reject(actor("ada"), made.pk)

    assert (stands(made), service.held, service.booked) == ((RequestStatus.REJECTED, False), {}, {})
    assert Withdrawal.objects.get().status == WithdrawalStatus.RELEASED


def test_a_withdrawal_whose_return_is_refused_stays_due_and_holds_up_no_other(service: Service) -> None:
    made = asked(kind=CashKind.WITHDRAWAL)
    service.fails = ["account_unknown"]

    with pytest.raises(ApplicationError, match="account_unknown"):
        requests.request_reject(actor("bob"), made.pk)
    service.fails = ["venue_unavailable"]
    other = asked(kind=CashKind.WITHDRAWAL)
    service.fails = ["account_unknown"]

    assert swept() == 2
    assert (stands(made), stands(other)) == ((RequestStatus.REJECTED, True), (RequestStatus.REQUESTED, False))
    assert swept() == 1
    assert stands(made) == (RequestStatus.REJECTED, False)


def test_what_nobody_decides_expires_and_is_given_back(service: Service) -> None:
    made, deposit = asked(kind=CashKind.WITHDRAWAL), asked()
    assert swept() == 0
    MoneyRequest.objects.update(requested_at=made.requested_at - 15 * DAY)

    assert swept() == 1

    assert [stands(made), stands(deposit)] == [(RequestStatus.EXPIRED, False)] * 2
    assert (service.held, made.decided_by) == ({}, None)
    assert ("money.expire", "done", "", 0) in acts()
    with pytest.raises(ApplicationError, match="expired"):
        requests.request_approve(actor("bob"), made.pk)


@pytest.mark.parametrize("code", ["outcome_unknown", "venue_unavailable"])
def test_a_withdrawal_cut_off_at_any_step_is_finished_by_the_sweep(service: Service, code: str) -> None:
    ends: list[tuple[Any, RequestStatus]] = [
        (None, RequestStatus.REQUESTED),
        (requests.request_approve, RequestStatus.BOOKED),
        (requests.request_reject, RequestStatus.REJECTED),
    ]
    for lost, (decide, status) in itertools.product((1, 2), ends):
        service.fails = [code] * lost

        made = asked(kind=CashKind.WITHDRAWAL)
        assert stands(made) == (RequestStatus.REQUESTED, True), "made, though nobody answered"
        if decide is not None:
            with suppress(ApplicationError):
                decide(actor("bob"), made.pk)
        service.fails = []
        assert swept(alone_ns=DAY) == 0, "what was touched just now is left alone"
        swept()

        request = f"request/{made.pk}"
        assert stands(made) == (status, False)
        assert (request in service.held) == (status is RequestStatus.REQUESTED)
        assert (request in service.booked) == (status is RequestStatus.BOOKED)
        assert swept() == 0


def test_a_sweep_stops_at_the_first_answer_that_does_not_come(service: Service) -> None:
    service.fails = ["venue_unavailable"] * 3
    made = [asked(kind=CashKind.WITHDRAWAL) for _ in range(2)]

    with pytest.raises(ApplicationError, match="venue_unavailable"):
        swept()

    assert [stands(each)[1] for each in made] == [True, True]
    assert swept() == 2


@pytest.mark.parametrize("decide", [requests.request_approve, requests.request_reject])
def test_a_withdrawal_outlives_what_the_order_service_remembers_of_its_ids(service: Service, decide: Any) -> None:
    service.fails = ["outcome_unknown"]
    made = asked(kind=CashKind.WITHDRAWAL)
    service.answers["forgotten"] = service.answers.pop(f"request/{made.pk}")

    ended = decide(actor("bob"), made.pk)
    assert (made.held, ended.held, service.held) == (0, 100, {}), "held once, found again, and settled"

    # Settled, but the answer was lost, and by now the id is forgotten too.
    service.answers["forgotten too"] = service.answers.pop(made.settling_id)
    status = RequestStatus.APPROVED if decide is requests.request_approve else RequestStatus.REJECTED
    MoneyRequest.objects.update(status=int(status), sequence=0, due=True)
    assert swept() == 1

    ended.refresh_from_db()
    booked = list(service.booked.values())
    assert stands(ended) == (RequestStatus.BOOKED if booked else RequestStatus.REJECTED, False)
    assert ended.sequence == (booked[0] if booked else 0)
