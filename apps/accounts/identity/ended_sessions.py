"""How word spreads that logins have ended: a message to all processes, each of which asks the database again.

The message is a hint. A process that misses it asks anyway, soon enough: what it remembers is a second old at most.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from cift.bus import buses
from cift.bus.base import BusError, Subscription
from cift.processes.turns import async_to_sync
from cift.wire.subjects import SESSIONS_ENDED

TELL_S_MAX = 1.0

logger = logging.getLogger(__name__)

_listeners: list[Callable[[], None]] = []


def families_ended_listen(listener: Callable[[], None]) -> None:
    """Call a function, from any thread, whenever families end in this process."""
    _listeners.append(listener)


def families_ended_tell() -> None:
    """Notify this process at once, and the others by the bus."""
    for listener in _listeners:
        listener()
    async_to_sync(_publish)()


async def _publish() -> None:
    try:
        async with asyncio.timeout(TELL_S_MAX):
            await buses["default"].publish(SESSIONS_ENDED, b"")
    except (BusError, TimeoutError) as error:
        logger.warning("other processes will notice by themselves that a login has ended: %s", error)


async def families_ended_subscribe(wake: Callable[[], None]) -> Subscription | None:
    """Be woken by the bus too; None where it cannot be reached now."""

    async def message(_subject: str, _payload: bytes) -> None:
        wake()

    async def gap() -> None:
        wake()

    with suppress(BusError, TimeoutError):
        return await buses["default"].subscribe(SESSIONS_ENDED, message, on_gap=gap)
    return None
