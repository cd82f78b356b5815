"""`manage.py bootstrap`: what the stack's new venue needs to be of use."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cift.bus import buses
from cift.embedded.bootstrap import bootstrap
from cift.errors.application import ApplicationError


class Command(BaseCommand):
    """Lists assets and instruments, and makes the two first logins with their paper money; what is there stays."""

    help = "Complete a venue for paper money: assets, instruments, an operator's and a demo trader's login."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Do what is missing."""
        try:
            asyncio.run(self._run())
        except (ApplicationError, TimeoutError) as error:
            raise CommandError(
                f"the venue cannot be completed: {error or 'the tables are behind the journal'}"
            ) from error

    async def _run(self) -> None:
        try:
            await bootstrap(settings.DATA_DIR)
        finally:
            await buses["default"].close()
