"""What a measurement says, and where all of them are registered."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number beside its goal; `runs` are all values it stands for, `detail` what else judges it."""

    name: str
    title: str
    value: float
    unit: str
    goal: float | None = None
    better: Literal["higher", "lower"] = "higher"
    runs: tuple[float, ...] = ()
    percentiles: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool | None:
        """Say whether the goal is met, None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Return what is written to the file."""
        return {**asdict(self), "ok": self.ok}


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how long to measure; each topic has a folder of its own on the disk the venue would use."""

    folder: Path
    quick: bool
    runs: int

    def scaled(self, count: int) -> int:
        """Return a workload's size: a tenth of it in a quick run."""
        return count // 10 if self.quick else count


Topic = Callable[[Bench], Iterator[Result]]
TOPICS: dict[str, Topic] = {}


def topic(name: str) -> Callable[[Topic], Topic]:
    """Register a function that measures one topic; topics run in the order they are registered."""

    def register(function: Topic) -> Topic:
        if name in TOPICS:
            message = f"two topics are called {name}"
            raise ValueError(message)
        TOPICS[name] = function
        return function

    return register


def rate(name: str, title: str, *, of: tuple[int, str], seconds: Sequence[float], goal: float | None = None) -> Result:
    """Return the median rate of several runs over the same number of things, `of` (how many, what)."""
    count, unit = of
    runs = tuple(count / each for each in seconds)
    return Result(name, title, median(runs), f"{unit}/s", goal, runs=runs, detail={"count": count})


def percentiles(values: Sequence[float], wanted: Sequence[float] = (50, 90, 99, 99.9)) -> dict[str, float]:
    """Return nearest-rank percentiles by name, for example p99."""
    ranked = sorted(values)
    return {f"p{each:g}": ranked[min(len(ranked) - 1, int(len(ranked) * each / 100))] for each in wanted}
