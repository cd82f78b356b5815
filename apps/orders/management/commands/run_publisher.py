"""`manage.py run_publisher`: the journal into the streams of NATS."""

import asyncio

from django.conf import settings

from apps.orders.publishing.publisher import StreamPublisher, publish_always
from cift.bus import buses
from cift.bus.streams import streams
from cift.processes.workers import Worker, WorkerEndedError


class Command(Worker):
    """Publishes the journal of the shard."""

    help = "Publish the journal to the streams of NATS, and fill those that were wiped; log in as the role `publisher`."

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until stopped.

        Raises:
            WorkerEndedError: the settings name no NATS.

        """
        if not settings.STREAMS:
            raise WorkerEndedError("there are no streams: CIFT_NATS_SERVERS is not set")
        bus, shard = buses["default"], settings.MATCHING["SHARD"]
        publisher = StreamPublisher(shard, streams["default"])
        try:
            await publish_always(publisher, bus, shard=shard, stop=stop, once=self.once)
        finally:
            publisher.close()
            await bus.close()
