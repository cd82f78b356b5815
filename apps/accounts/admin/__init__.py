"""Users, accounts, money and the audit records in the back office."""

from apps.accounts.admin.accounts import AccountAdmin, BalanceAdmin, LedgerEntryAdmin
from apps.accounts.admin.money import MoneyRequestAdmin
from apps.accounts.admin.records import AuditRecordAdmin
from apps.accounts.admin.users import UserAdmin

__all__ = [
    "AccountAdmin",
    "AuditRecordAdmin",
    "BalanceAdmin",
    "LedgerEntryAdmin",
    "MoneyRequestAdmin",
    "UserAdmin",
]
