"""The hidden fair value: a random walk with volatility regimes, a slowly wandering volatility, and jumps.

The logarithm is pulled back to that of the anchor over days, so that a market left running stays where prices have
sense. It moves on a fixed grid of time, so the path depends on the seed alone and not on who asks when.
"""

import math
from random import Random

from apps.simulation.agents.profiles import Profile

STEP_NS = 100_000_000
_STEP_S = STEP_NS / 1e9
_SQRT_STEP = math.sqrt(_STEP_S)

STEPS_AT_ONCE_MAX = 6_000
"""Ten minutes. A process that slept longer goes on from where it was."""

STORM_FACTOR = 2.2
CALM_S_MEAN = 420.0
STORM_S_MEAN = 90.0

_ANCHOR_S = 5 * 86_400.0
_LOG_VOLATILITY_S = 240.0
_LOG_VOLATILITY_SD = 0.45


class FairValue:
    """One instrument's hidden value, and how stormy it is."""

    def __init__(self, profile: Profile, *, anchor: float, begin: float, at: int, random: Random) -> None:
        """Begin at a price (`begin`), anchored at another; `at`: ns."""
        self._profile = profile
        self._random = random
        self._anchor = math.log(anchor)
        self._log = math.log(begin)
        self._at = at
        self._wander = 0.0
        self.storm = False

    @property
    def volatility(self) -> float:
        """The standard deviation of the relative change over a second, now."""
        regime = STORM_FACTOR if self.storm else 1.0
        return self._profile.volatility * regime * math.exp(self._wander)

    def value(self, at: int) -> float:
        """Return the value at a time, which never goes back."""
        steps = (at - self._at) // STEP_NS
        if steps > 0:
            self._at += steps * STEP_NS
            for _ in range(min(steps, STEPS_AT_ONCE_MAX)):
                self._step()
        return math.exp(self._log)

    def _step(self) -> None:
        random = self._random
        if random.random() < _STEP_S / (STORM_S_MEAN if self.storm else CALM_S_MEAN):
            self.storm = not self.storm
        decay = _STEP_S / _LOG_VOLATILITY_S
        self._wander += -decay * self._wander + _LOG_VOLATILITY_SD * math.sqrt(2 * decay) * random.gauss(0, 1)
        move = self.volatility * _SQRT_STEP * random.gauss(0, 1)
        if random.random() < self._profile.jumps_per_hour * _STEP_S / 3_600:
            move += self._profile.jump_size * random.gauss(0, 1)
        self._log += move - (self._log - self._anchor) * _STEP_S / _ANCHOR_S
