"""`manage.py error_table`: print docs/reference/errors.md as the code has it."""

from typing import Any

from django.core.management.base import BaseCommand

from cift.errors.table import error_table


class Command(BaseCommand):
    """Prints the table of error codes."""

    help = "print docs/reference/errors.md as the code has it"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Print it."""
        self.stdout.write(error_table(), ending="")
