import asyncio
import os
import signal
from io import StringIO

import pytest

from cift.workers import EXIT_LOST, Worker, WorkerEndedError, stop_on_signals, stopped_within


class Patient(Worker):
    async def run(self, stop: asyncio.Event) -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(2):
            await stop.wait()


class Lost(Worker):
    async def run(self, stop: asyncio.Event) -> None:
        raise WorkerEndedError("another has the shard", exit_code=EXIT_LOST)


def test_a_worker_runs_until_it_is_told_to_stop() -> None:
    Patient().handle(once=False, lifeline=None)


def test_a_worker_that_cannot_go_on_says_why_in_one_line_and_how_in_its_exit_code() -> None:
    errors = StringIO()

    with pytest.raises(SystemExit) as ended:
        Lost(stderr=errors, no_color=True).handle(once=False, lifeline=None)

    assert ended.value.code == EXIT_LOST
    assert errors.getvalue() == "another has the shard\n"


async def test_a_worker_stops_when_the_process_that_started_it_is_gone() -> None:
    stop = asyncio.Event()
    reading, writing = os.pipe()
    stop_on_signals(stop, lifeline=reading)
    assert not await stopped_within(stop, 0.01)
    os.close(writing)

    assert await stopped_within(stop, 2)
    os.close(reading)
