"""The engine alone, in Rust, beside a peer from the registry: the standard flow, counts and hash checked by both."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from tests.performance.flow import StandardFlow
from tests.performance.results import Bench, Result, topic

MESSAGES = 1_000_000
GOALS = {1: 10_000_000, 100: 8_000_000}
P50_NS = 100
P99_NS = 500
FULL_TIMES = 1.5
PAUSE_MS = 1
_NS_PER_MS = 1_000_000
PEER = "matchcore 0.4"
MANIFEST = Path(__file__).resolve().parents[3] / "matching_rs" / "Cargo.toml"


class NoCargoError(Exception):
    """There is no cargo to build the Rust benchmark with."""


@topic("engine", order=10)
def engine(bench: Bench) -> Iterator[Result]:
    """Yield rates and times on one symbol, with ids full too, and on a hundred, and the peer's rate of the same run."""
    for symbols in GOALS:
        flow = StandardFlow(symbols=symbols, messages=bench.scaled(MESSAGES))
        path = flow.stored(bench.flows)
        flow.read(path)
        told = _run(path, rounds=bench.runs, full=symbols == 1)
        if told["hash"] != f"{flow.expected.hash:016x}":
            message = f"the engine's trades have hash {told['hash']} instead of {flow.expected.hash:016x}"
            raise RuntimeError(message)
        yield from _results(symbols, told)
        if symbols == 1:
            yield from _full_results(told)


def _results(symbols: int, told: dict[str, Any]) -> Iterator[Result]:
    where = "1 symbol" if symbols == 1 else f"{symbols} symbols"
    ours, theirs = tuple(told["engine_rounds"]), tuple(told["matchcore_rounds"])
    detail = {name: told[name] for name in ("messages", "accounts", "batch", "events", "trades", "hash")}
    times = {name: told[f"{name}_ns"] for name in ("p50", "p99", "p999", "max")}
    title = f"engine alone, risk, ids and events on, {where}"
    unit = "messages/s"
    yield Result(
        f"engine_{symbols}", title, median(ours), unit, GOALS[symbols], runs=ours, percentiles=times, detail=detail
    )
    for name, goal in (("p50", P50_NS), ("p99", P99_NS)):
        yield Result(f"engine_{symbols}_{name}", f"{title}: {name}", times[name], "ns", goal, "lower")
    title = f"{PEER} beside it, no risk, {where}"
    yield Result(f"peer_{symbols}", title, median(theirs), unit, runs=theirs)
    title = f"engine with risk over {PEER} without, {where}"
    yield Result(f"engine_over_peer_{symbols}", title, median(ours) / median(theirs), "times", 1)


def _full_results(told: dict[str, Any]) -> Iterator[Result]:
    """Yield what a message costs where an id has to leave for each that comes, and the longest any command takes."""
    full, empty = tuple(told["full_rounds"]), median(told["engine_rounds"])
    title = "engine alone, table of ids full, 1 symbol"
    yield Result("engine_full", title, median(full), "messages/s", runs=full)
    title = "time of a message, table of ids full over empty"
    yield Result("engine_full_over_empty", title, empty / median(full), "times", FULL_TIMES, "lower")
    title = "longest command, in every run: 4.2 M ids come, then the flow"
    yield Result("engine_pause", title, told["pause_ns"] / _NS_PER_MS, "ms", PAUSE_MS, "lower")


def _run(path: Path, *, rounds: int, full: bool) -> dict[str, Any]:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise NoCargoError
    build = ["run", "--quiet", "--release", "--locked", "--manifest-path", str(MANIFEST), "--package", "cift-bench"]
    words = ["--bin", "engine_bench", "--", str(path), "--rounds", str(rounds), "--json", *(["--full"] if full else [])]
    child = subprocess.run([cargo, *build, *words], stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(child.stdout)
    return told
