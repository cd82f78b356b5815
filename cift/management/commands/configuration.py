"""`manage.py configuration`: print docs/reference/configuration.md as the code has it."""

from typing import Any

from django.core.management.base import BaseCommand

from cift.configuration import configuration_page


class Command(BaseCommand):
    """Prints every variable of the environment with its values, defaults and meaning."""

    help = "print docs/reference/configuration.md as the code has it"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Print the page."""
        self.stdout.write(configuration_page(), ending="")
