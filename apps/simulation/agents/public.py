"""What everybody sees of an instrument, and what follows from it: the touch, averages of the middle, turbulence."""

import math

from apps.simulation.agents.messages import EMPTY, Touch

_NS = 1e9
_QUICK_S, _MIDDLE_S, _SLOW_S = 8.0, 60.0, 420.0
_TURBULENCE_S, _NORMAL_S = 45.0, 1_800.0
_ACTIVITY_MIN, _ACTIVITY_MAX = 0.6, 3.0


class _Average:
    """An exponentially weighted average over time, of what there has been so far."""

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._weight = 0.0
        self._sum = 0.0

    def pass_time(self, seconds: float, held: float) -> None:
        left = math.exp(-seconds / self._over_s)
        self._weight = self._weight * left + 1 - left
        self._sum = self._sum * left + held * (1 - left)

    @property
    def value(self) -> float:
        return self._sum / self._weight if self._weight else 0.0


class Public:
    """One instrument, as any client with a subscription knows it."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.touch = EMPTY
        self._at = 0
        self._middle = 0.0
        self._quick, self._mid_term, self._slow = _Average(_QUICK_S), _Average(_MIDDLE_S), _Average(_SLOW_S)
        self._recent, self._normal = _Average(_TURBULENCE_S), _Average(_NORMAL_S)

    def update(self, touch: Touch, *, at: int) -> None:
        """Take a new best bid or offer."""
        self.touch = touch
        if not touch.bid or not touch.ask:
            return
        middle = (touch.bid + touch.ask) / 2
        if not self._middle:
            self._at, self._middle = at, middle
            return
        seconds = max((at - self._at) / _NS, 1e-3)
        for average in (self._quick, self._mid_term, self._slow):
            average.pass_time(seconds, self._middle)
        variance = (math.log(middle / self._middle)) ** 2 / seconds
        self._recent.pass_time(seconds, variance)
        self._normal.pass_time(seconds, variance)
        self._at, self._middle = at, middle

    @property
    def trend(self) -> float:
        """The relative distance of the last seconds' average from the last minute's."""
        return self._quick.value / self._mid_term.value - 1 if self._mid_term.value else 0.0

    @property
    def stretch(self) -> float:
        """The relative distance of the last seconds' average from that of minutes."""
        return self._quick.value / self._slow.value - 1 if self._slow.value else 0.0

    @property
    def activity(self) -> float:
        """How much more goes on than usual: 1 is usual."""
        if self._normal.value <= 0:
            return 1.0
        return min(max(math.sqrt(self._recent.value / self._normal.value), _ACTIVITY_MIN), _ACTIVITY_MAX)
