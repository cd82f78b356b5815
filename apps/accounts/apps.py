"""The accounts app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class AccountsConfig(AppConfig):
    """Users, accounts, balances and the ledger."""

    name = "apps.accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """End what lives with a browser session when Django ends it."""
        from apps.accounts.identity.browsers import browser_logged_out  # noqa: PLC0415 - needs the models

        user_logged_out.connect(browser_logged_out)
