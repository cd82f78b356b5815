from unittest import mock

import pytest
from django.db import OperationalError
from django.test import AsyncClient

from apps.orders.monitoring.health import OrderServiceCheck
from cift.bus.base import VenueUnavailable
from cift.health import Check, DatabaseCheck, Finding, Status

pytestmark = pytest.mark.usefixtures("sqlite")


async def test_health_answers_while_the_process_lives() -> None:
    response = await AsyncClient().get("/health")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_names_every_store_and_is_down_without_an_order_service() -> None:
    response = await AsyncClient().get("/ready")
    checks = response.json()["checks"]

    assert response.status_code == 503
    assert set(checks) == {
        "database",
        "journal",
        "snapshots",
        "order_service",
        "trading",
        "projection",
        "verification",
    }
    assert checks["order_service"]["status"] == "down"
    assert checks["journal"]["status"] == "ok"
    assert all(set(check) == {"status", "latency_ms", "required"} for check in checks.values())


async def look_ok(_self: Check) -> Finding:
    return Finding(Status.OK)


async def test_ready_is_ok_when_everything_required_is() -> None:
    with mock.patch.object(OrderServiceCheck, "look", look_ok):
        response = await AsyncClient().get("/ready")

    assert (response.status_code, response.json()["status"]) == (200, "ok")


@pytest.mark.parametrize(
    "fault", [OperationalError("locked"), VenueUnavailable("gone"), OSError("disk"), TimeoutError()]
)
async def test_a_check_that_fails_is_down_and_hides_no_other(fault: Exception) -> None:
    with (
        mock.patch.object(OrderServiceCheck, "look", look_ok),
        mock.patch.object(DatabaseCheck, "look", side_effect=fault),
    ):
        response = await AsyncClient().get("/ready")
    checks = response.json()["checks"]

    assert response.status_code == 503
    assert checks["database"]["status"] == "down"
    assert checks["order_service"]["status"] == "ok"


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_only_safe_methods_are_answered(path: str) -> None:
    assert (await AsyncClient(enforce_csrf_checks=True).post(path)).status_code == 405
