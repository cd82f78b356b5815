"""The orders that go with their socket (`cancel_on_disconnect`)."""

import asyncio
import logging

from apps.orders.commands import CancelOrders
from apps.orders.entry.fields import deadline_of
from apps.orders.events import OrdersCanceled
from apps.orders.services import orders_cancel_all
from cift.errors.application import ApplicationError
from cift.times import clock_ns

TRY_S_MAX = 30.0
_PAUSE_S_MIN = 0.05
_PAUSE_S_MAX = 2.0

_AGAIN = frozenset({"venue_unavailable", "overloaded", "outcome_unknown", "mass_cancels_limit"})

logger = logging.getLogger(__name__)


async def cancel_all_with_retry(account: int) -> None:
    """Cancel all open orders of an account; while no order service answers it is tried again, for `TRY_S_MAX`.

    A cancel of all has the same effect however often it is carried out, so one whose outcome is not known is repeated.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + TRY_S_MAX
    pause_s = _PAUSE_S_MIN
    while True:
        try:
            at = clock_ns()
            done = await orders_cancel_all(CancelOrders(account=account, deadline=deadline_of(None, at=at)))
        except ApplicationError as error:
            if error.code not in _AGAIN or loop.time() + pause_s > give_up_at:
                logger.error("the orders of account %s stay: its socket ended, and %s", account, error.code)  # noqa: TRY400 - the code says it all
                return
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _PAUSE_S_MAX)
            continue
        _tell(account, done.event)
        return


def _tell(account: int, event: OrdersCanceled) -> None:
    others = ", and the others follow" if event.more else ""
    logger.info("the socket of account %s ended: %s orders canceled%s", account, event.count, others)
