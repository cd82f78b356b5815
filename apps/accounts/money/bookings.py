"""What is still to be sent for a money request, one command at a time.

Each command has an id made of the request's number, so a step that was cut off anywhere is just done again: the order
service does it once and gives the first answer. Ids are remembered for a day. Behind that a withdrawal is known by the
tables, so it may take as long as it likes; a deposit is not, so it is no longer sent after `REBOOK_NS_MAX`.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from django.db import router, transaction

from apps.accounts.codes import CashKind, WithdrawalEnd, WithdrawalStatus
from apps.accounts.models import MoneyRequest, Withdrawal
from apps.accounts.models.money_requests import RequestStatus
from apps.accounts.services import adjustment_book, deposit_book, withdrawal_request, withdrawal_settle
from cift.backoffice.acts import deadline
from cift.errors.application import ApplicationError
from cift.orderservice.performing import Performed
from cift.times import clock_ns

REBOOK_NS_MAX = 20 * 60 * 60 * 1_000_000_000
"""How long after its approval a deposit or adjustment may be booked again; ids are remembered for longer."""

_BOOKS = {CashKind.DEPOSIT: deposit_book, CashKind.ADJUSTMENT: adjustment_book}

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
    """A command to send, how it is written down, and what to note when it is answered."""

    action: str
    command: Callable[[], Awaitable[Performed[Any]]]
    said: Mapping[str, Any]
    done: Callable[[int], None]
    """Called with the sequence of the event."""
    failed: Callable[[ApplicationError], None]
    """Called with what the order service refused for good, or answered to something done long ago."""


def is_later(error: ApplicationError) -> bool:
    """Tell whether a step may yet succeed, or has, as it is."""
    return error.code == "outcome_unknown" or error.code in _NOTHING_HAPPENED or error.status >= _FAULTS


def step_next(request: MoneyRequest) -> Step | None:
    """Give what is to be sent next for a request as it stands; None: nothing.

    Raises:
        ApplicationError: `conflict`: the order service may have forgotten the id it would be sent under.

    """
    if not request.due:
        return None
    withdrawal = request.kind == CashKind.WITHDRAWAL
    if withdrawal and not request.held:
        # For a rejected one too: only what was surely held can surely be given back.
        return _hold(request)
    if request.status == RequestStatus.APPROVED:
        return _settle(request, WithdrawalEnd.BOOKED) if withdrawal else _book(request)
    return _settle(request, WithdrawalEnd.RELEASED)


def _hold(request: MoneyRequest) -> Step:
    number = request.pk

    def done(sequence: int) -> None:
        with _locked(number) as row:
            row.held = sequence
            row.due = row.status != RequestStatus.REQUESTED
            row.save(update_fields=["held", "due"])

    def failed(error: ApplicationError) -> None:
        if error.code == "already_exists":
            done(_held_at(request))
            return
        with _locked(number) as row:
            if row.status in (RequestStatus.REQUESTED, RequestStatus.APPROVED):
                row.status, row.code = int(RequestStatus.REFUSED), error.code
            row.due = False
            row.save(update_fields=["status", "code", "due"])

    command = partial(
        withdrawal_request,
        account=request.account_id,
        command_id=request.command_id,
        asset=request.asset_id,
        amount=request.amount,
        deadline=deadline(),
    )
    return Step("money.hold", command, {"id": request.command_id}, done, failed)


def _book(request: MoneyRequest) -> Step:
    if request.decided_at is None or clock_ns() - request.decided_at > REBOOK_NS_MAX:
        raise ApplicationError(
            "conflict", f"It was approved too long ago: look for {request.command_id} in the account's journal."
        )
    command = partial(
        _BOOKS[CashKind(request.kind)],
        account=request.account_id,
        command_id=request.command_id,
        asset=request.asset_id,
        amount=request.amount,
        deadline=deadline(),
    )
    end = partial(_ended, request.pk)
    return Step("money.book", command, {"id": request.command_id}, end, partial(_refused, request.pk))


def _settle(request: MoneyRequest, end: WithdrawalEnd) -> Step:
    def done(sequence: int) -> None:
        if end is WithdrawalEnd.BOOKED:
            _ended(request.pk, sequence)
        else:
            MoneyRequest.objects.filter(pk=request.pk).update(due=False)

    def failed(error: ApplicationError) -> None:
        if error.code != "withdrawal_unknown":
            _refused(request.pk, error)
            return
        # It was settled so long ago that its id is forgotten, and that alone settles it: so it ended as it should.
        found = Withdrawal.objects.filter(pk=request.held, status=int(end) + 1).first()
        if found is None:
            raise ApplicationError("projection_behind")
        done(found.sequence)

    command = partial(
        withdrawal_settle,
        account=request.account_id,
        command_id=request.settling_id,
        request=request.command_id,
        end=end,
        deadline=deadline(),
    )
    action = "money.book" if end is WithdrawalEnd.BOOKED else "money.release"
    return Step(action, command, {"id": request.settling_id}, done, failed)


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


@contextmanager
def _locked(number: int) -> Iterator[MoneyRequest]:
    """Give a request's row, to change in one transaction."""
    with transaction.atomic(using=router.db_for_write(MoneyRequest)):
        yield MoneyRequest.objects.select_for_update().get(pk=number)


def _ended(number: int, sequence: int) -> None:
    """Note a booking; another that came first has noted the same."""
    MoneyRequest.objects.filter(pk=number, status=int(RequestStatus.APPROVED)).update(
        status=int(RequestStatus.BOOKED), due=False, sequence=sequence
    )


def _refused(number: int, error: ApplicationError) -> None:
    MoneyRequest.objects.filter(pk=number, status=int(RequestStatus.APPROVED)).update(
        status=int(RequestStatus.REFUSED), due=False, code=error.code
    )
