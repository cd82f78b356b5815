"""How the venue is, told in five ways that never contradict each other: probe, scrape, screen, back office, socket."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from apps.orders.commands import SetKillSwitch
from apps.orders.feeds.venue import VenueFeed
from apps.orders.matching.followers import Follower
from apps.orders.matching.halt import halt_raise
from apps.orders.matching.places import Place
from apps.orders.matching.service import MatchingService, ServiceState
from apps.orders.models import JournalBatch, Projection, VenueState
from apps.orders.monitoring.health import tables_shared
from apps.orders.monitoring.overview import overview
from apps.orders.monitoring.report import (
    EVENTS_BEHIND_MAX,
    SECONDS_BEHIND_MAX,
    FollowerReport,
    WriterReport,
)
from apps.orders.monitoring.status import VenueStatus, venue_status
from cift.bus import buses
from cift.errors.application import ApplicationError
from cift.monitoring.health import Finding, Status
from tests.support.databases import table_missing
from tests.support.shard import frame_of, journal_fill
from tests.support.watching import watched


class Told(NamedTuple):
    """What each of the five says; `channel`: the kill switch as a new reader of the socket is told, None: nothing."""

    ready: int
    checks: dict[str, dict[str, Any]]
    metrics: dict[str, float]
    status: VenueStatus
    overview: dict[str, Any]
    channel: bool | None


async def told() -> Told:
    ready = await watched("/ready")
    scrape = (await watched("/metrics")).content.decode()
    metrics = {
        " ".join([sample.name, *(text for name, text in sample.labels.items() if name != "shard")]): float(sample.value)
        for family in text_string_to_metric_families(scrape)
        if re.match("cift_(writer|journal|follower|snapshot|ticks|trading|kill|open|remembered|tables)", family.name)
        for sample in family.samples
    }
    return Told(
        ready.status_code,
        ready.json()["checks"],
        metrics,
        await venue_status(),
        await sync_to_async(overview, thread_sensitive=False)(after=None),
        await channel(),
    )


async def channel() -> bool | None:
    feed = VenueFeed(changed=lambda _feed: None)
    try:
        await feed.open()
    except ApplicationError:
        return None
    else:
        return bool(msgspec.json.decode(feed.status.snapshot())["kill_switch"])
    finally:
        await feed.close()


async def followed() -> None:
    """Let both who follow the journal come to its end."""
    for step in (Follower(0, once=True).project, Follower(0, once=True).verify):
        await sync_to_async(step, thread_sensitive=False)()


@asynccontextmanager
async def order_service(*, runs: bool) -> AsyncIterator[None]:
    bus = buses["default"]
    await bus.start()
    service = MatchingService(bus, sockets=lambda: 7)
    try:
        if runs:
            await service.start()
            await service.ready(timeout_s=30)
        yield
    finally:
        if runs:
            await service.stop()
        await bus.close()


@pytest.fixture
async def venue(sqlite: Path) -> AsyncIterator[None]:
    await sync_to_async(journal_fill, thread_sensitive=False)(100)
    async with order_service(runs=True):
        await followed()
        yield


def agree(found: Told) -> None:
    """Hold the five against each other where they say the same thing, in whatever state the venue is."""
    status, shown, metrics, checks = found.status, found.overview, found.metrics, found.checks
    service = status.service
    assert status.ready is (found.ready == 200)
    assert shown["writer"] == (service.state if service else "no answer")
    assert (checks["order_service"]["status"] == "ok") is (service is not None and service.state == "ready")
    states = [name.split()[1] for name, value in metrics.items() if name.startswith("cift_writer_state") and value]
    assert states == ([service.state] if service else [])
    assert (shown["queue"], shown["sockets"]) == ((service.queue, service.sockets) if service else (None, None))
    assert shown["halt"] == status.halt
    assert bool(metrics["cift_trading_halted"]) is (status.halt is not None)
    assert status.halt is None or status.halt in checks["trading"]["detail"]
    assert shown["killed"] is status.kill_switch is bool(metrics["cift_kill_switch"])
    assert found.channel in {status.kill_switch, None}
    assert metrics["cift_journal_sequence"] == status.journal_sequence
    assert metrics["cift_ticks_lag_events"] == status.journal_sequence - (status.ticks_sequence or 0)
    assert metrics["cift_snapshot_lag_events"] == status.journal_sequence - status.snapshot_sequence
    assert metrics.get("cift_open_orders") == status.open_orders
    for name, check in (("projector", "projection"), ("verifier", "verification")):
        follower = status.followers[name]
        assert metrics[f"cift_follower_lag_events {name}"] == follower.lag_events
        assert metrics[f"cift_follower_lag_batches {name}"] == follower.lag_batches
        late = metrics[f"cift_follower_lag_seconds {name}"] > SECONDS_BEHIND_MAX
        assert (checks[check]["status"] == "ok") is (follower.lag_events <= EVENTS_BEHIND_MAX and not late)
    assert shown["lag_batches"] == status.followers["projector"].lag_batches
    assert shown["projected_sequence"] == status.followers["projector"].sequence


async def test_a_venue_that_works(venue: None) -> None:
    found = await told()

    agree(found)
    assert found.ready == 200
    assert found.overview["sequence"] == found.status.journal_sequence == found.metrics["cift_writer_sequence"]
    assert found.overview["open_orders"] == found.status.open_orders
    assert (found.status.kill_switch, found.channel) == (False, False)
    assert found.metrics["cift_remembered_ids"] > 0


async def test_halted(venue: None) -> None:
    await sync_to_async(halt_raise, thread_sensitive=False)(shard=0, number=1, detail="a test's doubt")
    found = await told()

    agree(found)
    assert found.ready == 503
    assert found.checks["trading"] | {"latency_ms": 0} == {
        "status": "down",
        "required": True,
        "latency_ms": 0,
        "detail": "trading is halted: a test's doubt",
    }


async def test_a_follower_that_is_behind_is_degraded_and_orders_go_on(venue: None) -> None:
    await sync_to_async(_unproject, thread_sensitive=False)()
    found = await told()

    agree(found)
    # The journal of tests is of long ago.
    assert found.checks["projection"]["status"] == "degraded"
    assert found.checks["verification"]["status"] == "ok"
    assert found.overview["lag_batches"] == 2
    assert found.overview["lag_ms"] > SECONDS_BEHIND_MAX * 1_000
    assert found.ready == 200


async def test_a_follower_too_far_behind_for_new_orders(venue: None, settings: Settings) -> None:
    settings.MATCHING = {**settings.MATCHING, "LAG_EVENTS_MAX": 1}
    await sync_to_async(_unproject, thread_sensitive=False)()
    found = await told()

    agree(found)
    assert found.ready == 503
    lag = found.status.followers["projector"].lag_events
    assert found.checks["trading"]["detail"] == f"new orders are refused: the projector is {lag} events behind"


def _unproject() -> None:
    """Say that the tables lack the last batch of the writer's and the one before it."""
    number, sequence = JournalBatch.objects.order_by("-number").values_list("number", "first_sequence")[1]
    Projection.objects.update(last_number=number - 1, last_sequence=sequence - 1)


async def test_the_kill_switch_is_on(venue: None) -> None:
    await buses["default"].request("orders.commands.0", frame_of(SetKillSwitch(on=True)), timeout_s=10)
    before = await told()
    await followed()
    after = await told()

    # Who can ask the engine knows it before the tables do.
    assert (before.status.kill_switch, before.overview["killed"], before.channel) == (True, True, True)
    agree(after)
    assert after.channel is True
    # Cancels and questions are taken: the venue does its work.
    assert after.ready == 200


async def test_without_an_order_service(sqlite: Path) -> None:
    await sync_to_async(journal_fill, thread_sensitive=False)(100)
    await followed()
    async with order_service(runs=False):
        found = await told()

    agree(found)
    assert found.ready == 503
    assert (found.status.source, found.status.service, found.channel) == ("tables", None, None)
    assert found.checks["order_service"] | {"latency_ms": 0} == {"status": "down", "required": True, "latency_ms": 0}
    assert {name for name, check in found.checks.items() if check["status"] != "ok"} == {"order_service"}


async def test_the_kill_switch_of_a_venue_that_rests_is_as_the_tables_have_it(sqlite: Path) -> None:
    await sync_to_async(journal_fill, thread_sensitive=False)(100)
    await followed()
    await sync_to_async(VenueState.objects.update_or_create, thread_sensitive=False)(shard=0, defaults={"killed": True})
    async with order_service(runs=False):
        found = await told()

    agree(found)
    assert (found.status.kill_switch, found.channel) == (True, None)


async def test_without_a_database_none_says_that_all_is_well(venue: None) -> None:
    with ExitStack() as stack:
        await sync_to_async(stack.enter_context, thread_sensitive=False)(table_missing(Projection))
        response = await watched("/ready")
        checks = response.json()["checks"]
        scrape = (await watched("/metrics")).content.decode()
        with pytest.raises(OperationalError):
            await venue_status()
        with pytest.raises(OperationalError):
            await sync_to_async(overview, thread_sensitive=False)(after=None)
        await sync_to_async(stack.close, thread_sensitive=False)()

    assert response.status_code == 503
    down = {name for name, check in checks.items() if check["status"] == "down"}
    assert down == {"trading", "projection", "verification"}
    assert "cift_tables_readable 0.0" in scrape
    assert 'cift_writer_state{shard="0",state="ready"} 1.0' in scrape
    assert "cift_journal_sequence{" not in scrape


async def test_who_asks_while_the_tables_are_read_has_the_same_answer(venue: None) -> None:
    first, second = await asyncio.gather(tables_shared(), tables_shared())
    third = await tables_shared()

    assert first is second
    assert third is not first


@pytest.mark.parametrize(
    ("lag_events", "lag_s", "status"),
    [
        (EVENTS_BEHIND_MAX, SECONDS_BEHIND_MAX, Status.OK),
        (EVENTS_BEHIND_MAX + 1, 0.0, Status.DEGRADED),
        (1, SECONDS_BEHIND_MAX + 0.1, Status.DEGRADED),
    ],
)
def test_a_follower_is_degraded_past_either_bound(lag_events: int, lag_s: float, status: Status) -> None:
    assert FollowerReport(Place(1, 1), 1, lag_events, lag_s).judge().status is status


def test_who_does_not_answer_is_down() -> None:
    ready = ServiceState(
        pid=1, state="ready", detail="", epoch=1, sequence=1, queue=0, sockets=0, recoveries=0, recovery_s=None
    )
    waiting = msgspec.structs.replace(ready, state="recovering", detail="the disk is full")

    assert WriterReport(None, None, []).judge() == Finding(Status.DOWN)
    assert WriterReport(ready, None, []).judge() == Finding(Status.DOWN)
    assert WriterReport(waiting, None, []).judge() == Finding(Status.DOWN, "recovering: the disk is full")
