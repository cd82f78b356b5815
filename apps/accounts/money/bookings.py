"""What is sent to the order service for a money request, one command at a time, and what its answers mean.

Each command has an id made of the request's number, so a step that was cut off anywhere is just done again: the order
service does it once and gives the first answer. Ids are remembered for a day. After that a withdrawal is known by the
tables, so it may take as long as it likes; a deposit is not, so it is no longer sent after `REBOOK_NS_MAX`.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from apps.accounts.codes import CashKind, RequestStatus, WithdrawalEnd, WithdrawalStatus
from apps.accounts.models import MoneyRequest, Withdrawal
from apps.accounts.money.lifecycle import MoneyCommand, RequestAct, command_due
from apps.accounts.money.moves import Answer
from apps.accounts.services import adjustment_book, deposit_book, withdrawal_request, withdrawal_settle
from cift.backoffice.acts import deadline
from cift.errors.application import ApplicationError
from cift.orderservice.performing import Performed
from cift.times import clock_ns

REBOOK_NS_MAX = 20 * 60 * 60 * 1_000_000_000
"""How long after its approval a deposit or adjustment may be booked again; ids are remembered for longer."""

_BOOKS = {CashKind.DEPOSIT: deposit_book, CashKind.ADJUSTMENT: adjustment_book}
_ENDS = {MoneyCommand.BOOK: WithdrawalEnd.BOOKED, MoneyCommand.RELEASE: WithdrawalEnd.RELEASED}

_DONE = {
    MoneyCommand.HOLD: RequestAct.HELD,
    MoneyCommand.BOOK: RequestAct.BOOKED,
    MoneyCommand.RELEASE: RequestAct.RELEASED,
}
_REFUSED = {
    MoneyCommand.HOLD: RequestAct.HOLD_REFUSED,
    MoneyCommand.BOOK: RequestAct.BOOKING_REFUSED,
}
"""What is held can be given back: a release is not refused for good."""

_NOTHING_HAPPENED = {
    "venue_unavailable",
    "venue_halted",
    "overloaded",
    "deadline_passed",
    "venue_not_open",
    "projection_behind",
}
"""Refusals that say nothing of the request: it can be done later."""

_FAULTS = 500


class Step(NamedTuple):
    """A command to send for a request as it stands, and the id it has its effect under once."""

    request: MoneyRequest
    command: MoneyCommand
    command_id: str
    send: Callable[[], Awaitable[Performed[Any]]]


def is_later(error: ApplicationError) -> bool:
    """Return whether a step may yet succeed, or has, as it is."""
    return error.code == "outcome_unknown" or error.code in _NOTHING_HAPPENED or error.status >= _FAULTS


def step_next(request: MoneyRequest) -> Step | None:
    """Return what is to be sent next for a request as it stands; None: nothing.

    Raises:
        ApplicationError: `conflict`: the order service may have forgotten the id it would be sent under.

    """
    if not request.due:
        return None
    kind = CashKind(request.kind)
    command = command_due(RequestStatus(request.status), kind=kind, held=bool(request.held))
    if command is None:
        return None
    if kind is CashKind.WITHDRAWAL and command is not MoneyCommand.HOLD:
        settle = partial(withdrawal_settle, request=request.command_id, end=_ENDS[command])
        return _step(request, command, request.settling_id, settle)
    if command is MoneyCommand.BOOK:
        _remembered_require(request)
    send: Callable[..., Awaitable[Performed[Any]]] = (
        withdrawal_request if command is MoneyCommand.HOLD else _BOOKS[kind]
    )
    return _step(request, command, request.command_id, partial(send, asset=request.asset_id, amount=request.amount))


def answer_done(step: Step, sequence: int) -> Answer:
    """Return what a step's event means, by its sequence."""
    return Answer(_DONE[step.command], sequence=sequence)


def answer_refused(step: Step, error: ApplicationError) -> Answer:
    """Return what the order service refused for good, or answered to something done long ago.

    Raises:
        ApplicationError: `projection_behind`: the tables do not tell yet what was done; `error` itself where the step
            stays due.

    """
    if step.command is MoneyCommand.HOLD and error.code == "already_exists":
        return answer_done(step, _held_at(step.request))
    if step.command_id == step.request.settling_id and error.code == "withdrawal_unknown":
        return answer_done(step, _settled_at(step.request, _ENDS[step.command]))
    if step.command not in _REFUSED:
        raise error
    return Answer(_REFUSED[step.command], code=error.code)


def _step(
    request: MoneyRequest, command: MoneyCommand, command_id: str, send: Callable[..., Awaitable[Performed[Any]]]
) -> Step:
    sent = partial(send, account=request.account_id, command_id=command_id, deadline=deadline())
    return Step(request, command, command_id, sent)


def _remembered_require(request: MoneyRequest) -> None:
    """Refuse to send a booking again whose id may be forgotten.

    Raises:
        ApplicationError: `conflict`.

    """
    if request.decided_at is None or clock_ns() - request.decided_at > REBOOK_NS_MAX:
        raise ApplicationError(
            "conflict", f"It was approved too long ago: look for {request.command_id} in the account's journal."
        )


def _held_at(request: MoneyRequest) -> int:
    """Find where a withdrawal is held whose id the order service has forgotten.

    Raises:
        ApplicationError: `projection_behind`.

    """
    held = Withdrawal.objects.filter(
        account_id=request.account_id, command_id=request.command_id, status=int(WithdrawalStatus.REQUESTED)
    ).first()
    if held is None:
        raise ApplicationError("projection_behind")
    return held.pk


def _settled_at(request: MoneyRequest, end: WithdrawalEnd) -> int:
    """Find where a withdrawal ended so long ago that its id is forgotten: nothing else settles it, so it ended thus.

    Raises:
        ApplicationError: `projection_behind`.

    """
    settled = Withdrawal.objects.filter(pk=request.held, status=int(end) + 1).first()
    if settled is None:
        raise ApplicationError("projection_behind")
    return settled.sequence
