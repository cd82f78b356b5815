"""What can be asked about accounts and money. Every `deadline` is ns since the epoch, 0 for none."""

from apps.accounts.codes import AccountStatus, CashKind, SelfTradePrevention, WithdrawalEnd
from cift.wire.base import Command


class OpenAccount(Command, tag=20, frozen=True, kw_only=True):
    """Open an account, once for each `id`.

    `owner` is opaque to the engine; `group` 0 is a self-trade group of its own.
    """

    id: str
    deadline: int = 0
    owner: int
    group: int = 0


class ChangeAccount(Command, tag=21, frozen=True, kw_only=True):
    """Change what is not None."""

    account: int
    deadline: int = 0
    status: AccountStatus | None = None
    killed: bool | None = None
    fee_tier: int | None = None
    open_orders_max: int | None = None
    stp: SelfTradePrevention | None = None


class MoveCash(Command, tag=22, frozen=True, kw_only=True):
    """Move an amount between an account and outside, once for each `id`.

    `amount`: smallest units; > 0, or signed for an adjustment.
    """

    account: int
    id: str
    deadline: int = 0
    kind: CashKind
    asset: int
    amount: int


class SetPositionLimit(Command, tag=23, frozen=True, kw_only=True):
    """Bound a position with its open orders, in base units; 0 for no bound."""

    account: int
    deadline: int = 0
    instrument: int
    limit: int


class RequestWithdrawal(Command, tag=24, frozen=True, kw_only=True):
    """Set an amount aside to leave the account, once for each `id`, which names it until it is settled.

    `amount`: smallest units, > 0.
    """

    account: int
    id: str
    deadline: int = 0
    asset: int
    amount: int


class SettleWithdrawal(Command, tag=25, frozen=True, kw_only=True):
    """Book a requested withdrawal or give it back; `request` is the id it was asked for under."""

    account: int
    id: str
    deadline: int = 0
    request: str
    end: WithdrawalEnd
