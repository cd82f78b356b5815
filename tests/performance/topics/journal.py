"""Engine and durable journal alone: the writer with its two threads, fed frames of 500, on each database."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.performance import stores
from tests.performance.commands import BATCH, SETUP_BATCH, command_of, frames, setup
from tests.performance.flow import StandardFlow
from tests.performance.results import Bench, Result, percentiles, rate, topic

MESSAGES = 300_000
GOALS = {"sqlite": 150_000, "postgresql": 200_000}
FRAMES_WAITING = 8
ANSWER_S_MAX = 60.0
WARM_UP_SHARD = 99


@topic("journal", order=40)
def journal(bench: Bench) -> Iterator[Result]:
    """Yield the rate on SQLite and on PostgreSQL."""
    stores.ready()
    flow = StandardFlow(messages=bench.scaled(MESSAGES))
    commands = [command_of(record) for record in flow.read(flow.stored(bench.flows))]
    before = list(frames([*setup(1), *commands[: flow.live]], SETUP_BATCH // 2))
    timed = list(frames(commands[flow.live :]))
    kinds: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
        "sqlite": stores.sqlite_store,
        "postgresql": stores.postgresql_store,
    }
    for name, opened in kinds.items():
        with opened(bench.folder / name) as vendor:
            # The first run makes the files, which a server that has run for a day finds there and uses again.
            _run(WARM_UP_SHARD, before, timed)
            stores.settle()
            runs = [_run(shard, before, timed) for shard in range(bench.runs)]
        title = f"engine and durable journal alone, batches of {BATCH}, {vendor}"
        seconds = [spent for spent, _ in runs]
        of = (flow.messages, "commands")
        result = rate(f"journal_{vendor}", title, of=of, seconds=seconds, goal=GOALS[vendor])
        latencies = [value for _, values in runs for value in values]
        result.percentiles.update({f"{key} ack ms": value for key, value in percentiles(latencies, (50, 99)).items()})
        yield result


class Feeder:
    """Feeds a writer frames with a bounded number of them unanswered; answers come from the writer's threads."""

    def __init__(self, shard: int) -> None:
        """Start a writer on an empty shard, and wait until it is ready."""
        from apps.orders.matching.work import WriterOptions, WriterState  # noqa: PLC0415 - needs Django set up
        from apps.orders.matching.writer import Writer  # noqa: PLC0415

        self._slots = threading.Semaphore(FRAMES_WAITING)
        self._waiting = 0
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self.latencies_ms: list[float] = []
        self._writer = Writer(
            shard=shard,
            options=WriterOptions(ids_key=bytes(range(16)), batch_commands_max=BATCH),
            deliver=self._deliver,
            publish=lambda _batch: None,
            on_end=lambda _error: None,
        )
        self._writer.start()
        while (status := self._writer.status()).state is not WriterState.READY:
            if status.state in (WriterState.FAILED, WriterState.HALTED):
                raise RuntimeError(status.detail)
            time.sleep(0.005)

    def feed(self, packed: list[bytes], *, count: int = BATCH) -> float:
        """Send all frames, of `count` commands each; return the seconds until the last is answered."""
        began = time.perf_counter()
        for frame in packed:
            self._slots.acquire()
            with self._lock:
                self._waiting += 1
                self._idle.clear()
            commands = count if frame is not packed[-1] else _count(frame)
            if self._writer.submit(frame, commands, time.perf_counter()):
                message = "the writer refused a frame"
                raise RuntimeError(message)
        if not self._idle.wait(ANSWER_S_MAX):
            message = f"the writer has not answered for {ANSWER_S_MAX:g} s: {self._writer.status()}"
            raise RuntimeError(message)
        return time.perf_counter() - began

    def stop(self) -> None:
        """End the writer."""
        self._writer.stop()

    def _deliver(self, outcomes: list[tuple[Any, bytes | None]]) -> None:
        now = time.perf_counter()
        with self._lock:
            self.latencies_ms += [(now - sent) * 1e3 for sent, _ in outcomes]
            self._waiting -= len(outcomes)
            if not self._waiting:
                self._idle.set()
        self._slots.release(len(outcomes))


def _count(frame: bytes) -> int:
    from cift.wire.base import frame_split  # noqa: PLC0415 - with the others

    return len(frame_split(frame))


def _run(shard: int, before: list[bytes], timed: list[bytes]) -> tuple[float, list[float]]:
    """Return the seconds for the timed frames, and how long each was waited for in ms."""
    feeder = Feeder(shard)
    try:
        feeder.feed(before, count=SETUP_BATCH // 2)
        feeder.latencies_ms.clear()
        return feeder.feed(timed), list(feeder.latencies_ms)
    finally:
        feeder.stop()
