"""How processes are told to stop, and what their exit codes mean. Without Django: small processes use it too."""

import asyncio
import logging
import os
import signal
from contextlib import suppress

EXIT_FAULT = 1
"""The process failed; starting it again may help."""

EXIT_LOST = 3
"""What the process works on is not its own any more, or is not fit to be worked on; starting it again does not help."""

logger = logging.getLogger(__name__)


def stop_on_signals(stop: asyncio.Event, *, lifeline: int | None = None) -> None:
    """Set `stop` on SIGTERM, SIGINT, or the closing of `lifeline`; a second signal ends the process at once."""
    loop = asyncio.get_running_loop()

    def told(name: str) -> None:
        if stop.is_set():
            os._exit(EXIT_FAULT)
        logger.debug("stopping: %s", name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number.name)
    if lifeline is not None:

        def gone() -> None:
            loop.remove_reader(lifeline)
            stop.set()

        loop.add_reader(lifeline, gone)


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `stop`, at most so long; tell whether it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
