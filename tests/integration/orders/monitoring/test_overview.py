"""The overview's numbers, asked of the order service in whatever process it is."""

from pathlib import Path

import msgspec
import pytest
from asgiref.sync import sync_to_async

from apps.orders.matching.service import MatchingService, ServiceState
from apps.orders.monitoring.overview import overview
from cift.bus import buses
from cift.bus.base import VenueUnavailable
from tests.support.shard import journal_fill

ELSEWHERE = ServiceState(
    pid=1, state="recovering", detail="", epoch=3, sequence=40, queue=12, sockets=9, recoveries=1, recovery_s=0.5
)


async def numbers() -> tuple[object, ...]:
    found = await sync_to_async(overview, thread_sensitive=False)(after=None)
    return found["writer"], found["queue"], found["sockets"], found.get("batch")


async def test_a_web_process_without_the_writer_shows_the_writer_s_queue_and_sockets(sqlite: Path) -> None:
    async def state(_question: bytes) -> bytes:
        return msgspec.msgpack.encode(ELSEWHERE)

    async def none(_question: bytes) -> bytes:
        raise VenueUnavailable("the writer recovers")

    bus = buses["default"]
    await bus.start()
    responders = [await bus.respond("orders.status.0", state), await bus.respond("orders.query.0", none)]
    try:
        assert await numbers() == ("recovering", 12, 9, None)
    finally:
        for responder in responders:
            await responder.close()
        await bus.close()


async def test_beside_the_writer_they_are_the_same(sqlite: Path) -> None:
    batch = (await sync_to_async(journal_fill, thread_sensitive=False)(100)).number
    bus = buses["default"]
    await bus.start()
    service = MatchingService(bus, sockets=lambda: 7)
    await service.start()
    try:
        await service.ready(timeout_s=30)
        # The writer opens its epoch with a batch of its own.
        assert await numbers() == ("ready", 0, 7, batch + 1)
    finally:
        await service.stop()
        await bus.close()


@pytest.mark.parametrize("bus_runs", [True, False])
async def test_without_an_order_service_there_are_none(sqlite: Path, *, bus_runs: bool) -> None:
    bus = buses["default"]
    if bus_runs:
        await bus.start()
    try:
        assert await numbers() == ("no answer", None, None, None)
    finally:
        await bus.close()
