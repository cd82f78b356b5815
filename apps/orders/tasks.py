"""The workers' tasks of this app: trades into their store."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache

from celery import shared_task
from celery.app.task import Task
from django.conf import settings

from apps.marketdata.ticks.questdb_link import QuestDBRefusedError, QuestDBUnavailableError
from apps.marketdata.ticks.questdb_writing import TickWriter
from apps.orders.matching.errors import MatchingError
from apps.orders.publishing.trades import TradesReader
from apps.orders.selectors import shard
from apps.orders.shipping import TickShipper
from cift.bus.base import BusError
from cift.bus.streams import streams
from cift.errors.application import ApplicationError
from cift.processes.leases import SharedLease

SHIP_S = 1.0
"""How long a task ships what there is, and looks for more, before the next goes on."""

LEASE_S = 8.0
"""Longer than a task can take."""

RETRIES_MAX = 5
BACKOFF_S_MAX = 8
"""The schedule begins anew what was given up."""

_POLL_S = 0.05
_GROUP = "ticks"
"""Who reads the trades' stream."""

_FAULTS = (QuestDBUnavailableError, QuestDBRefusedError, MatchingError, BusError, ApplicationError)


@shared_task(  # type: ignore[untyped-decorator] # Celery has no types
    bind=True,
    name="ticks.ship",
    autoretry_for=_FAULTS,
    max_retries=RETRIES_MAX,
    retry_backoff=True,
    retry_backoff_max=BACKOFF_S_MAX,
    retry_jitter=True,
)
def ship(task: "Task[..., int]", *, after: str = "") -> int:
    """Ship trades for a while, and leave the rest to the next, which it sends; return how many batches or messages.

    Of several one ships: the lease goes from each task to the one it sends, named in its `after`. Where that is lost,
    the schedule's next begins once the lease has run out.

    Raises:
        QuestDBUnavailableError, QuestDBRefusedError, MatchingError, BusError: tried again, with a growing pause.
        ApplicationError: as these; an instrument is not in the tables yet.

    """
    lease = SharedLease(settings.CELERY["broker_url"], "ticks.ship", lease_s=LEASE_S)
    if not lease.take(after=after):
        return 0
    count = 0
    give_up_at = time.monotonic() + SHIP_S
    try:
        with _reader() as reader:
            shipper = TickShipper(shard(), _writer(), reader=reader)
            while time.monotonic() < give_up_at:
                shipped = shipper.step()
                count += shipped
                if not shipped:
                    time.sleep(_POLL_S)
        lease.take()
    except BaseException:
        # What a fault may be due to, a missing table or a view the server gave up, is mended by the next.
        _writer.cache_clear()
        lease.release()
        raise
    task.apply_async(kwargs={"after": lease.holder}, expires=LEASE_S)
    return count


@cache
def _writer() -> TickWriter:
    """Make this process's writer, and the store's tables."""
    writer = TickWriter(**(settings.TICK_SHIPPING or {}))
    writer.tables_ensure()
    return writer


@contextmanager
def _reader() -> Iterator[TradesReader | None]:
    """Make a task's reader of the trades' stream, where the settings name one; what it leaves is given back."""
    if not settings.STREAMS:
        yield None
        return
    with closing(TradesReader(streams["default"], shard=shard(), group=_GROUP)) as reader:
        yield reader
