"""`manage.py backfill rollups|ticks`: make candles, or a store's trades, again from the journal."""

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.marketdata.ticks.questdb_link import QuestDBRefusedError, QuestDBUnavailableError
from apps.marketdata.ticks.questdb_writing import TickWriter
from apps.orders.matching.backfill import candles_backfill
from apps.orders.matching.errors import MatchingError
from apps.orders.shipping import TickShipper

_QUIET_S = 1.0


class Command(BaseCommand):
    """Fills in the candles of a range of batches, as far as the tables are; no projector may run meanwhile.

    Or ships the trades of a range into QuestDB, beside the workers: what is there already stays one row.
    """

    help = (
        "Make candles (rollups) or QuestDB's trades (ticks) again from the journal's batches: those from before there "
        "were any, or that were lost."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what is filled in, and the range."""
        parser.add_argument(
            "what", choices=("rollups", "ticks"), help="rollups: the stored candles; ticks: the trades in QuestDB"
        )
        parser.add_argument("--from", type=int, default=1, dest="first", metavar="BATCH", help="the first batch: 1")
        parser.add_argument(
            "--to", type=int, dest="last", metavar="BATCH", help="the last batch: that of the tables, or of the journal"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Fill in, saying how far it is once a second."""
        began = said = time.monotonic()

        def progress(number: int, last: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _QUIET_S:
                said = time.monotonic()
                self.stdout.write(f"batch {number:,} of {last:,}")

        try:
            if options["what"] == "ticks":
                made = self._ticks(options["first"], options["last"], progress)
            else:
                first, last = candles_backfill(
                    settings.MATCHING["SHARD"], first=options["first"], last=options["last"], progress=progress
                )
                made = f"the candles of batches {first:,} to {last:,} are made"
        except (MatchingError, QuestDBRefusedError, QuestDBUnavailableError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made}, in {time.monotonic() - began:.1f} s")

    def _ticks(self, first: int, last: int | None, progress: Callable[[int, int], None]) -> str:
        if settings.TICK_SHIPPING is None:
            raise CommandError("there is no store to ship trades to: CIFT_QUESTDB_URL is not set")
        writer = TickWriter(**settings.TICK_SHIPPING)
        writer.tables_ensure()
        shipper = TickShipper(settings.MATCHING["SHARD"], writer)
        first, last, count = shipper.backfill(first=first, last=last, progress=progress)
        return f"the {count:,} trades of batches {first:,} to {last:,} are shipped"
