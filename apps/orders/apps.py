"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Orders, their matching, and the journal they rest on."""

    name = "apps.orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        """Offer the venue's numbers to whoever scrapes this process."""
        from prometheus_client import REGISTRY  # noqa: PLC0415 - as the line below

        from apps.orders.monitoring.metrics import VenueCollector  # noqa: PLC0415 - needs the models

        REGISTRY.register(VenueCollector())
