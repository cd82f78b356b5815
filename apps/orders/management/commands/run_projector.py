"""`manage.py run_projector`: follow the journal into the tables, verify it, and remove what has run out of logins."""

import asyncio

from django.conf import settings

from apps.accounts.identity.sweeping import identities_sweep_always
from apps.orders.matching.errors import MatchingError
from apps.orders.matching.followers import follow
from cift.bus import buses
from cift.processes.workers import EXIT_LOST, Worker, WorkerEndedError


class Command(Worker):
    """Runs the projector and the verifier of the shard."""

    help = "Write the journal into the tables, verify it with a second engine, make snapshots; sweep logins."

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the journal until stopped."""
        bus = buses["default"]
        sweeping = asyncio.create_task(identities_sweep_always())
        try:
            await follow(bus, shard=settings.MATCHING["SHARD"], stop=stop, once=self.once)
        except MatchingError as error:
            raise WorkerEndedError(str(error), exit_code=EXIT_LOST) from error
        finally:
            sweeping.cancel()
            await bus.close()
