"""`manage.py ensure_streams`: make and alter the streams of NATS until they are as declared."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cift.bus import buses
from cift.bus.base import BusError
from cift.bus.streams import StreamDifference, streams
from cift.wire.streams import STREAMS


class Command(BaseCommand):
    """Says what was different, and does it; what cannot be altered in place is said, and stays."""

    help = "Make the streams of NATS, and alter those that are not as declared; log in as the role `publisher`."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; the streams are all it looks at

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether anything is done."""
        parser.add_argument(
            "--dry-run", action="store_true", help="change nothing; exit code 1 where there is a difference"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Compare, and do.

        Raises:
            CommandError: NATS cannot be used, or a difference remains.

        """
        if not settings.STREAMS:
            raise CommandError("there are no streams: CIFT_NATS_SERVERS is not set")
        try:
            found = asyncio.run(_done(dry_run=options["dry_run"]))
        except BusError as error:
            raise CommandError(str(error)) from error
        for difference in found:
            self.stdout.write(str(difference))
        if not found:
            self.stdout.write(f"{', '.join(stream.name for stream in STREAMS)}: as declared")
        if options["dry_run"] and found:
            raise CommandError("the streams are not as declared")
        if any(difference.refused for difference in found):
            raise CommandError("not all streams are as declared")


async def _done(*, dry_run: bool) -> list[StreamDifference]:
    made = streams["default"]
    try:
        await made.check()
        return await (made.differences(STREAMS) if dry_run else made.ensure(STREAMS))
    finally:
        await buses["default"].close()
