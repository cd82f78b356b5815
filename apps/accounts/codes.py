"""The numbers that stand for words on the wire and in the tables."""

from enum import IntEnum

ACCOUNT_FEES = 1
"""The venue's own account, which receives the fees."""

ACCOUNT_EXTERNAL = 2
"""The other side of deposits and withdrawals; the only one whose balance may be negative."""


class AccountStatus(IntEnum):
    """Where an account stands."""

    ACTIVE = 0
    SUSPENDED = 1


class CashKind(IntEnum):
    """Why an amount enters or leaves an account."""

    DEPOSIT = 0
    WITHDRAWAL = 1
    ADJUSTMENT = 2


class WithdrawalEnd(IntEnum):
    """How a requested withdrawal ends: the money leaves, or may be used again."""

    BOOKED = 0
    RELEASED = 1


class WithdrawalStatus(IntEnum):
    """Where a withdrawal stands; an end's number and one more."""

    REQUESTED = 0
    BOOKED = 1
    RELEASED = 2


class RequestStatus(IntEnum):
    """Where a money request stands; how it gets there is in `money/lifecycle.py`."""

    REQUESTED = 0
    APPROVED = 1
    BOOKED = 2
    REFUSED = 3
    REJECTED = 4
    EXPIRED = 5


class LedgerKind(IntEnum):
    """What a ledger entry books."""

    DEPOSIT = 0
    WITHDRAWAL = 1
    ADJUSTMENT = 2
    TRADE = 3
    FEE = 4


class SelfTradePrevention(IntEnum):
    """What happens when two orders of one group would trade; 0 in a command: the account's default."""

    DEFAULT = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT = 4
