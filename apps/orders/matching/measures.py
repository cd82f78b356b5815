"""What a writer counts of itself: histograms that cost its threads a fraction of a microsecond an observation.

The client library's own histogram takes a lock and about 2 µs each time; here each tally is written by one thread, so
it needs none. Who reads meanwhile may see a count without its sum, never a wrong count.
"""

from bisect import bisect_left
from itertools import accumulate

_SECONDS = tuple(factor * 10.0**power for power in range(-5, 1) for factor in (1, 2, 5))
_COMMANDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class Tally:
    """Observations counted by size, each under the least bound it does not pass; written by one thread."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Begin with none; what passes the last bound is counted behind it."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total: float = 0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return, for each bound, how many did not pass it."""
        names = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        return list(zip(names, accumulate(self.counts), strict=True))


class WriterMeasures:
    """One writer's tallies; times in seconds."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.batch_commands = Tally(_COMMANDS)
        self.engine_s = Tally(_SECONDS)
        self.commit_s = Tally(_SECONDS)
        self.request_s = Tally(_SECONDS)
        self.refused: dict[str, int] = {}
        self.recoveries = 0
        self.recovery_s: float | None = None

    def refuse(self, code: str, count: int) -> None:
        """Count commands refused at the door; its callers take turns."""
        self.refused[code] = self.refused.get(code, 0) + count
