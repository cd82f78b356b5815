"""`manage.py run_beat`: sends what is scheduled; of several the one that has the lease does."""

import asyncio
import logging

from celery.beat import Scheduler
from django.conf import settings
from django.core.management.base import CommandError
from redis import RedisError

from cift.celery import app
from cift.processes.leases import SharedLease
from cift.processes.stopping import stopped_within
from cift.processes.workers import Worker

LEASE_S = 5.0
_RENEW_S = 1.0

logger = logging.getLogger(__name__)


class Command(Worker):
    """Sends the schedule's tasks while it has the lease, and stands by while another has it."""

    help = "Send the schedule's tasks to the workers; run two, and one stands by."

    async def run(self, stop: asyncio.Event) -> None:
        """Look every second whether it leads.

        Raises:
            CommandError: the settings name no broker.

        """
        if not settings.CELERY:
            raise CommandError("there is no broker: CIFT_DRAGONFLY_URL is not set")
        lease = SharedLease(settings.CELERY["broker_url"], "beat", lease_s=LEASE_S)
        scheduler: Scheduler | None = None
        while True:
            leads = await self._take(lease)
            if leads and scheduler is None:
                logger.info("this is the process that sends what is scheduled")
            scheduler = (scheduler or Scheduler(app=app)) if leads else None
            wait_s = _RENEW_S if scheduler is None else min(await asyncio.to_thread(scheduler.tick), _RENEW_S)
            if self.once or await stopped_within(stop, wait_s):
                break
        if scheduler is not None:
            await asyncio.to_thread(lease.release)

    async def _take(self, lease: SharedLease) -> bool:
        try:
            return await asyncio.to_thread(lease.take)
        except RedisError as error:
            logger.warning("the broker does not answer: %s", error)
            return False
