"""Whether a Celery worker answers."""

import asyncio

from cift.celery import app
from cift.monitoring.health import Check, Finding, Status

ANSWER_S_MAX = 0.8
"""How long the first of them may take."""


class WorkersCheck(Check):
    """Asks all workers whether they live, and is content with the first answer."""

    async def look(self) -> Finding:
        """Ask over the broker; that it cannot be reached means that nobody answers."""
        try:
            answers = await asyncio.to_thread(_ping)
        except Exception:  # noqa: BLE001 - whatever the broker's client makes of it
            return Finding(Status.DOWN, "the broker does not answer")
        return Finding(Status.OK) if answers else Finding(Status.DOWN, "no worker answers")


def _ping() -> int:
    with app.connection_for_write(connect_timeout=ANSWER_S_MAX) as connection:
        return len(app.control.broadcast("ping", reply=True, timeout=ANSWER_S_MAX, limit=1, connection=connection))
