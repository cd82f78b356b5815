"""The one place where a money request's status is written: by an act of the table in `lifecycle.py`, its row locked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import router, transaction

from apps.accounts.codes import CashKind, RequestStatus
from apps.accounts.models import MoneyRequest
from apps.accounts.money.four_eyes import person_behind_both
from apps.accounts.money.lifecycle import TRANSITIONS, Party, RequestAct, Transition, is_due
from cift.backoffice.acts import Actor, record
from cift.errors.application import ApplicationError
from cift.times import clock_ns


class Answer(NamedTuple):
    """What the order service said: `sequence` of the event, or `code` of a refusal."""

    act: RequestAct
    sequence: int = 0
    code: str = ""


def request_ask(actor: Actor, *, account: int, asset: int, kind: CashKind, amount: int, note: str) -> MoneyRequest:
    """Make a request, and its audit record. `amount`: smallest units, signed for an adjustment."""
    transition = TRANSITIONS[None, RequestAct.ASK]
    with transaction.atomic(using=router.db_for_write(MoneyRequest)):
        request = MoneyRequest.objects.create(
            account_id=account,
            asset_id=asset,
            kind=int(kind),
            amount=amount,
            note=note,
            status=int(transition.after),
            due=is_due(transition, kind=kind),
            requested_by_id=actor.user.pk,
            requested_at=clock_ns(),
        )
        after = {"account": account, "asset": asset, "kind": kind.name.lower(), "amount": amount, "note": note}
        record(actor, action="money.request", subject=subject_of(request.pk), after=after)
    return request


def request_decide(actor: Actor, number: int, act: RequestAct) -> MoneyRequest:
    """Decide a request, and write the audit record of it.

    Raises:
        ApplicationError: `conflict`: it is decided; `forbidden`: the act is not the actor's.

    """
    with _locked(number) as request:
        before = request.get_status_display()
        transition = TRANSITIONS.get((RequestStatus(request.status), act))
        if transition is None:
            raise ApplicationError("conflict", f"It is {before} already.")
        _party_require(request, actor, transition)
        request.decided_by_id = actor.user.pk if actor.user is not None else None
        request.decided_at = clock_ns()
        _moved(request, transition)
        after = {"status": request.get_status_display()}
        record(actor, action=f"money.{act}", subject=subject_of(number), before={"status": before}, after=after)
    return request


def request_answer(number: int, answer: Answer) -> MoneyRequest:
    """Note what the order service answered; what another process has noted first is left as it is."""
    with _locked(number) as request:
        transition = TRANSITIONS.get((RequestStatus(request.status), answer.act))
        if transition is None or Party.ORDER_SERVICE not in transition.parties:
            return request
        if answer.act is RequestAct.HELD:
            request.held = answer.sequence
        elif transition.after is RequestStatus.BOOKED:
            request.sequence = answer.sequence
        elif transition.after is RequestStatus.REFUSED:
            request.code = answer.code
        _moved(request, transition)
    return request


def subject_of(number: int) -> str:
    """Name a request in the audit records."""
    return f"request {number}"


@contextmanager
def _locked(number: int) -> Iterator[MoneyRequest]:
    with transaction.atomic(using=router.db_for_write(MoneyRequest)):
        yield MoneyRequest.objects.select_for_update().get(pk=number)


def _moved(request: MoneyRequest, transition: Transition) -> None:
    request.status = int(transition.after)
    request.due = is_due(transition, kind=CashKind(request.kind))
    request.save(update_fields=["status", "due", "held", "sequence", "code", "decided_by", "decided_at"])


def _party_require(request: MoneyRequest, actor: Actor, transition: Transition) -> None:
    """Refuse an act that is not the actor's; another operator is another person too.

    Raises:
        ApplicationError: `forbidden`.

    """
    party = Party.VENUE if actor.user is None else _operator(request, actor.user.pk)
    if party not in transition.parties:
        detail = "Your own request is approved by another operator." if party is Party.ASKER else ""
        raise ApplicationError("forbidden", detail)
    if transition.parties == {Party.ANOTHER}:
        person = person_behind_both(request.requested_by_id, actor.user.pk)
        if person is not None:
            raise ApplicationError("forbidden", f"Two people are needed, and {person} let both of you in.")


def _operator(request: MoneyRequest, user: int) -> Party:
    return Party.ASKER if request.requested_by_id == user else Party.ANOTHER
