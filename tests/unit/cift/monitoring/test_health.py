import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import AsyncClient
from pytest_django import Settings

from cift.bus.base import VenueUnavailable
from cift.monitoring.health import CHECK_S_MAX, Check, Finding, Status, checks
from cift.processes.threads import database_call, database_call_to_check
from tests.support.watching import watched

pytestmark = pytest.mark.usefixtures("sqlite")


async def test_health_answers_while_the_process_lives() -> None:
    response = await AsyncClient().get("/health")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_names_every_store_and_is_down_without_an_order_service() -> None:
    response = await watched("/ready")
    checks = response.json()["checks"]

    assert response.status_code == 503
    assert set(checks) == {
        "database",
        "journal",
        "snapshots",
        "descriptors",
        "disk",
        "order_service",
        "trading",
        "projection",
        "verification",
    }
    assert checks["order_service"]["status"] == "down"
    assert checks["journal"]["status"] == "ok"
    # How full the disk is that the tests run on is not theirs to say.
    assert all(set(checks[name]) == {"status", "latency_ms", "required"} for name in set(checks) - {"disk"})


class Well(Check):
    """Finds all well."""

    async def look(self) -> Finding:
        return Finding(Status.OK)


class Failing(Check):
    """Fails with what it is given."""

    def __init__(self, *, fault: Exception, required: bool) -> None:
        super().__init__(required=required)
        self._fault = fault

    async def look(self) -> Finding:
        raise self._fault


WELL = {"BACKEND": f"{__name__}.Well", "OPTIONS": {"required": True}}


async def test_ready_is_ok_when_everything_required_is(settings: Settings) -> None:
    settings.READINESS_CHECKS = {**settings.READINESS_CHECKS, "order_service": WELL}
    response = await watched("/ready")

    assert (response.status_code, response.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    "fault", [OperationalError("locked"), VenueUnavailable("gone"), OSError("disk"), TimeoutError()]
)
async def test_a_check_that_fails_is_down_and_hides_no_other(settings: Settings, fault: Exception) -> None:
    failing = {"BACKEND": f"{__name__}.Failing", "OPTIONS": {"fault": fault, "required": True}}
    settings.READINESS_CHECKS = {**settings.READINESS_CHECKS, "order_service": WELL, "database": failing}
    response = await watched("/ready")
    checks = response.json()["checks"]

    assert response.status_code == 503
    assert checks["database"]["status"] == "down"
    assert checks["order_service"]["status"] == "ok"


class Odd(Exception):
    """What a client of some store raises."""


async def test_a_check_that_fails_in_a_way_nobody_foresaw_is_down_and_hides_no_other(settings: Settings) -> None:
    failing = {"BACKEND": f"{__name__}.Failing", "OPTIONS": {"fault": Odd("odd"), "required": False}}
    settings.READINESS_CHECKS = {"order_service": WELL, "odd": failing}
    response = await watched("/ready")
    odd = response.json()["checks"]["odd"]

    assert response.status_code == 200
    assert (odd["status"], odd["detail"]) == ("down", "the check failed")


class Hanging(Check):
    """Hangs in a thread until it is let go, as a database does that does not answer."""

    def __init__(self, *, required: bool) -> None:
        super().__init__(required=required)
        self.begun = 0
        self.go_on = threading.Event()

    async def look(self) -> Finding:
        await database_call_to_check(self._hang)
        return Finding(Status.OK)

    def _hang(self) -> None:
        self.begun += 1
        self.go_on.wait()


@pytest.fixture
def hanging(settings: Settings) -> Iterator[Hanging]:
    hung = {"BACKEND": f"{__name__}.Hanging", "OPTIONS": {"required": True}}
    settings.READINESS_CHECKS = {"hung": hung, "order_service": WELL}
    found = checks["hung"]
    assert isinstance(found, Hanging)
    yield found
    found.go_on.set()


async def _told() -> dict[str, Any]:
    told: dict[str, Any] = (await watched("/ready")).json()["checks"]
    return told


async def test_a_check_that_hangs_is_down_after_a_second_and_is_not_begun_again(hanging: Hanging) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    first = await _told()
    took_s = loop.time() - began
    # Long after what was found is no longer told again.
    await asyncio.sleep(CHECK_S_MAX + 0.1)
    second = await _told()

    assert CHECK_S_MAX <= took_s < 2 * CHECK_S_MAX
    for told in (first, second):
        assert (told["hung"]["status"], told["hung"]["detail"]) == ("down", "no answer in 1 s")
        assert told["order_service"]["status"] == "ok"
    assert first["hung"]["latency_ms"] != second["hung"]["latency_ms"]
    assert hanging.begun == 1
    assert await database_call(lambda: "answered") == "answered"


async def test_a_check_that_hung_is_well_when_it_has_answered(hanging: Hanging) -> None:
    assert (await _told())["hung"]["status"] == "down"
    hanging.go_on.set()
    await asyncio.sleep(CHECK_S_MAX + 0.1)

    assert (await _told())["hung"]["status"] == "ok"


class Counting(Check):
    """Counts how often it looks."""

    looks = 0

    async def look(self) -> Finding:
        Counting.looks += 1
        await asyncio.sleep(0)
        return Finding(Status.OK)


async def test_what_was_found_is_told_again_for_a_second_to_all_who_ask(settings: Settings) -> None:
    settings.READINESS_CHECKS = {"counting": {"BACKEND": f"{__name__}.Counting", "OPTIONS": {"required": True}}}
    before = Counting.looks
    first = await asyncio.gather(*(watched("/ready") for _ in range(5)))
    later = await watched("/ready")
    once = Counting.looks - before
    await asyncio.sleep(1.05)
    await watched("/ready")

    assert len({response.content for response in (*first, later)}) == 1
    assert (once, Counting.looks - before) == (1, 2)


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_only_safe_methods_are_answered(path: str) -> None:
    assert (await AsyncClient(enforce_csrf_checks=True).post(path)).status_code == 405
