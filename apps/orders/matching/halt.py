"""The halt: raised by a check that finds the records wrong, read by the writer, lifted by a clean audit."""

import logging
import time

from apps.orders.models import TradingHalt

logger = logging.getLogger(__name__)


def halt_raise(*, shard: int, number: int, detail: str) -> None:
    """Halt a shard; the writer sees it within a second and accepts nothing more."""
    logger.critical("trading on shard %s is halted: %s", shard, detail)
    values = {"number": number, "detail": detail, "raised_at": time.time_ns()}
    TradingHalt.objects.update_or_create(shard=shard, defaults=values)


def halt_lift(*, shard: int) -> bool:
    """Lift a shard's halt; tell whether there was one."""
    return TradingHalt.objects.filter(shard=shard).delete()[0] > 0


def halt_of(*, shard: int) -> str | None:
    """Return why a shard is halted, if it is."""
    return TradingHalt.objects.filter(shard=shard).values_list("detail", flat=True).first()
