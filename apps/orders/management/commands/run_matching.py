"""`manage.py run_matching`: the single writer of the shard, in a process of its own."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from apps.orders.matching.errors import JournalDamagedError, MatchingError, ShardHeldError, ShardLostError
from apps.orders.matching.service import MatchingService
from cift.bus import buses
from cift.processes.workers import EXIT_FAULT, EXIT_LOST, Worker, WorkerEndedError

_LOST = (ShardLostError, ShardHeldError, JournalDamagedError)
"""After these, starting again would end the same way."""


class Command(Worker):
    """Runs the writer of the shard; `--once` ends it when it is ready."""

    help = "Take commands from the bus, match them, make them durable, answer and publish."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add whether to wait for the shard."""
        super().add_arguments(parser)
        parser.add_argument(
            "--stand-by", action="store_true", help="wait until the shard is free, instead of ending when it is held"
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Write until stopped, or until the shard is lost."""
        ended: asyncio.Future[MatchingError | None] = asyncio.get_running_loop().create_future()
        bus = buses["default"]
        await bus.start()
        service = MatchingService(bus, stand_by=self.options["stand_by"], on_end=ended.set_result)
        await service.start()
        ends: list[asyncio.Future[Any]] = [asyncio.create_task(stop.wait()), ended]
        try:
            if self.once:
                await service.ready(timeout_s=float("inf"))
            else:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ends[0].cancel()
            await service.stop()
            await bus.close()
        error = await ended
        if error is not None:
            exit_code = EXIT_LOST if isinstance(error, _LOST) else EXIT_FAULT
            raise WorkerEndedError(str(error), exit_code=exit_code)
