"""A money request's life as one table.

Invariants:
    Booked and refused are final: nothing leads out of them, and nothing is sent for them.
    No way leads to approved or booked but through another operator's approval.
    A withdrawal that is rejected or expires is given back, and a hold that was asked for is waited for before: only
    what was surely held can surely be given back.
"""

from enum import StrEnum
from typing import NamedTuple

from apps.accounts.codes import CashKind, RequestStatus


class RequestAct(StrEnum):
    """What may happen to a request: what people decide, and what the order service answers."""

    ASK = "ask"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    HELD = "held"
    HOLD_REFUSED = "hold_refused"
    BOOKED = "booked"
    BOOKING_REFUSED = "booking_refused"
    RELEASED = "released"


class Party(StrEnum):
    """Whose act it is."""

    ASKER = "asker"
    ANOTHER = "another operator"
    VENUE = "venue"
    ORDER_SERVICE = "order service"


class MoneyCommand(StrEnum):
    """What the order service is sent for a request; a hold and a release only for a withdrawal."""

    HOLD = "hold"
    BOOK = "book"
    RELEASE = "release"


class Transition(NamedTuple):
    """Where an act leads, whose it may be, and what is to be sent then."""

    after: RequestStatus
    parties: frozenset[Party]
    sends: MoneyCommand | None = None


_S, _A, _C = RequestStatus, RequestAct, MoneyCommand
_ASKER = frozenset({Party.ASKER})
_ANOTHER = frozenset({Party.ANOTHER})
_OPERATOR = _ASKER | _ANOTHER
_VENUE = frozenset({Party.VENUE})
_ANSWER = frozenset({Party.ORDER_SERVICE})

TRANSITIONS: dict[tuple[RequestStatus | None, RequestAct], Transition] = {
    (None, _A.ASK): Transition(_S.REQUESTED, _ASKER, _C.HOLD),
    (_S.REQUESTED, _A.HELD): Transition(_S.REQUESTED, _ANSWER),
    (_S.REQUESTED, _A.HOLD_REFUSED): Transition(_S.REFUSED, _ANSWER),
    (_S.REQUESTED, _A.APPROVE): Transition(_S.APPROVED, _ANOTHER, _C.BOOK),
    (_S.REQUESTED, _A.REJECT): Transition(_S.REJECTED, _OPERATOR, _C.RELEASE),
    (_S.REQUESTED, _A.EXPIRE): Transition(_S.EXPIRED, _VENUE, _C.RELEASE),
    (_S.APPROVED, _A.HELD): Transition(_S.APPROVED, _ANSWER, _C.BOOK),
    (_S.APPROVED, _A.HOLD_REFUSED): Transition(_S.REFUSED, _ANSWER),
    (_S.APPROVED, _A.BOOKED): Transition(_S.BOOKED, _ANSWER),
    (_S.APPROVED, _A.BOOKING_REFUSED): Transition(_S.REFUSED, _ANSWER),
    (_S.REJECTED, _A.HELD): Transition(_S.REJECTED, _ANSWER, _C.RELEASE),
    (_S.REJECTED, _A.HOLD_REFUSED): Transition(_S.REJECTED, _ANSWER),
    (_S.REJECTED, _A.RELEASED): Transition(_S.REJECTED, _ANSWER),
    (_S.EXPIRED, _A.HELD): Transition(_S.EXPIRED, _ANSWER, _C.RELEASE),
    (_S.EXPIRED, _A.HOLD_REFUSED): Transition(_S.EXPIRED, _ANSWER),
    (_S.EXPIRED, _A.RELEASED): Transition(_S.EXPIRED, _ANSWER),
}
"""Status before (None: it is not yet asked for) and act → what follows; what is not here cannot happen."""

_SENT_WHILE = {
    each.after: each.sends for each in TRANSITIONS.values() if each.sends is not None and each.sends is not _C.HOLD
}


def is_due(transition: Transition, *, kind: CashKind) -> bool:
    """Return whether something is to be sent after a transition; nothing is held of others than a withdrawal."""
    return transition.sends is _C.BOOK or (transition.sends is not None and kind is CashKind.WITHDRAWAL)


def command_due(status: RequestStatus, *, kind: CashKind, held: bool) -> MoneyCommand | None:
    """Return what is sent next for a request of which something is due."""
    if kind is CashKind.WITHDRAWAL and not held:
        return _C.HOLD
    return _SENT_WHILE.get(status)
