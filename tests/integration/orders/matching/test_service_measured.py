"""What /metrics says of an order service that works: held against what it was made to do."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from apps.gateways.socket.consumer import socket_application
from apps.gateways.socket.hub import hub
from apps.orders.matching.service import MatchingService
from cift.bus.local import LocalBus
from tests.support.shard import Flow, answers_of, frame_of, opening
from tests.support.watching import watched

COMMANDS = "orders.commands.0"
REQUESTS = 7
QUEUE_MAX = 50
HISTOGRAMS = ("batch_commands", "engine_seconds", "commit_seconds", "request_seconds")


async def scraped() -> dict[str, float]:
    """Return the venue's numbers by name and by what tells states, codes and reasons apart."""
    response = await watched("/metrics")
    assert response.status_code == 200
    found = {}
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            if family.name.startswith(("cift_writer", "cift_sockets")) and "le" not in sample.labels:
                told = [text for name, text in sample.labels.items() if name in {"state", "code", "reason"}]
                found[" ".join([sample.name, *told])] = float(sample.value)
    return found


async def scraped_behind(requests: int) -> dict[str, float]:
    """The same when so many requests were timed: an answer leaves before that."""
    async with asyncio.timeout(10):
        while True:
            found = await scraped()
            if found["cift_writer_request_seconds_count"] >= requests:
                return found
            await asyncio.sleep(0.01)


@pytest.fixture
async def bus(sqlite: Path, tmp_path: Path) -> AsyncIterator[LocalBus]:
    bus = LocalBus(socket=tmp_path / "bus.sock")
    await bus.start()
    yield bus
    await bus.close()


@pytest.fixture
async def service(bus: LocalBus, settings: Settings) -> AsyncIterator[MatchingService]:
    settings.MATCHING = {**settings.MATCHING, "QUEUE_COMMANDS_MAX": QUEUE_MAX}
    service = MatchingService(bus)
    await service.start()
    await service.ready(timeout_s=10)
    await bus.request(COMMANDS, frame_of(*opening()), timeout_s=10)
    yield service
    await service.stop()


async def test_what_was_done_is_what_a_scrape_says(bus: LocalBus, service: MatchingService) -> None:
    before = await scraped_behind(1)
    flow = Flow()
    for _ in range(REQUESTS):
        answers_of(await bus.request(COMMANDS, frame_of(flow.submit(), flow.submit()), timeout_s=10))
    found = await scraped_behind(1 + REQUESTS)

    done = {name: found[f"cift_writer_{name}_count"] - before[f"cift_writer_{name}_count"] for name in HISTOGRAMS}
    # Sent one behind the other, each request is a batch of its own.
    assert done == dict.fromkeys(HISTOGRAMS, REQUESTS)
    sums = {name: found[f"cift_writer_{name}_sum"] - before[f"cift_writer_{name}_sum"] for name in HISTOGRAMS}
    assert sums.pop("batch_commands") == 2 * REQUESTS
    assert all(seconds > 0 for seconds in sums.values())
    assert found["cift_writer_queue_commands"] == 0
    assert found["cift_writer_state ready"] == 1
    assert found["cift_writer_state failed"] == 0
    assert found["cift_writer_epoch"] == 1
    assert found["cift_writer_sequence"] == service.status().sequence > before["cift_writer_sequence"]
    assert found["cift_writer_recoveries_total"] == 1
    assert found["cift_writer_recovery_seconds"] > 0


async def reached(is_there: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_there():  # noqa: ASYNC110 - another thread's number is watched
            await asyncio.sleep(0.01)


async def test_what_waits_and_what_is_refused_is_counted(sqlite: Path, bus: LocalBus, service: MatchingService) -> None:
    flow, number = Flow(), service.status().number

    def ask() -> asyncio.Task[bytes]:
        return asyncio.create_task(bus.request(COMMANDS, frame_of(flow.submit()), timeout_s=20))

    with closing(sqlite3.connect(sqlite / "journal.sqlite3", isolation_level=None)) as other:
        # A lone batch is committed by the thread that matched it: behind one that waits for the disk all others wait.
        other.execute("BEGIN IMMEDIATE")
        waiting = [ask()]
        await reached(lambda: service.status().number == number + 1)
        waiting += [ask() for _ in range(5)]
        await reached(lambda: service.status().queued == 5)
        assert (await scraped())["cift_writer_queue_commands"] == 5
        other.rollback()
    await asyncio.gather(*waiting)
    assert (await scraped())["cift_writer_queue_commands"] == 0

    too_many = frame_of(*(flow.submit() for _ in range(QUEUE_MAX + 1)))
    assert set(answers_of(await bus.request(COMMANDS, too_many, timeout_s=10))) == {"overloaded"}
    assert (await scraped())["cift_writer_refused_commands_total overloaded"] == QUEUE_MAX + 1


async def test_a_socket_is_counted_while_it_is_open_and_by_reason_when_the_venue_ends_it(sqlite: Path) -> None:
    ended = "cift_sockets_ended_by_venue_total text only"
    before = await scraped()
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: list[dict[str, Any]] = []
    accepted = asyncio.Event()

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)
        accepted.set()
        if event["type"] == "websocket.close":
            events.put_nowait({"type": "websocket.disconnect", "code": event["code"]})

    events.put_nowait({"type": "websocket.connect"})
    scope = {"type": "websocket", "headers": [], "client": ("127.0.0.1", 1), "query_string": b""}
    socket = asyncio.create_task(socket_application(scope, events.get, send))
    async with asyncio.timeout(10):
        await accepted.wait()
        assert (await scraped())["cift_sockets_open"] == before["cift_sockets_open"] + 1
        events.put_nowait({"type": "websocket.receive", "bytes": b"?", "text": None})
        await socket
    await hub().close()

    found = await scraped()
    assert [event["type"] for event in sent] == ["websocket.accept", "websocket.close"]
    assert found["cift_sockets_open"] == before["cift_sockets_open"]
    assert found[ended] == before.get(ended, 0) + 1
