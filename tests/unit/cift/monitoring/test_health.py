import pytest
from django.db import OperationalError
from django.test import AsyncClient
from pytest_django import Settings

from cift.bus.base import VenueUnavailable
from cift.monitoring.health import Check, Finding, Status
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
        "order_service",
        "trading",
        "projection",
        "verification",
    }
    assert checks["order_service"]["status"] == "down"
    assert checks["journal"]["status"] == "ok"
    assert all(set(check) == {"status", "latency_ms", "required"} for check in checks.values())


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


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_only_safe_methods_are_answered(path: str) -> None:
    assert (await AsyncClient(enforce_csrf_checks=True).post(path)).status_code == 405
