"""When takers come: a self-exciting process (Hawkes) with a side, by Ogata's thinning.

Three exponential kernels, from a fraction of a second to minutes, give bursts and a long memory; a trade brings more of
its own side than of the other.
"""

import math
from random import Random

_NS = 1e9

BRANCHING = 0.84
"""Of the arrivals, the share that earlier ones brought."""

_KERNELS = ((12.0, 0.50), (1.0, 0.15), (1 / 8, 0.15), (1 / 90, 0.20))
"""How fast each forgets, a second, and its share of what an arrival brings."""
_SAME_SIDE = 0.94


class Arrivals:
    """The arrivals of one instrument; sides are 0 (buy) and 1 (sell)."""

    def __init__(self, *, per_s: float, at: int, random: Random) -> None:
        """Take the mean rate of both sides together."""
        self._random = random
        self._base = per_s * (1 - BRANCHING) / 2
        # As if it had gone on for ever: at the mean, so the first takers come as soon as any.
        self._excited = [[BRANCHING * share * per_s / 2] * 2 for _, share in _KERNELS]
        self._at = at

    def next(self, *, activity: float = 1.0) -> tuple[int, int]:
        """Return the time (ns) and the side of the next arrival; `activity` scales the base rate meanwhile."""
        random, base = self._random, self._base * activity
        while True:
            bound = 2 * base + sum(map(sum, self._excited))
            self._decay(random.expovariate(bound))
            rates = [base + sum(excited[side] for excited in self._excited) for side in (0, 1)]
            draw = random.random() * bound
            if draw < sum(rates):
                side = 0 if draw < rates[0] else 1
                self._excite(side)
                return self._at, side

    def _decay(self, seconds: float) -> None:
        self._at += int(seconds * _NS)
        for excited, (per_s, _) in zip(self._excited, _KERNELS, strict=True):
            left = math.exp(-per_s * seconds)
            excited[0] *= left
            excited[1] *= left

    def _excite(self, side: int) -> None:
        for excited, (per_s, share) in zip(self._excited, _KERNELS, strict=True):
            jump = BRANCHING * share * per_s
            excited[side] += jump * _SAME_SIDE
            excited[1 - side] += jump * (1 - _SAME_SIDE)
