"""The project's own app: its commands and checks."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class CiftConfig(AppConfig):
    """What belongs to the venue as a whole."""

    name = "cift"
    verbose_name = "CIFT Markets"

    def ready(self) -> None:
        """Register the checks and the numbers every process shows."""
        from cift import checks  # noqa: F401, PLC0415 - registers itself; needs the settings
        from cift.monitoring import disk  # noqa: F401, PLC0415 - its numbers are of every process


class BackOfficeConfig(SimpleAdminConfig):
    """Django's admin, on a site of our own.

    Its pages are loaded with the addresses they are found at, not with the models: an order service, a projector or a
    restart needs none of them.
    """

    default_site = "cift.backoffice.site.BackOfficeSite"

    def ready(self) -> None:
        """Register Django's checks of the pages; they load them first."""
        register(check_dependencies, Tags.admin)
        register(_pages_check, Tags.admin)


def _pages_check(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    admin.autodiscover()
    found: list[CheckMessage] = check_admin_app(app_configs, **options)
    return found
