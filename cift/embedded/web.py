"""The web process of the embedded venue: the web server with the order service inside."""

import asyncio
import gc

from apps.gateways.socket.hub import hub, sockets_open
from apps.orders.matching.errors import (
    JournalDamagedError,
    MatchingError,
    ShardHeldError,
    ShardLostError,
)
from apps.orders.matching.service import MatchingService
from cift.bus import buses
from cift.bus.base import BusInUse
from cift.processes.workers import EXIT_FAULT, EXIT_LOST, WorkerEndedError, stop_on_signals
from cift.servers.base import Server

_LOST = (ShardLostError, ShardHeldError, JournalDamagedError)
"""After these, starting again would end the same way."""

_ALLOCATED_PER_ROUND = 10_000


def _start_set_aside() -> None:
    """Leave what the start has made out of the collector's rounds: a whole one stops the loop for a tenth of a second.

    What orders leave behind is few and small; it is looked through a little less often than Python would.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATED_PER_ROUND, 10, 10)


class EmbeddedWeb:
    """What runs beside the web server: the bus's host, and the order service on it."""

    def __init__(self, *, lifeline: int | None) -> None:
        """Take the descriptor whose closing ends the process."""
        self._lifeline = lifeline
        self._end: MatchingError | None = None

    async def run(self, server: Server) -> None:
        """Host the bus and the order service until a signal, the supervisor's death, or the service's end.

        Raises:
            WorkerEndedError: the order service cannot go on.

        """
        stop = asyncio.Event()
        stop_on_signals(stop, lifeline=self._lifeline)

        def ended(error: MatchingError | None) -> None:
            self._end = error
            stop.set()

        bus = buses["default"]
        try:
            await bus.start()
        except BusInUse as error:
            line = f"an order service of its own runs on this data (a replay, run_matching): {error}"
            raise WorkerEndedError(line, exit_code=EXIT_LOST) from error
        _start_set_aside()
        service = MatchingService(bus, on_end=ended, sockets=sockets_open)
        await service.start()
        try:
            await stop.wait()
        finally:
            await server.stop_accepting()
            # While the order service still answers: some orders go with their sockets.
            await hub().last_orders()
            await service.stop()
            await hub().close()
            await bus.close()
        if self._end is not None:
            code = EXIT_LOST if isinstance(self._end, _LOST) else EXIT_FAULT
            raise WorkerEndedError(f"the order service has ended: {self._end}", exit_code=code)
