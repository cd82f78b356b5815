"""The project's own app: its commands and checks."""

from django.apps import AppConfig


class CiftConfig(AppConfig):
    """What belongs to the venue as a whole."""

    name = "cift"
    verbose_name = "CIFT Markets"
