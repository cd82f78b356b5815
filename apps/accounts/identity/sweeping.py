"""What has run out leaves the tables: logins, tickets, browser sessions, marks of limits, unconfirmed registrations.

The process of the projector does it, of which there is one in every topology: every minute, in batches of a bounded
size, each a transaction of its own, so that nobody who logs in meanwhile waits for long.
"""

import asyncio
import logging
from typing import Any

from django.contrib.sessions.models import Session
from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import RateMark, SocketTicket, TokenFamily
from apps.accounts.money.opening import registrations_stale
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.times import clock_ns

SWEEP_S = 60.0
"""How often it is looked."""

BATCH_ROWS = 500
"""At most so many rows of a kind leave in one transaction."""

ENDED_KEPT_S = 24 * 60 * 60
"""How long a login that was ended stays to be looked at: from where it came, and why it ended."""

_PAUSE_S = 0.05
_NS = 1_000_000_000

logger = logging.getLogger(__name__)


def identities_sweep(*, at: int) -> dict[str, int]:
    """Remove a batch of each kind; give how many rows of each model, without what went with them."""
    now = timezone.now()
    gone: tuple[QuerySet[Any], ...] = (
        TokenFamily.objects.filter(expires_at__lt=at),
        TokenFamily.objects.filter(ended_at__lt=at - ENDED_KEPT_S * _NS),
        SocketTicket.objects.filter(expires_at__lt=at),
        RateMark.objects.filter(ahead_until__lt=at),
        Session.objects.filter(expire_date__lt=now),
        registrations_stale(),
    )
    counts: dict[str, int] = {}
    for rows in gone:
        label = rows.model._meta.label
        counts[label] = counts.get(label, 0) + rows_remove(rows)
    return counts


def rows_remove(rows: QuerySet[Any]) -> int:
    """Remove a batch of some rows, those that still are among them; give how many."""
    batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_ROWS])
    return rows.filter(pk__in=batch).delete()[1].get(rows.model._meta.label, 0) if batch else 0


def registrations_sweep() -> int:
    """Remove all registrations that were not confirmed in time, batch after batch; give how many."""
    removed = last = rows_remove(registrations_stale())
    while last >= BATCH_ROWS:
        last = rows_remove(registrations_stale())
        removed += last
    return removed


async def identities_sweep_always() -> None:
    """Sweep every minute until canceled, batch after batch while there is a whole one; what fails is tried again."""
    while True:
        await asyncio.sleep(SWEEP_S)
        is_full = True
        try:
            while is_full:
                counts = await database_call(identities_sweep, at=clock_ns())
                is_full = max(counts.values()) >= BATCH_ROWS
                await asyncio.sleep(_PAUSE_S)
        except (ApplicationError, DatabaseError, InterfaceError) as error:
            logger.warning("logins that are over are removed later: %s", error)
