import asyncio
import os
import signal
import urllib.request
from io import StringIO

import pytest
from django.core.management import CommandError

from cift.processes.workers import EXIT_LOST, Worker, WorkerEndedError, stop_on_signals, stopped_within
from tests.support.venue import free_port


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


@pytest.mark.usefixtures("sqlite")
def test_a_worker_answers_prometheus_where_it_is_told_to() -> None:
    port = free_port()
    Patient().handle(once=False, lifeline=None, metrics=f"127.0.0.1:{port}")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert b"cift_tables_readable 1" in answer.read()

    with pytest.raises(CommandError, match="cannot be listened on"):
        Patient().handle(once=False, lifeline=None, metrics=f"127.0.0.1:{port}")


@pytest.mark.parametrize("address", ["nowhere", ":9100", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "a:²"])
def test_an_address_for_prometheus_that_is_none_is_one_line(address: str) -> None:
    with pytest.raises(CommandError, match="takes HOST:PORT"):
        Patient().handle(once=False, lifeline=None, metrics=address)
