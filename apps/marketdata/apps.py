"""The market data app."""

from django.apps import AppConfig


class MarketdataConfig(AppConfig):
    """Assets, instruments and their fees."""

    name = "apps.marketdata"
    verbose_name = "Market data"
