"""`manage.py complete_registrations`: finish what a crash has left half done, and forget who never confirmed."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.identity.sweeping import registrations_sweep
from apps.accounts.money.opening import openings_complete
from cift.bus import buses
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call


class Command(BaseCommand):
    """Opens accounts and books deposits that registrations still wait for; safe to run at any time, and again."""

    help = "complete interrupted registrations, and remove those whose address was never confirmed"

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Do both, and say how many there were."""
        try:
            completed, removed = asyncio.run(_run())
        except ApplicationError as error:
            raise CommandError(f"the order service does not do its part: {error.code}; run this again later") from error
        self.stdout.write(f"{completed} completed, {removed} removed")


async def _run() -> tuple[int, int]:
    try:
        return await openings_complete(), await database_call(registrations_sweep)
    finally:
        await buses["default"].close()
