"""From which side the next taker comes: most are pieces of larger orders, or follow one another.

Large orders of a heavy-tailed number of pieces, several worked at a time, give the signs of trades their long memory
(Lillo, Mike and Farmer 2005); who comes soon behind another often does the same.
"""

from random import Random

_NS = 1_000_000_000

FOLLOWING, FOLLOWING_S = 0.62, 20.0
"""Of takers that come so soon behind another, the share that does the same."""

PIECES = 0.85
"""Of the others, the share that is a piece of one of the large orders."""

AT_ONCE = 2
_PIECES_LEAST, _PIECES_MOST = 6.0, 120.0
_TAIL = 1.4
"""The exponent of the number of pieces."""


class _Large:
    """A large order: its side, and how many pieces of it are to come."""

    __slots__ = ("left", "side")

    def __init__(self, side: int, random: Random) -> None:
        self.side = side
        self.left = min(_PIECES_LEAST * random.paretovariate(_TAIL), _PIECES_MOST)


class Crowd:
    """The takers of one instrument; sides are 0 (buy) and 1 (sell)."""

    def __init__(self, random: Random) -> None:
        """Begin with large orders of either side."""
        self._random = random
        self._large = [_Large(random.randrange(2), random) for _ in range(AT_ONCE)]
        self._last, self._last_at = 0, 0

    def side(self, fresh: int, *, at: int) -> int:
        """Return the side of who comes now; `fresh`: his own, where he neither follows nor is a piece of anything."""
        if at - self._last_at >= FOLLOWING_S * _NS or self._random.random() >= FOLLOWING:
            self._last = self._new(fresh)
        self._last_at = at
        return self._last

    def _new(self, fresh: int) -> int:
        random = self._random
        if random.random() >= PIECES:
            return fresh
        place = random.randrange(AT_ONCE)
        worked = self._large[place]
        worked.left -= 1
        if worked.left <= 0:
            self._large[place] = _Large(fresh, random)
        return worked.side
