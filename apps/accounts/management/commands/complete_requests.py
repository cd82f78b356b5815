"""`manage.py complete_requests`: finish what a crash has left half done of money requests."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.money.requests import requests_complete
from cift.bus import buses
from cift.errors.application import ApplicationError


class Command(BaseCommand):
    """Holds, books and gives back what was decided and not sent; safe to run at any time, and again."""

    help = "complete interrupted money requests, and let those expire that nobody decided"

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Do it, and say how many there were."""
        try:
            completed = asyncio.run(_run())
        except ApplicationError as error:
            raise CommandError(f"the order service does not do its part: {error.code}; run this again later") from error
        self.stdout.write(f"{completed} completed")


async def _run() -> int:
    try:
        return await requests_complete()
    finally:
        await buses["default"].close()
