"""Writes of accounts and money: each is a command to the order service, so each is in the journal."""

from apps.accounts.codes import CashKind, WithdrawalEnd
from apps.accounts.commands import (
    ChangeAccount,
    MoveCash,
    OpenAccount,
    RequestWithdrawal,
    SetPositionLimit,
    SettleWithdrawal,
)
from apps.accounts.events import (
    AccountChanged,
    AccountOpened,
    CashMoved,
    PositionLimitSet,
    WithdrawalRequested,
    WithdrawalSettled,
)
from cift.orderservice.performing import Performed, command_perform


async def account_open(command: OpenAccount) -> Performed[AccountOpened]:
    """Open an account; the same id again gives the account it opened.

    Raises:
        ApplicationError: `id_invalid`, `conflict`; what `command_perform` raises.

    """
    return await command_perform(command, event=AccountOpened)


async def account_change(command: ChangeAccount) -> Performed[AccountChanged]:
    """Change an account's status, limits or switches.

    Raises:
        ApplicationError: `account_unknown`, `tier_invalid`; what `command_perform` raises.

    """
    return await command_perform(command, event=AccountChanged)


async def position_limit_set(command: SetPositionLimit) -> Performed[PositionLimitSet]:
    """Bound an account's position in an instrument.

    Raises:
        ApplicationError: `account_unknown`, `instrument_unknown`; what `command_perform` raises.

    """
    return await command_perform(command, event=PositionLimitSet)


async def deposit_book(
    *, account: int, command_id: str, asset: int, amount: int, deadline: int = 0
) -> Performed[CashMoved]:
    """Book an amount (smallest units, > 0) into an account, once for each id.

    Raises:
        ApplicationError: `account_unknown`, `asset_unknown`, `amount_invalid`, `conflict`; what `command_perform`
            raises.

    """
    command = MoveCash(
        account=account, id=command_id, deadline=deadline, kind=CashKind.DEPOSIT, asset=asset, amount=amount
    )
    return await command_perform(command, event=CashMoved)


async def withdrawal_request(
    *, account: int, command_id: str, asset: int, amount: int, deadline: int = 0
) -> Performed[WithdrawalRequested]:
    """Set an amount (smallest units, > 0) aside to leave an account, once for each id; it is held until it is settled.

    Raises:
        ApplicationError: `insufficient_funds`, `withdrawals_limit`, `already_exists`: it is open, though its id was
            forgotten; and as `deposit_book`.

    """
    command = RequestWithdrawal(account=account, id=command_id, deadline=deadline, asset=asset, amount=amount)
    return await command_perform(command, event=WithdrawalRequested)


async def withdrawal_settle(
    *, account: int, command_id: str, request: str, end: WithdrawalEnd, deadline: int = 0
) -> Performed[WithdrawalSettled]:
    """Book the withdrawal that was requested under the id `request`, or give it back.

    Raises:
        ApplicationError: `account_unknown`, `withdrawal_unknown`, `conflict`; what `command_perform` raises.

    """
    command = SettleWithdrawal(account=account, id=command_id, deadline=deadline, request=request, end=end)
    return await command_perform(command, event=WithdrawalSettled)


async def adjustment_book(
    *, account: int, command_id: str, asset: int, amount: int, deadline: int = 0
) -> Performed[CashMoved]:
    """Correct a balance by an amount (smallest units, either sign, not 0), once for each id.

    Raises:
        ApplicationError: `insufficient_funds`, and as `deposit_book`.

    """
    command = MoveCash(
        account=account, id=command_id, deadline=deadline, kind=CashKind.ADJUSTMENT, asset=asset, amount=amount
    )
    return await command_perform(command, event=CashMoved)
