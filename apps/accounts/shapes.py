"""What clients see of accounts and money."""

from typing import Annotated

import msgspec

from apps.accounts.codes import AccountStatus, LedgerKind, SelfTradePrevention
from apps.accounts.models import Account, Balance, LedgerEntry
from cift.decimals import decimal_format
from cift.texts import AssetText, DecimalText, IdText, TimeText, words
from cift.times import time_format

ACCOUNT_STATUS_NAMES = {member: member.name.lower() for member in AccountStatus}
LEDGER_KIND_NAMES = {member: member.name.lower() for member in LedgerKind}
_SELF_TRADE_PREVENTION_NAMES = {member: member.name.lower() for member in SelfTradePrevention if member}


class AccountBody(msgspec.Struct, gc=False):
    """An account's terms; `sequence` is that of the last event that changed them."""

    id: IdText
    status: Annotated[str, words(ACCOUNT_STATUS_NAMES.values())]
    killed: bool
    fee_tier: int
    open_orders_max: int
    self_trade_prevention: Annotated[str, words(_SELF_TRADE_PREVENTION_NAMES.values())]
    opened_at: TimeText
    simulated: bool
    sequence: int


class BalanceBody(msgspec.Struct, gc=False):
    """A balance: total = held + available."""

    asset: AssetText
    total: DecimalText
    held: DecimalText
    available: DecimalText
    sequence: int


class LedgerEntryBody(msgspec.Struct, gc=False):
    """A change of a total; `amount` is signed, `sequence` and `leg` are its key, `sequence` that of its event."""

    sequence: int
    leg: int
    asset: AssetText
    amount: DecimalText
    kind: Annotated[str, words(LEDGER_KIND_NAMES.values())]
    created_at: TimeText


def account_body(row: Account) -> AccountBody:
    """Return an account's shape."""
    return AccountBody(
        id=str(row.pk),
        status=ACCOUNT_STATUS_NAMES[AccountStatus(row.status)],
        killed=row.killed,
        fee_tier=row.fee_tier,
        open_orders_max=row.open_orders_max,
        self_trade_prevention=_SELF_TRADE_PREVENTION_NAMES[SelfTradePrevention(row.stp)],
        opened_at=time_format(row.opened_at),
        simulated=row.simulated,
        sequence=row.sequence,
    )


def ledger_entry_body(row: LedgerEntry) -> LedgerEntryBody:
    """Return a ledger entry's shape."""
    return LedgerEntryBody(
        sequence=row.sequence,
        leg=row.leg,
        asset=row.asset.symbol,
        amount=decimal_format(row.amount, scale=row.asset.scale),
        kind=LEDGER_KIND_NAMES[LedgerKind(row.kind)],
        created_at=time_format(row.created_at),
    )


def balance_body(row: Balance) -> BalanceBody:
    """Return a balance's shape."""
    scale = row.asset.scale
    return BalanceBody(
        asset=row.asset.symbol,
        total=decimal_format(row.total, scale=scale),
        held=decimal_format(row.held, scale=scale),
        available=decimal_format(row.total - row.held, scale=scale),
        sequence=row.sequence,
    )
