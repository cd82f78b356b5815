"""An order's life as one table.

Invariants:
    A terminal status is final: no event leads out of it.
    filled + leaves + canceled = quantity (orders by quote amount: in the quote's units).
    Only an event of the journal moves an order; nothing else may write a status.
"""

from enum import IntEnum, StrEnum

from apps.orders.reasons import REASONS_FILLED, Reason


class OrderStatus(IntEnum):
    """Where an order stands."""

    NEW = 0
    PARTIALLY_FILLED = 1
    FILLED = 2
    CANCELED = 3
    EXPIRED = 4
    REJECTED = 5
    PENDING_TRIGGER = 6


class OrderEvent(StrEnum):
    """What may happen to an order."""

    ACCEPT = "accept"
    REJECT = "reject"
    TRIGGER = "trigger"
    FILL_PART = "fill_part"
    FILL_ALL = "fill_all"
    AMEND = "amend"
    REDUCE = "reduce"
    CANCEL = "cancel"
    CANCEL_REMAINDER = "cancel_remainder"
    EXPIRE = "expire"


class TransitionForbiddenError(ValueError):
    """An event that cannot happen to an order in its status."""


_S, _E = OrderStatus, OrderEvent

TRANSITIONS: dict[tuple[OrderStatus | None, OrderEvent], OrderStatus] = {
    (None, _E.ACCEPT): _S.NEW,
    (None, _E.REJECT): _S.REJECTED,
    (_S.PENDING_TRIGGER, _E.TRIGGER): _S.NEW,
    (_S.PENDING_TRIGGER, _E.AMEND): _S.PENDING_TRIGGER,
    (_S.PENDING_TRIGGER, _E.CANCEL): _S.CANCELED,
    (_S.PENDING_TRIGGER, _E.EXPIRE): _S.EXPIRED,
    (_S.NEW, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.NEW, _E.FILL_ALL): _S.FILLED,
    (_S.NEW, _E.AMEND): _S.NEW,
    (_S.NEW, _E.REDUCE): _S.NEW,
    (_S.NEW, _E.CANCEL): _S.CANCELED,
    (_S.NEW, _E.EXPIRE): _S.EXPIRED,
    (_S.PARTIALLY_FILLED, _E.FILL_PART): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.FILL_ALL): _S.FILLED,
    (_S.PARTIALLY_FILLED, _E.AMEND): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.REDUCE): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _E.CANCEL): _S.CANCELED,
    (_S.PARTIALLY_FILLED, _E.CANCEL_REMAINDER): _S.FILLED,
    (_S.PARTIALLY_FILLED, _E.EXPIRE): _S.EXPIRED,
}
"""Status before (None: the order is not yet there) and event → status after; what is not here cannot happen."""


def _reached() -> frozenset[OrderStatus]:
    """Follow the table from its beginning."""
    found: set[OrderStatus | None] = {None}
    while more := {after for (before, _), after in TRANSITIONS.items() if before in found} - found:
        found |= more
    return frozenset(status for status in found if status is not None)


REACHABLE = _reached()
"""The statuses an order can come to: no event makes an order one that waits for a trigger."""

TERMINAL = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED})
OPEN = frozenset({_S.NEW, _S.PARTIALLY_FILLED, _S.PENDING_TRIGGER})


def transition(status: OrderStatus | None, event: OrderEvent) -> OrderStatus:
    """Return the status after an event.

    Raises:
        TransitionForbiddenError: it cannot happen in this status.
    """
    after = TRANSITIONS.get((status, event))
    if after is None:
        name = "none" if status is None else status.name.lower()
        msg = f"{event.value} cannot happen to an order in status {name}"
        raise TransitionForbiddenError(msg)
    return after


def event_of_fill(*, leaves: int) -> OrderEvent:
    """Return which event a fill is by what it leaves."""
    return OrderEvent.FILL_ALL if leaves == 0 else OrderEvent.FILL_PART


def event_of_cancel(*, reason: Reason) -> OrderEvent:
    """Return which event a cancel is by its reason."""
    return OrderEvent.CANCEL_REMAINDER if reason in REASONS_FILLED else OrderEvent.CANCEL
