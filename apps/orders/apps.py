"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Orders, their matching, and the journal they rest on."""

    name = "apps.orders"
    verbose_name = "Orders"
