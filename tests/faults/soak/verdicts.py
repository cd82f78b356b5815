"""What a soak is judged by: each criterion with what was measured, its bound, and whether it holds.

A trend is the Theil–Sen slope, the median of the slopes between all pairs: a quarter of the looks may be disturbed by
whatever else the machine does, and it still tells how the rest moves. It is judged from ten minutes on, when caches
are full, and over at least ten more; a shorter run says that it is not judged.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from statistics import median
from typing import Any, NamedTuple

from tests.faults.soak.sampling import Sample
from tests.performance.results import percentiles

MIB = 1024 * 1024
SETTLED_S = 600.0
"""From here on nothing may grow."""

JUDGED_S_MIN = 600.0
"""A trend over less than this says nothing."""

MEMORY_MIB_MAX = 450.0
GROWTH_MIB_PER_HOUR_MAX = 6.0
ID_BYTES = 48.0
"""What a remembered client order id may cost an engine; the writer has one, the verifier another."""

ENGINES = 2
LATENCIES_MS_MAX = {"p50": 3.0, "p99": 12.0}
RISE_MAX = {"p50": 0.25, "p99": 0.5}
"""How much the latency of a minute may have risen at the end, as a share of its median."""

PROCESSOR_RISE_MAX = 0.3
LAG_EVENTS_MAX = 20_000.0
LAG_S_MAX = 10.0
QUEUE_COMMANDS_MAX = 2_000.0
WAL_MIB_MAX = 72.0
"""The write-ahead log is cut back to 64 MiB; what a transaction needs comes on top."""

POINTS_MAX = 240
"""So many looks are enough for a slope: the pairs of more are only slower."""

Points = Sequence[tuple[float, float]]


class Verdict(NamedTuple):
    """One criterion; `ok` is None where the run was too short to judge it, or where it is only told."""

    name: str
    measured: str
    bound: str
    ok: bool | None


class Ending(NamedTuple):
    """What is known when the venue has ended."""

    exit_code: int
    audit: dict[str, Any]
    acknowledged: Sequence[str]
    in_tables: Sequence[str]
    refused: dict[str, int]
    failures: Sequence[str]
    failures_count: int


def slope(points: Points) -> float:
    """Return the median slope of all pairs."""
    thinned = points[:: max(1, -(-len(points) // POINTS_MAX))]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(thinned, 2) if x2 != x1]
    return median(slopes) if slopes else 0.0


def settled(samples: Sequence[Sample], value: Callable[[Sample], float]) -> Points | None:
    """Return a number's points from ten minutes on; None: too few to judge a trend."""
    points = [(sample.at_s, value(sample)) for sample in samples if sample.at_s >= SETTLED_S]
    return points if points and points[-1][0] - points[0][0] >= JUDGED_S_MIN else None


def verdicts(samples: Sequence[Sample], waited: dict[str, dict[int, list[float]]], end: Ending) -> list[Verdict]:
    """Judge a run."""
    return [
        *_memory(samples),
        *_processes(samples),
        *_latencies(waited, samples[-1].at_s),
        *_following(samples),
        *_files(samples),
        *_ending(end),
    ]


def _memory(samples: Sequence[Sample]) -> Iterator[Verdict]:
    last = [sample.total("pss") / MIB for sample in samples if sample.at_s >= samples[-1].at_s - 300]
    most = max(sample.total("pss") for sample in samples) / MIB
    yield Verdict(
        "memory of all processes together at the end (PSS)",
        f"{median(last):.1f} MiB, at most {most:.1f}",
        f"≤ {MEMORY_MIB_MAX:.0f} MiB",
        median(last) <= MEMORY_MIB_MAX,
    )
    name = "growth of memory of their own (anonymous) from ten minutes on"
    points = settled(samples, lambda sample: sample.total("anonymous"))
    if points is None:
        yield _too_short(name, f"≤ {GROWTH_MIB_PER_HOUR_MAX:.0f} MiB/h")
        return
    grown = slope(points) * 3600 / MIB
    ids = settled(samples, lambda sample: sample.metrics.get("cift_remembered_ids", 0.0)) or []
    stated = slope(ids) * 3600 * ID_BYTES * ENGINES / MIB
    yield Verdict(
        name,
        f"{grown:+.2f} MiB/h, of that {stated:.2f} for remembered ids",
        f"≤ {GROWTH_MIB_PER_HOUR_MAX:.0f} MiB/h beside the ids",
        grown - stated <= GROWTH_MIB_PER_HOUR_MAX,
    )


def _processes(samples: Sequence[Sample]) -> Iterator[Verdict]:
    kept = [{process.pid for process in sample.processes} for sample in samples]
    yield Verdict(
        "processes that ended or came",
        str(sum(one != other for one, other in pairwise(kept))),
        "0",
        all(one == kept[0] for one in kept),
    )
    for what in ("descriptors", "threads"):
        points = settled(samples, lambda sample, what=what: sample.total(what))  # type: ignore[misc]
        if points is None:
            yield _too_short(f"growth of {what} from ten minutes on", "≤ 2")
            continue
        grown = slope(points) * (points[-1][0] - points[0][0])
        yield Verdict(
            f"growth of {what} from ten minutes on", f"{grown:+.1f}, now {points[-1][1]:.0f}", "≤ 2", grown <= 2
        )
    shares = processor_shares(samples)
    points = [(at, share) for at, share in shares if at >= SETTLED_S]
    name, bound = "rise of processor time from ten minutes on", f"≤ {PROCESSOR_RISE_MAX:.0%}"
    if not points or points[-1][0] - points[0][0] < JUDGED_S_MIN:
        yield _too_short(name, bound)
        return
    middle = median(share for _, share in points)
    risen = slope(points) * (points[-1][0] - points[0][0]) / middle
    yield Verdict(name, f"{risen:+.1%} of {middle:.1%} of a core", bound, risen <= PROCESSOR_RISE_MAX)


def processor_shares(samples: Sequence[Sample]) -> Points:
    """Return the share of a core that all processes used together, between each two looks."""
    return [
        (other.at_s, (other.total("processor_s") - one.total("processor_s")) / (other.at_s - one.at_s))
        for one, other in pairwise(samples)
        if other.at_s > one.at_s
    ]


def _latencies(waited: dict[str, dict[int, list[float]]], seconds: float) -> Iterator[Verdict]:
    """Judge by whole minutes; the first one, when everything is new, is left out where there are more."""
    for way, minutes in waited.items():
        whole = {minute: found for minute, found in minutes.items() if (minute + 1) * 60 <= seconds}
        chosen = {minute: found for minute, found in whole.items() if minute > 0} or whole or minutes
        by_minute = {minute: percentiles(found, (50, 99)) for minute, found in sorted(chosen.items())}
        for name, bound_ms in LATENCIES_MS_MAX.items():
            middle = median(found[name] for found in by_minute.values())
            worst = max(found[name] for found in by_minute.values())
            yield Verdict(
                f"order by {way}, {name} of a minute",
                f"{middle:.2f} ms, the worst minute {worst:.2f}",
                f"≤ {bound_ms:.0f} ms",
                middle <= bound_ms,
            )
            points = [(minute * 60.0, found[name]) for minute, found in by_minute.items() if minute * 60 >= SETTLED_S]
            title, bound = f"order by {way}, rise of {name} from ten minutes on", f"≤ {RISE_MAX[name]:.0%}"
            if not points or points[-1][0] - points[0][0] < JUDGED_S_MIN:
                yield _too_short(title, bound)
                continue
            risen = slope(points) * (points[-1][0] - points[0][0]) / median(value for _, value in points)
            yield Verdict(title, f"{risen:+.1%}", bound, risen <= RISE_MAX[name])


def _following(samples: Sequence[Sample]) -> Iterator[Verdict]:
    for what, bound, unit in (("events", LAG_EVENTS_MAX, "events"), ("seconds", LAG_S_MAX, "s")):
        most = max(sample.lag(what) for sample in samples)
        yield Verdict(f"lag of projector and verifier, in {unit}", f"{most:,.1f}", f"≤ {bound:,.0f}", most <= bound)
    queued = max(sample.metrics.get("cift_writer_queue_commands", 0.0) for sample in samples)
    yield Verdict("commands queued", f"{queued:,.0f}", f"≤ {QUEUE_COMMANDS_MAX:,.0f}", queued <= QUEUE_COMMANDS_MAX)
    missed = sum(not sample.ready or not sample.metrics for sample in samples)
    yield Verdict("looks at which the venue was not ready", f"{missed} of {len(samples)}", "0", missed == 0)
    built = samples[-1].metrics.get("cift_writer_recoveries_total", 0.0)
    yield Verdict("times the engine was built anew", f"{built - 1:.0f}", "0", built == 1)


def _files(samples: Sequence[Sample]) -> Iterator[Verdict]:
    logs = [size for sample in samples for name, size in sample.files.items() if name.endswith("-wal")]
    most = max(logs, default=0) / MIB
    yield Verdict("largest write-ahead log", f"{most:.1f} MiB", f"≤ {WAL_MIB_MAX:.0f} MiB", most <= WAL_MIB_MAX)
    for name in ("journal.sqlite3", "db.sqlite3", "snapshots.sqlite3"):
        points = [(sample.at_s, float(sample.files.get(name, 0))) for sample in samples]
        text = f"{points[-1][1] / MIB:.1f} MiB, {slope(points) * 3600 / MIB:+.1f} MiB/h"
        yield Verdict(f"file {name}", text, "told", None)


def _ending(end: Ending) -> Iterator[Verdict]:
    shown = sorted(end.in_tables)
    doubled = len(shown) - len(set(shown))
    lost = len(set(end.acknowledged) - set(shown))
    yield Verdict(
        "acknowledged orders lost or doubled",
        f"{lost} lost, {doubled} doubled of {len(end.acknowledged):,}",
        "0",
        lost == doubled == 0,
    )
    refused = ", ".join(f"{name} × {count}" for name, count in end.refused.items())
    yield Verdict("requests refused", refused or "0", "0", not end.refused)
    first = f": {end.failures[0]}" if end.failures else ""
    yield Verdict("connections that failed", f"{end.failures_count}{first}", "0", end.failures_count == 0)
    yield Verdict("exit code of the venue", str(end.exit_code), "0", end.exit_code == 0)
    found = end.audit.get("violation")
    clean = bool(end.audit.get("clean"))
    yield Verdict("audit", "clean" if clean else f"not clean: {found}", "clean", clean)


def _too_short(name: str, bound: str) -> Verdict:
    return Verdict(name, "not judged: it takes 20 minutes", bound, None)
