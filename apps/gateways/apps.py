"""The gateways app: it has commands and no tables."""

from django.apps import AppConfig


class GatewaysConfig(AppConfig):
    """The socket, and what other protocols will stand beside it."""

    name = "apps.gateways"
    verbose_name = "Gateways"
