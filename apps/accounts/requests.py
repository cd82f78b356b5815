"""Money requests: asked for by one operator, decided by another, booked by the order service.

The decision is committed before the command leaves. Whatever is lost behind it, the request stays approved, and booking
it again sends the same command under the same id, which the order service does once; after `REBOOK_NS_MAX` it may have
forgotten the id, so then nothing is sent any more. The order service knows no hold for money that is only asked for: a
withdrawal is refused, at its booking, when the free funds are short then.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from django.db import router, transaction

from apps.accounts.codes import CashKind
from apps.accounts.events import CashMoved
from apps.accounts.models import MoneyRequest
from apps.accounts.request_models import RequestStatus
from apps.accounts.services import adjustment_book, deposit_book, withdrawal_book
from cift.backoffice import Actor, command_act, deadline, record
from cift.bus.performing import Performed
from cift.errors import ApplicationError
from cift.times import clock_ns

REBOOK_NS_MAX = 20 * 60 * 60 * 1_000_000_000
"""How long after its approval a request may be booked again; ids are remembered for longer."""

_BOOKS = {
    CashKind.DEPOSIT: deposit_book,
    CashKind.WITHDRAWAL: withdrawal_book,
    CashKind.ADJUSTMENT: adjustment_book,
}

_NOTHING_HAPPENED = {"venue_unavailable", "venue_halted", "overloaded", "deadline_passed", "venue_not_open"}
"""Refusals that say nothing of the request: it can be booked later."""


def request_make(actor: Actor, *, account: int, asset: int, kind: CashKind, amount: int, note: str) -> MoneyRequest:
    """Ask for an amount (smallest units; signed for an adjustment) to be moved."""
    with transaction.atomic(using=router.db_for_write(MoneyRequest)):
        request = MoneyRequest.objects.create(
            account_id=account,
            asset_id=asset,
            kind=int(kind),
            amount=amount,
            note=note,
            requested_by_id=actor.user.pk,
            requested_at=clock_ns(),
        )
        after = {"account": account, "asset": asset, "kind": kind.name.lower(), "amount": amount, "note": note}
        record(actor, action="money.request", subject=_subject(request), after=after)
    return request


def request_approve(actor: Actor, number: int) -> MoneyRequest:
    """Approve another operator's request and book it.

    Raises:
        ApplicationError: `conflict`: it is decided; `forbidden`: it is the operator's own; what booking raises.

    """

    def decide(request: MoneyRequest) -> None:
        if request.status != RequestStatus.REQUESTED:
            raise ApplicationError("conflict", f"It is {request.get_status_display()} already.")
        if request.requested_by_id == actor.user.pk:
            raise ApplicationError("forbidden", "Your own request is approved by another operator.")
        request.status = int(RequestStatus.APPROVED)

    return request_book(actor, _decided(actor, number, "money.approve", decide).pk)


def request_reject(actor: Actor, number: int) -> MoneyRequest:
    """Reject a request that is not decided yet, one's own too.

    Raises:
        ApplicationError: `conflict`: it is decided.

    """

    def decide(request: MoneyRequest) -> None:
        if request.status != RequestStatus.REQUESTED:
            raise ApplicationError("conflict", f"It is {request.get_status_display()} already.")
        request.status = int(RequestStatus.REJECTED)

    return _decided(actor, number, "money.reject", decide)


def request_book(actor: Actor, number: int) -> MoneyRequest:
    """Book an approved request; one that was booked before, its answer lost, is not booked twice.

    Raises:
        ApplicationError: `conflict`: it is not to be booked; the reason's code where the order service refused it; what
            `command_perform` raises, after which it can be booked again.

    """
    request = MoneyRequest.objects.get(pk=number)
    if request.status != RequestStatus.APPROVED or request.decided_at is None:
        raise ApplicationError("conflict", f"It is {request.get_status_display()}.")
    if clock_ns() - request.decided_at > REBOOK_NS_MAX:
        raise ApplicationError(
            "conflict", f"It was approved too long ago: look for {request.command_id} in the account's journal."
        )
    send: Callable[[], Awaitable[Performed[CashMoved]]] = partial(
        _BOOKS[CashKind(request.kind)],
        account=request.account_id,
        command_id=request.command_id,
        asset=request.asset_id,
        amount=request.amount,
        deadline=deadline(),
    )
    try:
        performed: Performed[CashMoved] = command_act(
            actor,
            action="money.book",
            subject=_subject(request),
            command=send,
            after={"id": request.command_id},
        )
    except ApplicationError as error:
        if error.code != "outcome_unknown" and error.code not in _NOTHING_HAPPENED and error.status < _FAULTS:
            _ended(request, RequestStatus.REFUSED, code=error.code)
        raise
    return _ended(request, RequestStatus.BOOKED, sequence=performed.event.sequence)


_FAULTS = 500


def _decided(actor: Actor, number: int, action: str, decide: Callable[[MoneyRequest], None]) -> MoneyRequest:
    with transaction.atomic(using=router.db_for_write(MoneyRequest)):
        request = MoneyRequest.objects.select_for_update().get(pk=number)
        before = request.get_status_display()
        decide(request)
        request.decided_by_id, request.decided_at = actor.user.pk, clock_ns()
        request.save(update_fields=["status", "decided_by", "decided_at"])
        after = {"status": request.get_status_display()}
        record(actor, action=action, subject=_subject(request), before={"status": before}, after=after)
    return request


def _ended(request: MoneyRequest, status: RequestStatus, *, code: str = "", sequence: int = 0) -> MoneyRequest:
    """Note how a booking ended; another that came first has noted the same."""
    MoneyRequest.objects.filter(pk=request.pk, status=int(RequestStatus.APPROVED)).update(
        status=int(status), code=code, sequence=sequence
    )
    request.refresh_from_db()
    return request


def _subject(request: MoneyRequest) -> str:
    return f"request {request.pk}"
