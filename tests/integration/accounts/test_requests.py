"""Money requests: four eyes, one booking, and nothing lost when an answer is."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError

from apps.accounts import requests
from apps.accounts.codes import CashKind
from apps.accounts.events import CashMoved
from apps.accounts.models import AuditRecord, MoneyRequest, User
from apps.accounts.records import records_verify
from apps.accounts.request_models import RequestStatus
from cift.backoffice import Actor
from cift.bus.performing import Performed
from cift.errors import ApplicationError
from tests.support.together import together


class Service:
    """Books as the order service does: once for each id."""

    def __init__(self) -> None:
        self.booked: dict[str, int] = {}
        self.fails: list[str] = []

    async def book(
        self, *, account: int, command_id: str, asset: int, amount: int, deadline: int
    ) -> Performed[CashMoved]:
        code = self.fails.pop(0) if self.fails else ""
        if code and code != "outcome_unknown":
            raise ApplicationError(code)
        sequence = self.booked.setdefault(command_id, 100 + len(self.booked))
        if code:
            raise ApplicationError(code)
        event = CashMoved(
            sequence=sequence,
            account_sequence=1,
            account=account,
            id=command_id,
            kind=CashKind.DEPOSIT,
            asset=asset,
            amount=amount,
        )
        return Performed(number=0, at=1, event=event)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, databases: str) -> Iterator[Service]:
    made = Service()
    monkeypatch.setattr(requests, "_BOOKS", dict.fromkeys(CashKind, made.book))
    yield made
    records_verify()


def actor(name: str) -> Actor:
    user = User.objects.filter(email=f"{name}@example.com").first()
    return Actor(user or User.objects.create_user(f"{name}@example.com", "secret"), "192.0.2.7", "r1")


def asked(by: str = "ada") -> MoneyRequest:
    return requests.request_make(
        actor(by), account=3, asset=1, kind=CashKind.DEPOSIT, amount=1_000, note="paid in by bank"
    )


def test_another_operator_s_approval_books_it_once(service: Service) -> None:
    made = asked()

    booked = requests.request_approve(actor("bob"), made.pk)

    assert (booked.status, booked.sequence, booked.decided_by) == (RequestStatus.BOOKED, 100, actor("bob").user)
    assert service.booked == {f"request/{made.pk}": 100}
    acts = AuditRecord.objects.order_by("number").values_list("action", "outcome", "actor_email", "sequence")
    assert list(acts) == [
        ("money.request", "done", "ada@example.com", 0),
        ("money.approve", "done", "bob@example.com", 0),
        ("money.book", "asked", "bob@example.com", 0),
        ("money.book", "done", "bob@example.com", 100),
    ]
    for decide in (requests.request_approve, requests.request_reject, requests.request_book):
        with pytest.raises(ApplicationError, match="booked"):
            decide(actor("bob"), made.pk)
    assert len(service.booked) == 1


def test_nobody_approves_their_own(service: Service) -> None:
    made = asked()

    with pytest.raises(ApplicationError, match="another operator"):
        requests.request_approve(actor("ada"), made.pk)

    made.refresh_from_db()
    assert (made.status, service.booked) == (RequestStatus.REQUESTED, {})
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
    for decide in (requests.request_approve, requests.request_book):
        with pytest.raises(ApplicationError, match="rejected"):
            decide(actor("bob"), made.pk)
    assert service.booked == {}


@pytest.mark.parametrize("code", ["outcome_unknown", "venue_unavailable", "overloaded", "deadline_passed"])
def test_a_booking_that_was_cut_off_is_booked_again_and_not_doubled(service: Service, code: str) -> None:
    made = asked()
    service.fails = [code]

    with pytest.raises(ApplicationError, match=code):
        requests.request_approve(actor("bob"), made.pk)
    made.refresh_from_db()
    assert made.status == RequestStatus.APPROVED

    booked = requests.request_book(actor("cyd"), made.pk)

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
        requests.request_book(actor("bob"), made.pk)


def test_a_booking_is_not_tried_again_once_its_id_may_be_forgotten(service: Service) -> None:
    made = asked()
    service.fails = ["outcome_unknown"]
    with pytest.raises(ApplicationError):
        requests.request_approve(actor("bob"), made.pk)
    made.refresh_from_db()
    assert made.decided_at is not None
    MoneyRequest.objects.filter(pk=made.pk).update(decided_at=made.decided_at - requests.REBOOK_NS_MAX - 1)

    with pytest.raises(ApplicationError, match="too long ago"):
        requests.request_book(actor("bob"), made.pk)
