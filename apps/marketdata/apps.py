"""The market data app."""

from django.apps import AppConfig


class MarketdataConfig(AppConfig):
    """Assets, instruments and their fees."""

    name = "apps.marketdata"
    verbose_name = "Market data"

    def ready(self) -> None:
        """Register the checks."""
        from apps.marketdata import checks  # noqa: F401, PLC0415 - registers itself; needs the settings
