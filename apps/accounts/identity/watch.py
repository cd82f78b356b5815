"""Sockets live with their logins: one look for all sockets of a process, every second and whenever word spreads."""

import asyncio
import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

from apps.accounts.identity.ended_sessions import families_ended_subscribe
from apps.accounts.identity.principals import principals
from apps.accounts.identity.sessions import families_alive
from cift.bus.base import Subscription
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns

LOOK_S = 1.0
FAMILIES_PER_LOOK = 500

Ended = Callable[[], None]

logger = logging.getLogger(__name__)


class Watch:
    """The logins that sockets of one event loop live with."""

    def __init__(self) -> None:
        """Begin without any."""
        self._watched: dict[int, list[Ended]] = {}
        self._woken = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._runs = False

    def enter(self, family: int, ended: Ended) -> None:
        """Call `ended` once the family has ended; from the event loop."""
        self._watched.setdefault(family, []).append(ended)
        # One that ended between its login and now is found by this look.
        self._woken.set()
        if not self._runs:
            self._runs = True
            self._looking = asyncio.get_running_loop().create_task(self._look_until_empty())

    def leave(self, family: int, ended: Ended) -> None:
        """Watch no more for somebody."""
        waiting = self._watched.get(family)
        if waiting is not None and ended in waiting:
            waiting.remove(ended)
            if not waiting:
                del self._watched[family]

    async def _look_until_empty(self) -> None:
        loop = asyncio.get_running_loop()
        subscription: Subscription | None = None
        try:

            def wake() -> None:
                loop.call_soon_threadsafe(self._wake)

            subscription = await families_ended_subscribe(wake)
            while self._watched:
                self._woken.clear()
                await self._look()
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._woken.wait()
                except TimeoutError:
                    continue
        finally:
            # From here on who enters starts another.
            self._runs = False
            if subscription is not None:
                await subscription.close()

    def _wake(self) -> None:
        principals.clear()
        self._woken.set()

    async def _look(self) -> None:
        families = list(self._watched)
        for start in range(0, len(families), FAMILIES_PER_LOOK):
            asked = families[start : start + FAMILIES_PER_LOOK]
            try:
                alive = await database_call(families_alive, asked, at=clock_ns())
            except ApplicationError as error:
                logger.warning("the logins of open sockets could not be checked: %s", error.code)
                return
            for family in asked:
                if family not in alive:
                    for ended in self._watched.pop(family, ()):
                        ended()


_watches: "WeakKeyDictionary[asyncio.AbstractEventLoop, Watch]" = WeakKeyDictionary()


def watch() -> Watch:
    """Return the running event loop's watch."""
    loop = asyncio.get_running_loop()
    found = _watches.get(loop)
    if found is None:
        found = _watches[loop] = Watch()
    return found
