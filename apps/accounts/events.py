"""What happened to accounts, balances and positions. `account_sequence` counts an account's events without a gap."""

from apps.accounts.codes import AccountStatus, CashKind, SelfTradePrevention, WithdrawalEnd
from cift.wire.base import Event


class AccountOpened(Event, tag=20, frozen=True, kw_only=True):
    """An account exists from here on."""

    account_sequence: int
    account: int
    owner: int
    group: int
    id: str


class AccountChanged(Event, tag=21, frozen=True, kw_only=True):
    """All that may change about an account, as it stands now."""

    account_sequence: int
    account: int
    status: AccountStatus
    killed: bool
    fee_tier: int
    open_orders_max: int
    stp: SelfTradePrevention


class CashMoved(Event, tag=22, frozen=True, kw_only=True):
    """An amount entered (> 0) or left (< 0) the account; the external account has the other leg."""

    account_sequence: int
    account: int
    id: str
    kind: CashKind
    asset: int
    amount: int


class BalanceChanged(Event, tag=23, frozen=True, kw_only=True):
    """A balance at the end of a batch; `account_sequence` is 0 for the venue's own accounts."""

    account_sequence: int
    account: int
    asset: int
    total: int
    held: int


class PositionChanged(Event, tag=24, frozen=True, kw_only=True):
    """A position at the end of a batch: quantity in base units, the rest in quote units."""

    account_sequence: int
    account: int
    instrument: int
    quantity: int
    cost: int
    realised: int
    fees: int


class PositionLimitSet(Event, tag=25, frozen=True, kw_only=True):
    """The bound on a position, base units; 0 for none."""

    account_sequence: int
    account: int
    instrument: int
    limit: int


class WithdrawalRequested(Event, tag=26, frozen=True, kw_only=True):
    """An amount (smallest units) is set aside to leave the account."""

    account_sequence: int
    account: int
    id: str
    asset: int
    amount: int


class WithdrawalSettled(Event, tag=27, frozen=True, kw_only=True):
    """A requested amount has left, to the external account, or may be used again.

    `request`, `request_sequence`: the id and the sequence it was asked for at.
    """

    account_sequence: int
    account: int
    id: str
    request: str
    request_sequence: int
    end: WithdrawalEnd
    asset: int
    amount: int
