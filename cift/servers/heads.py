"""How long a connection may go without a request: the same under both servers.

From its beginning, or from the first byte of its next request, to the end of that request's head: `HEAD_S_MAX`, however
often a byte comes. From an answer to the first byte of the next request: `IDLE_S_MAX`.
"""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable

from django.conf import settings


class HeadWait:
    """One connection's wait for a request's head."""

    def __init__(self, *, loop: AbstractEventLoop, end: Callable[[], None]) -> None:
        """Wait for nothing yet; `end` ends the connection."""
        self._loop = loop
        self._end = end
        self._timer: TimerHandle | None = None
        self.begun = False

    def connected(self) -> None:
        """Begin to wait for the first head."""
        self._wait(settings.HEAD_S_MAX)

    def begin(self) -> None:
        """Hear the first byte of a request; of those behind it nothing is to be said."""
        if not self.begun:
            self._wait(settings.HEAD_S_MAX)
            self.begun = True

    def arrived(self) -> None:
        """Hear that a head is whole."""
        self.begun = False
        self.stop()

    def answered(self) -> None:
        """Hear that a request was answered; the next may have begun to arrive."""
        if self._timer is None:
            self._wait(settings.IDLE_S_MAX)

    def stop(self) -> None:
        """Wait no more."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _wait(self, seconds: float) -> None:
        self.stop()
        self._timer = self._loop.call_later(seconds, self._end)
