"""Tables of accounts: users and logins, money and its requests, the audit log."""

from apps.accounts.models.accounts import (
    FEE_TIER_MAX,
    Account,
    Balance,
    LedgerCarried,
    LedgerEntry,
    User,
    UserManager,
    session_version_make,
)
from apps.accounts.models.audit import AuditHead, AuditRecord
from apps.accounts.models.identities import RateMark, SocketTicket, TokenFamily
from apps.accounts.models.money_requests import MoneyRequest
from apps.accounts.models.withdrawals import Withdrawal

__all__ = [
    "FEE_TIER_MAX",
    "Account",
    "AuditHead",
    "AuditRecord",
    "Balance",
    "LedgerCarried",
    "LedgerEntry",
    "MoneyRequest",
    "RateMark",
    "SocketTicket",
    "TokenFamily",
    "User",
    "UserManager",
    "Withdrawal",
    "session_version_make",
]
