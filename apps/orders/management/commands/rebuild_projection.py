"""`manage.py rebuild_projection`: drop the projected tables and build them anew from the journal."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.orders.matching.errors import MatchingError
from apps.orders.matching.projector import projection_rebuild

_QUIET_S = 1.0


class Command(BaseCommand):
    """Rebuilds in one transaction: readers see the old tables until the new ones are whole."""

    help = "Empty the projected tables and fill them again from the journal, in one transaction."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Rebuild, saying how far it is once a second."""
        began = said = time.monotonic()

        def progress(number: int, last: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _QUIET_S:
                said = time.monotonic()
                self.stdout.write(f"batch {number:,} of {last:,}")

        try:
            number = projection_rebuild(settings.MATCHING["SHARD"], progress=progress)
        except MatchingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"the tables are rebuilt up to batch {number:,}, in {time.monotonic() - began:.1f} s")
