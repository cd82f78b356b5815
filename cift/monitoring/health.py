"""/health: the process lives. /ready: each store and service by name, and whether the venue can do its work."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from cift import __version__
from cift.backends import BackendHandler
from cift.bus.base import BusError
from cift.errors.application import ApplicationError
from cift.monitoring.access import may_see_inside
from cift.processes.shared_calls import SharedCall
from cift.processes.threads import database_call_to_check

CHECK_S_MAX = 1.0
"""A check that takes longer counts as down."""

KEPT_S = 1.0
"""For how long what all checks found is told again, however often it is asked for."""

RETRY_S = 1
"""How soon it is worth asking again whether a venue that was not ready is."""

logger = logging.getLogger(__name__)


class Status(StrEnum):
    """How something is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


class Finding(NamedTuple):
    """What a check found; `detail` says what is wrong in a line, and tells a stranger no secret."""

    status: Status
    detail: str = ""


class Check(ABC):
    """Looks at one store or service."""

    def __init__(self, *, required: bool) -> None:
        """Say whether the venue can do without it."""
        self.required = required
        self.look_shared = SharedCall(self.look)
        """Looks, or waits for the look that is under way: however long one hangs, it has no second beside it."""

    @abstractmethod
    async def look(self) -> Finding:
        """Return how it is; an ApplicationError, a BusError, a DatabaseError or an OSError means it is down.

        Who waits for it no longer than `CHECK_S_MAX` leaves it running, and nobody looks again before it has ended: it
        ends by itself.
        """


class DatabaseCheck(Check):
    """Whether a database answers."""

    def __init__(self, *, alias: str, required: bool) -> None:
        """Name the database."""
        super().__init__(required=required)
        self._alias = alias

    async def look(self) -> Finding:
        """Ask it for a constant."""
        await database_call_to_check(self._select)
        return Finding(Status.OK)

    def _select(self) -> None:
        with connections[self._alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()


checks: BackendHandler[Check] = BackendHandler("READINESS_CHECKS", Check)  # type: ignore[type-abstract]


async def _readiness() -> dict[str, dict[str, Any]]:
    names = list(settings.READINESS_CHECKS)
    results = await asyncio.gather(*(_run(checks[name]) for name in names))
    return dict(zip(names, results, strict=True))


readiness = SharedCall(_readiness, keep_s=KEPT_S)
"""Runs all checks side by side; gives for each its status, how long it took, and whether it is required.

What is not ok may have a `detail`: a line that says why. Who asks meanwhile, or within `KEPT_S`, gets the same.
"""


async def _run(check: Check) -> dict[str, Any]:
    began = time.perf_counter_ns()
    bound = asyncio.timeout(CHECK_S_MAX)
    try:
        async with bound:
            found = await check.look_shared()
    except (ApplicationError, BusError, DatabaseError, OSError):
        found = Finding(Status.DOWN, f"no answer in {CHECK_S_MAX:g} s" if bound.expired() else "")
    except Exception:
        # Whatever its client makes of a fault: the others are told all the same.
        logger.exception("a check of /ready failed")
        found = Finding(Status.DOWN, "the check failed")
    latency_ms = round((time.perf_counter_ns() - began) / 1_000_000, 3)
    told = {"status": found.status, "latency_ms": latency_ms, "required": check.required}
    return {**told, "detail": found.detail} if found.detail else told


@csrf_exempt  # nothing is done here, so another method is refused as that
@never_cache
@require_safe
async def health(_request: HttpRequest) -> JsonResponse:
    """Answer that the process lives."""
    return JsonResponse({"status": Status.OK})


@csrf_exempt  # nothing is done here, so another method is refused as that
@never_cache
@require_safe
async def ready(request: HttpRequest) -> JsonResponse:
    """Say whether the venue is ready; 503 when a store or service that is required is not ok.

    Who may see its inside is told the version, and the state of each.
    """
    found = await readiness()
    good = all(entry["status"] == Status.OK for entry in found.values() if entry["required"])
    status = Status.OK if good else Status.DOWN
    inside = {"version": __version__, "checks": found} if await may_see_inside(request) else {}
    if good:
        return JsonResponse({"status": status, **inside})
    again = {"Retry-After": str(RETRY_S)}
    return JsonResponse({"status": status, **inside}, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=again)
