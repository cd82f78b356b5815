"""What clients see of accounts and money."""

import msgspec

from apps.accounts.models import Balance
from cift.decimals import decimal_format


class BalanceBody(msgspec.Struct, gc=False):
    """A balance: total = held + available."""

    asset: str
    total: str
    held: str
    available: str
    sequence: int


def balance_body(row: Balance) -> BalanceBody:
    """Give a balance's shape."""
    scale = row.asset.scale
    return BalanceBody(
        asset=row.asset.symbol,
        total=decimal_format(row.total, scale=scale),
        held=decimal_format(row.held, scale=scale),
        available=decimal_format(row.total - row.held, scale=scale),
        sequence=row.sequence,
    )
