"""The watch over the projector's process: one that lives and does not move is ended, and started again.

Being behind is no reason, as long as it moves. Nor is a halt of trading: whoever waits for its end does not move. How
long a place has not moved is counted only while it can be read, and while there is a batch behind it.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from apps.orders.matching.halt import halt_of
from apps.orders.matching.places import Place, head_of, places_of
from cift.embedded.children import Child
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call

WATCH_S = 1.0
LOOKS_MIN = 3
"""At least so many looks in a row find it unmoved: a supervisor that stood still itself jumps to no conclusion."""

logger = logging.getLogger(__name__)


class Standstill:
    """How long one follower has stood still."""

    def __init__(self) -> None:
        """Begin without having looked."""
        self._number, self._since, self._looks = -1, 0.0, 0

    def look(self, number: int, head: int, *, at: float) -> float:
        """Take the batch it is at and the journal's last; give for how many seconds it has had one to read, unmoved.

        `at`: seconds of a clock that never goes back.
        """
        if number != self._number or number >= head:
            self._number, self._since, self._looks = number, at, 0
            return 0.0
        self._looks += 1
        return at - self._since if self._looks >= LOOKS_MIN else 0.0


Found = tuple[dict[str, Place], Place] | None


async def places_read(shard: int) -> Found:
    """Read where the followers are and where the journal ends; None: trading is halted, or they cannot be read."""
    try:
        return await database_call(_places, shard)
    except (ApplicationError, DatabaseError, InterfaceError):
        return None


def _places(shard: int) -> Found:
    if halt_of(shard=shard) is not None:
        return None
    return places_of(shard), head_of(shard)


async def followers_watch(
    child: Child, *, look: Callable[[int], Awaitable[Found]] = places_read, every_s: float = WATCH_S
) -> None:
    """Kill the projector's process when one of those in it stands still; it is kept running by others.

    `look` reads where the followers of a shard are and where its journal ends; None: that cannot be judged now.
    """
    loop, shard = asyncio.get_running_loop(), settings.MATCHING["SHARD"]
    stills: defaultdict[str, Standstill] = defaultdict(Standstill)
    pid = None
    while True:
        await asyncio.sleep(every_s)
        found = await look(shard)
        if found is None or child.pid is None or child.pid != pid:
            pid = child.pid
            stills.clear()
            continue
        places, head = found
        for name, place in places.items():
            still_s = stills[name].look(place.number, head.number, at=loop.time())
            if still_s > settings.FOLLOWER_STILL_S_MAX:
                logger.error(
                    "the %s has not moved from batch %s for %.0f s, the journal is at %s: its process is killed",
                    name,
                    f"{place.number:,}",
                    still_s,
                    f"{head.number:,}",
                )
                child.kill()
                stills.clear()
                break
