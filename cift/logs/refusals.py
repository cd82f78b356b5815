"""What clients are refused, in the log: the code, never what they sent."""

import logging
import time
from collections.abc import Callable

from cift.logs.context import Named, log_note

REFUSALS_LOGGED_PER_S = 20
"""So many refusals are logged a second and process: a client that sends nothing but bad orders fills no disk."""


class RefusalLog:
    """Logs refusals, at most so many lines a second; how many were left out is said afterwards."""

    def __init__(self, *, per_s_max: int = REFUSALS_LOGGED_PER_S, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `now`: seconds of a clock that never goes back."""
        self._per_s_max, self._now = per_s_max, now
        self._second = self._count = self._left_out = 0

    def line(self, *, code: str, status: int, order_id: Named) -> None:
        """Log one, if this second has room for it."""
        if not _refusals.isEnabledFor(logging.INFO):
            return
        second = int(self._now())
        if second != self._second:
            if self._left_out:
                _refusals.info("%s more refusals are not shown", self._left_out)
            self._second, self._count, self._left_out = second, 0, 0
        self._count += 1
        if self._count > self._per_s_max:
            self._left_out += 1
            return
        log_note(order_id=order_id)
        _refusals.info("refused: %s (%s)", code, status)


_refusals = logging.getLogger("cift.refusals")

refusal_log = RefusalLog()
