"""The project's own app: its commands and checks."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CiftConfig(AppConfig):
    """What belongs to the venue as a whole."""

    name = "cift"
    verbose_name = "CIFT Markets"

    def ready(self) -> None:
        """Register the checks."""
        from cift import checks  # noqa: F401, PLC0415 - registers itself; needs the settings


class BackOfficeConfig(AdminConfig):
    """Django's admin, on a site of our own."""

    default_site = "cift.adminsite.BackOfficeSite"
