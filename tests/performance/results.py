"""What a measurement says, and where all of them are registered."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """Where and how long to measure; each topic has a folder of its own on the disk the venue would use.

    `rows`: a topic that is a table measures those alone whose title this finds; a regular expression, "": all.
    """

    folder: Path
    quick: bool
    runs: int
    rows: str = ""

    def wants(self, title: str) -> bool:
        """Return whether a row of a table is to be measured."""
        return re.search(self.rows, title) is not None

    def scaled(self, count: int) -> int:
        """Return a workload's size: a tenth of it in a quick run."""
        return count // 10 if self.quick else count

    @property
    def flows(self) -> Path:
        """Return the folder of the standard flow's files, made once for all topics and runs."""
        return self.folder.parent / "flows"


Topic = Callable[[Bench], Iterator[Result]]
TOPICS: dict[str, Topic] = {}


def topic(name: str, *, order: int) -> Callable[[Topic], Topic]:
    """Register a function that measures one topic; topics run, and stand in the table, by `order`."""

    def register(function: Topic) -> Topic:
        if name in TOPICS:
            message = f"two topics are called {name}"
            raise ValueError(message)
        vars(function)["order"] = order
        TOPICS[name] = function
        return function

    return register


def ordered() -> list[str]:
    """Return the topics' names as they run."""
    return sorted(TOPICS, key=lambda name: (vars(TOPICS[name])["order"], name))


def rate(name: str, title: str, *, of: tuple[int, str], seconds: Sequence[float], goal: float | None = None) -> Result:
    """Return the median rate of several runs over the same number of things, `of` (how many, what)."""
    count, unit = of
    runs = tuple(count / each for each in seconds)
    return Result(name, title, median(runs), f"{unit}/s", goal, runs=runs, detail={"count": count})


def latencies(
    name: str,
    title: str,
    values_ms: Sequence[float],
    *,
    goals: Mapping[str, float],
    detail: Mapping[str, Any] | None = None,
) -> Iterator[Result]:
    """Yield a result for each percentile that has a goal, as in `{"p50": 3, "p99": 12}`; the others stand beside it."""
    found = {**percentiles(values_ms, (50, 99, 99.9)), "max": max(values_ms)}
    for key, goal in goals.items():
        beside = {"count": len(values_ms), **(detail or {})}
        yield Result(
            f"{name}_{key}", f"{title}: {key}", found[key], "ms", goal, "lower", percentiles=found, detail=beside
        )


def percentiles(values: Sequence[float], wanted: Sequence[float] = (50, 90, 99, 99.9)) -> dict[str, float]:
    """Return nearest-rank percentiles by name, for example p99."""
    ranked = sorted(values)
    return {f"p{each:g}": ranked[min(len(ranked) - 1, int(len(ranked) * each / 100))] for each in wanted}
