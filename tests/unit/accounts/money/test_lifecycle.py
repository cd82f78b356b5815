import itertools

import pytest

from apps.accounts.codes import CashKind, RequestStatus
from apps.accounts.money.lifecycle import TRANSITIONS, MoneyCommand, Party, RequestAct, command_due, is_due

PRODUCT = list(itertools.product((None, *RequestStatus), RequestAct))
FINAL = {RequestStatus.BOOKED, RequestStatus.REFUSED}
DECISIONS = {RequestAct.APPROVE, RequestAct.REJECT, RequestAct.EXPIRE}


@pytest.mark.parametrize(("status", "act"), PRODUCT)
def test_what_an_act_does_in_a_status_is_in_the_table_or_cannot_happen(
    status: RequestStatus | None, act: RequestAct
) -> None:
    allowed = (
        status is None
        if act is RequestAct.ASK
        else status is RequestStatus.REQUESTED
        if act in DECISIONS
        else status in {RequestStatus.REQUESTED, *led_to_by_decisions()}
        if act in {RequestAct.HELD, RequestAct.HOLD_REFUSED}
        else status is RequestStatus.APPROVED
        if act in {RequestAct.BOOKED, RequestAct.BOOKING_REFUSED}
        else status in {RequestStatus.REJECTED, RequestStatus.EXPIRED}
    )

    assert ((status, act) in TRANSITIONS) == allowed


def led_to_by_decisions() -> set[RequestStatus]:
    return {each.after for (_, act), each in TRANSITIONS.items() if act in DECISIONS}


def test_nothing_leads_out_of_a_final_status_and_nothing_is_sent_for_it() -> None:
    assert not {status for status, _ in TRANSITIONS if status in FINAL}
    assert not [each for each in TRANSITIONS.values() if each.after in FINAL and each.sends is not None]


def test_people_decide_and_the_order_service_answers() -> None:
    parties = {act: {party for (_, each), row in TRANSITIONS.items() if each is act for party in row.parties}
               for act in RequestAct}  # fmt: skip

    assert parties.pop(RequestAct.ASK) == {Party.ASKER}
    assert parties.pop(RequestAct.APPROVE) == {Party.ANOTHER}
    assert parties.pop(RequestAct.REJECT) == {Party.ASKER, Party.ANOTHER}
    assert parties.pop(RequestAct.EXPIRE) == {Party.VENUE}
    assert all(each == {Party.ORDER_SERVICE} for each in parties.values())


def test_an_order_service_s_answer_decides_nothing() -> None:
    answered = {(status, row.after) for (status, _), row in TRANSITIONS.items() if Party.ORDER_SERVICE in row.parties}

    assert all(before is after or after in FINAL for before, after in answered)


@pytest.mark.parametrize("kind", CashKind)
def test_what_a_transition_sends_is_what_is_due_then(kind: CashKind) -> None:
    withdrawal = kind is CashKind.WITHDRAWAL
    for row in TRANSITIONS.values():
        if row.sends is None:
            assert not is_due(row, kind=kind)
        elif is_due(row, kind=kind):
            held = withdrawal and row.sends is not MoneyCommand.HOLD
            assert command_due(row.after, kind=kind, held=held) is row.sends
        else:
            assert not withdrawal
            assert row.sends is not MoneyCommand.BOOK


def test_a_hold_is_waited_for_before_a_withdrawal_is_booked_or_given_back() -> None:
    for status in RequestStatus:
        assert command_due(status, kind=CashKind.WITHDRAWAL, held=False) is MoneyCommand.HOLD
        assert command_due(status, kind=CashKind.DEPOSIT, held=False) is not MoneyCommand.HOLD
