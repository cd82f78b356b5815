"""The engine behind its one door: `Engine.apply(bytes)` from Python, decoding, encoding and chain hash included."""

import gc
import time
from collections.abc import Iterator
from typing import NamedTuple

from cift_matching import Engine

from tests.performance.commands import BATCH, SETUP_BATCH, command_of, frames, opening, setup, tally
from tests.performance.flow import StandardFlow
from tests.performance.results import Bench, Result, percentiles, rate, topic

GOAL = 2_500_000
MESSAGES = 1_000_000


class FlowMismatchError(Exception):
    """The run did other trades than the flow says: its time is worth nothing."""


@topic("apply", order=20)
def apply(bench: Bench) -> Iterator[Result]:
    """Yield the rate on one symbol and on a hundred."""
    for symbols in (1, 100):
        yield _measured(bench, symbols)


def _measured(bench: Bench, symbols: int) -> Result:
    flow = StandardFlow(symbols=symbols, messages=bench.scaled(MESSAGES))
    records = flow.read(flow.stored(bench.flows))
    resting = flow.symbols * flow.live
    before = list(frames([*opening(), *setup(symbols), *map(command_of, records[:resting])], SETUP_BATCH))
    expected = _run(before, list(frames(map(command_of, records[resting:]))), keep=True).events
    found, numbers = tally(expected)
    if found != flow.expected:
        raise FlowMismatchError(f"{found} instead of {flow.expected}")
    # As by `DELETE orders/{id}/`: what is timed names its orders by the ids the same commands were given before.
    ids = {number: order_id for order_id, number in numbers.items()}
    named = (command_of(each, order_id=ids[each.symbol, each.order]) for each in records[resting:])
    timed = list(frames(named))
    checked = _run(before, timed, keep=True)
    if checked.events != expected:
        raise FlowMismatchError("other events than in the run before")
    runs = [_run(before, timed, keep=False) for _ in range(bench.runs)]
    if any(run.chain != checked.chain for run in runs):
        raise FlowMismatchError("another chain hash than in the run that was checked")
    plural = "symbol" if symbols == 1 else "symbols"
    title = f"apply(bytes) from Python, batches of {BATCH}, {symbols} {plural}"
    seconds = [run.seconds for run in runs]
    result = rate(f"apply_{symbols}", title, of=(flow.messages, "commands"), seconds=seconds, goal=GOAL)
    batches_us = [each for run in runs for each in run.each_us]
    result.percentiles.update({f"{name} batch us": value for name, value in percentiles(batches_us, (50, 99)).items()})
    # Where others use the machine too, this is what it would be alone, but for their share of the caches.
    on_cpu = [round(flow.messages / run.on_cpu) for run in runs]
    result.detail.update(trades=flow.expected.trades, hash=f"{flow.expected.hash:016x}", commands_per_cpu_second=on_cpu)
    return result


class _Run(NamedTuple):
    """The seconds the timed frames took, those of them on a processor, µs each, the end's hash, and events if kept."""

    seconds: float
    on_cpu: float
    each_us: list[float]
    chain: bytes
    events: list[bytes]


def _run(before: list[bytes], timed: list[bytes], *, keep: bool) -> _Run:
    """Apply all frames."""
    engine = Engine()
    events = []
    number = 0
    for frame in before:
        number += 1
        batch = engine.apply(frame, number=number, at=number)
        events.append(batch.events if keep else b"")
    each: list[float] = []
    clock = time.perf_counter
    gc.collect()
    gc.disable()
    cpu, began = time.thread_time(), clock()
    for frame in timed:
        number += 1
        start = clock()
        batch = engine.apply(frame, number=number, at=number)
        each.append((clock() - start) * 1e6)
        if keep:
            events.append(batch.events)
    spent, on_cpu = clock() - began, time.thread_time() - cpu
    gc.enable()
    return _Run(spent, on_cpu, each, engine.chain, events)
