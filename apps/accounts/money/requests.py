"""Money requests: asked for by one operator, decided by another, booked by the order service.

A withdrawal is held from its request on. What is decided is committed before a command leaves, and the request is due
until the command was answered: whatever is lost between, `requests_complete` or an operator finishes it.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import router, transaction
from django.db.models import Q

from apps.accounts.codes import CashKind
from apps.accounts.models import MoneyRequest
from apps.accounts.models.money_requests import RequestStatus
from apps.accounts.money.bookings import REBOOK_NS_MAX, is_later, step_next
from apps.accounts.money.four_eyes import person_behind_both
from cift.backoffice.acts import VENUE, Actor, command_act, command_acted, record
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns

ALONE_NS = 60_000_000_000
"""A request touched less than this ago is still being seen to by whoever did."""

SWEPT_MAX = 500
"""The most requests one sweep completes; the others wait for the next."""

_NS_PER_DAY = 24 * 60 * 60 * 1_000_000_000

logger = logging.getLogger(__name__)


def request_make(actor: Actor, *, account: int, asset: int, kind: CashKind, amount: int, note: str) -> MoneyRequest:
    """Ask for an amount (smallest units; signed for an adjustment) to be moved; a withdrawal is held from here on.

    Where the order service does not answer, the request is made and stays due: it is held as soon as it does.

    Raises:
        ApplicationError: a withdrawal's: the reason's code where it cannot be held; the request is refused then.

    """
    withdrawal = kind is CashKind.WITHDRAWAL
    with transaction.atomic(using=router.db_for_write(MoneyRequest)):
        request = MoneyRequest.objects.create(
            account_id=account,
            asset_id=asset,
            kind=int(kind),
            amount=amount,
            note=note,
            requested_by_id=actor.user.pk,
            requested_at=clock_ns(),
            due=withdrawal,
        )
        after = {"account": account, "asset": asset, "kind": kind.name.lower(), "amount": amount, "note": note}
        record(actor, action="money.request", subject=_subject(request.pk), after=after)
    if withdrawal:
        try:
            return request_complete(actor, request.pk)
        except ApplicationError as error:
            if not is_later(error):
                raise
            request.refresh_from_db()
    return request


def request_approve(actor: Actor, number: int) -> MoneyRequest:
    """Approve another operator's request and book it.

    Raises:
        ApplicationError: `conflict`: it is decided; `forbidden`: it is the operator's own, or one person stands behind
            both; what `request_complete` raises.

    """

    def decide(request: MoneyRequest) -> None:
        if request.requested_by_id == actor.user.pk:
            raise ApplicationError("forbidden", "Your own request is approved by another operator.")
        behind = person_behind_both(request.requested_by_id, actor.user.pk)
        if behind is not None:
            raise ApplicationError("forbidden", f"Two people are needed, and {behind} let both of you in.")
        request.status, request.due = int(RequestStatus.APPROVED), True

    return request_complete(actor, _decided(actor, number, "money.approve", decide).pk)


def request_reject(actor: Actor, number: int) -> MoneyRequest:
    """Reject a request that is not decided yet, one's own too, and give back what it holds.

    Raises:
        ApplicationError: `conflict`: it is decided; what `request_complete` raises.

    """

    def decide(request: MoneyRequest) -> None:
        request.status, request.due = int(RequestStatus.REJECTED), _holds(request)

    request = _decided(actor, number, "money.reject", decide)
    return request_complete(actor, number) if request.due else request


def request_complete(actor: Actor, number: int) -> MoneyRequest:
    """Send what is still due of a request; what was sent before, its answer lost, has its effect once.

    Raises:
        ApplicationError: `conflict`: nothing is due; the reason's code where the order service refused it; what
            `command_perform` raises, after which it can be done again.

    """
    request = MoneyRequest.objects.get(pk=number)
    if not request.due:
        raise ApplicationError("conflict", f"It is {request.get_status_display()}.")
    while (step := step_next(request)) is not None:
        try:
            performed = command_act(
                actor, action=step.action, subject=_subject(number), command=step.command, after=step.said
            )
        except ApplicationError as error:
            if is_later(error):
                raise
            step.failed(error)
            request.refresh_from_db()
            if request.status == RequestStatus.REFUSED:
                raise
        else:
            step.done(performed.event.sequence)
            request.refresh_from_db()
    return request


async def requests_complete(*, alone_ns: int = ALONE_NS) -> int:
    """Let requests expire that nobody decided, and send what is due of all that were cut off; give how many were.

    `alone_ns`: how long one is left to whoever works on it.

    Raises:
        ApplicationError: the order service does not do its part; the others wait for the next time.

    """
    for number in await database_call(_stale):
        await database_call(_expire, number)
    numbers = await database_call(_due, alone_ns)
    for number in numbers:
        await _complete(number)
    return len(numbers)


async def _complete(number: int) -> None:
    request = await database_call(MoneyRequest.objects.get, pk=number)
    while (step := step_next(request)) is not None:
        try:
            performed = await command_acted(
                VENUE, action=step.action, subject=_subject(number), command=step.command, after=step.said
            )
        except ApplicationError as error:
            if is_later(error):
                raise
            logger.warning("money request %s: %s was refused: %s", number, step.action, error.code)
            await database_call(step.failed, error)
        else:
            await database_call(step.done, performed.event.sequence)
        request = await database_call(MoneyRequest.objects.get, pk=number)


def _stale() -> list[int]:
    before = clock_ns() - settings.BACK_OFFICE["REQUEST_DAYS"] * _NS_PER_DAY
    rows = MoneyRequest.objects.filter(status=int(RequestStatus.REQUESTED), requested_at__lt=before)
    return list(rows.order_by("id").values_list("id", flat=True)[:SWEPT_MAX])


def _expire(number: int) -> None:
    def decide(request: MoneyRequest) -> None:
        request.status, request.due = int(RequestStatus.EXPIRED), _holds(request)

    try:
        _decided(VENUE, number, "money.expire", decide)
    except ApplicationError as error:
        logger.info("money request %s was decided just before it expired: %s", number, error)


def _due(alone_ns: int) -> list[int]:
    now = clock_ns()
    alone = Q(decided_at__isnull=True, requested_at__lte=now - alone_ns) | Q(decided_at__lte=now - alone_ns)
    sendable = Q(kind=int(CashKind.WITHDRAWAL)) | Q(decided_at__gt=now - REBOOK_NS_MAX)
    rows = MoneyRequest.objects.filter(alone, sendable, due=True)
    return list(rows.order_by("id").values_list("id", flat=True)[:SWEPT_MAX])


def _holds(request: MoneyRequest) -> bool:
    return request.kind == CashKind.WITHDRAWAL


def _decided(actor: Actor, number: int, action: str, decide: Callable[[MoneyRequest], None]) -> MoneyRequest:
    with transaction.atomic(using=router.db_for_write(MoneyRequest)):
        request = MoneyRequest.objects.select_for_update().get(pk=number)
        before = request.get_status_display()
        if request.status != RequestStatus.REQUESTED:
            raise ApplicationError("conflict", f"It is {before} already.")
        decide(request)
        request.decided_by_id = actor.user.pk if actor.user is not None else None
        request.decided_at = clock_ns()
        request.save(update_fields=["status", "due", "decided_by", "decided_at"])
        after = {"status": request.get_status_display()}
        record(actor, action=action, subject=_subject(number), before={"status": before}, after=after)
    return request


def _subject(number: int) -> str:
    return f"request {number}"
