"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, accounts, balances and the ledger."""

    name = "apps.accounts"
    verbose_name = "Accounts"
