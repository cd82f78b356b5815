"""Reads of accounts and money, from the projected tables."""

from django.db.models import QuerySet

from apps.accounts.models import Account, Balance, LedgerEntry


def account_of_user(user_id: int) -> Account | None:
    """Find the account a user trades with: the first opened for them."""
    return Account.objects.filter(owner_id=user_id).order_by("id").first()


def balances_of_account(account_id: int) -> QuerySet[Balance]:
    """Return an account's balances with their assets, in the order the assets were listed."""
    return Balance.objects.filter(account_id=account_id).select_related("asset").order_by("asset_id")


def ledger_of_account(account_id: int) -> QuerySet[LedgerEntry]:
    """Return an account's ledger with the assets."""
    return LedgerEntry.objects.filter(account_id=account_id).select_related("asset")
