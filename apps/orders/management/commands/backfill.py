"""`manage.py backfill rollups`: make candles again from the journal."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.orders.matching.backfill import candles_backfill
from apps.orders.matching.errors import MatchingError

_QUIET_S = 1.0


class Command(BaseCommand):
    """Fills in the candles of a range of batches, as far as the tables are; no projector may run meanwhile."""

    help = (
        "Make candles again from the journal's batches: those of tables from before there were any, or that lost some."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what is filled in, and the range."""
        parser.add_argument("what", choices=("rollups",), help="rollups: the stored candles")
        parser.add_argument("--from", type=int, default=1, dest="first", metavar="BATCH", help="the first batch: 1")
        parser.add_argument("--to", type=int, dest="last", metavar="BATCH", help="the last batch: that of the tables")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Fill in, saying how far it is once a second."""
        began = said = time.monotonic()

        def progress(number: int, last: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _QUIET_S:
                said = time.monotonic()
                self.stdout.write(f"batch {number:,} of {last:,}")

        try:
            first, last = candles_backfill(
                settings.MATCHING["SHARD"], first=options["first"], last=options["last"], progress=progress
            )
        except MatchingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"the candles of batches {first:,} to {last:,} are made, in {time.monotonic() - began:.1f} s")
