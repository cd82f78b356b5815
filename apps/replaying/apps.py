"""The replaying app: it has commands and no tables."""

from django.apps import AppConfig


class ReplayingConfig(AppConfig):
    """Recorded order flow, sent through the venue again."""

    name = "apps.replaying"
    verbose_name = "Replaying"
