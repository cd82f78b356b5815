"""Money requests: asked for by one operator, decided by another, booked by the order service.

A withdrawal is held from its request on. What is decided is committed before a command leaves, and the request is due
until the command was answered: whatever is lost between, `requests_complete` or an operator finishes it.
"""

import logging

from django.conf import settings
from django.db.models import Q

from apps.accounts.codes import CashKind, RequestStatus
from apps.accounts.models import MoneyRequest
from apps.accounts.money.bookings import REBOOK_NS_MAX, Step, answer_done, answer_refused, is_later, step_next
from apps.accounts.money.lifecycle import RequestAct
from apps.accounts.money.moves import Answer, request_answer, request_ask, request_decide, subject_of
from cift.backoffice.acts import VENUE, Actor, command_act, command_acted
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
    request = request_ask(actor, account=account, asset=asset, kind=kind, amount=amount, note=note)
    if request.due:
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
    request_decide(actor, number, RequestAct.APPROVE)
    return request_complete(actor, number)


def request_reject(actor: Actor, number: int) -> MoneyRequest:
    """Reject a request that is not decided yet, one's own too, and give back what it holds.

    Raises:
        ApplicationError: `conflict`: it is decided; what `request_complete` raises.

    """
    request = request_decide(actor, number, RequestAct.REJECT)
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
                actor,
                action=f"money.{step.command}",
                subject=subject_of(number),
                command=step.send,
                after={"id": step.command_id},
            )
        except ApplicationError as error:
            if is_later(error):
                raise
            request = request_answer(number, answer_refused(step, error))
            if request.status == RequestStatus.REFUSED:
                raise
        else:
            request = request_answer(number, answer_done(step, performed.event.sequence))
    return request


async def requests_complete(*, alone_ns: int = ALONE_NS) -> int:
    """Let requests expire that nobody decided, and send what is due of all that were cut off; return how many were.

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
            answer = await _answered(step)
        except ApplicationError as error:
            if is_later(error):
                raise
            logger.warning("money request %s stays due: %s was refused: %s", number, step.command, error.code)
            return
        request = await database_call(request_answer, number, answer)


async def _answered(step: Step) -> Answer:
    try:
        performed = await command_acted(
            VENUE,
            action=f"money.{step.command}",
            subject=subject_of(step.request.pk),
            command=step.send,
            after={"id": step.command_id},
        )
    except ApplicationError as error:
        if is_later(error):
            raise
        logger.warning("money request %s: %s was refused: %s", step.request.pk, step.command, error.code)
        return await database_call(answer_refused, step, error)
    return answer_done(step, performed.event.sequence)


def _stale() -> list[int]:
    before = clock_ns() - settings.BACK_OFFICE["REQUEST_DAYS"] * _NS_PER_DAY
    rows = MoneyRequest.objects.filter(status=int(RequestStatus.REQUESTED), requested_at__lt=before)
    return list(rows.order_by("id").values_list("id", flat=True)[:SWEPT_MAX])


def _expire(number: int) -> None:
    try:
        request_decide(VENUE, number, RequestAct.EXPIRE)
    except ApplicationError as error:
        logger.info("money request %s was decided just before it expired: %s", number, error)


def _due(alone_ns: int) -> list[int]:
    now = clock_ns()
    alone = Q(decided_at__isnull=True, requested_at__lte=now - alone_ns) | Q(decided_at__lte=now - alone_ns)
    sendable = Q(kind=int(CashKind.WITHDRAWAL)) | Q(decided_at__gt=now - REBOOK_NS_MAX)
    rows = MoneyRequest.objects.filter(alone, sendable, due=True)
    return list(rows.order_by("id").values_list("id", flat=True)[:SWEPT_MAX])
