"""The order service's own checks, for /ready: what the report finds, a name each."""

from apps.orders.monitoring.report import TablesReport, tables_read, writer_ask
from cift.monitoring.health import Check, Finding
from cift.processes.shared_calls import SharedCall
from cift.processes.threads import database_call_to_check


class OrderServiceCheck(Check):
    """Whether the order service takes orders and answers a question; if not, what it waits for."""

    async def look(self) -> Finding:
        """Ask how it is, which it answers in any state, and its engine for its counts."""
        return (await writer_ask()).judge()


class FollowerCheck(Check):
    """Whether the projector, or the verifier, keeps up."""

    def __init__(self, *, follower: str, required: bool) -> None:
        """Name it."""
        super().__init__(required=required)
        self._follower = follower

    async def look(self) -> Finding:
        """Compare its place with the journal's head."""
        return (await tables_shared()).followers[self._follower].judge()


class TradingCheck(Check):
    """Whether new orders are taken: trading is not halted, and nobody who follows the journal is too far behind."""

    async def look(self) -> Finding:
        """Read the halt, and how far behind the followers are."""
        return (await tables_shared()).judge()


async def _tables() -> TablesReport:
    return await database_call_to_check(tables_read, snapshots=False)


tables_shared = SharedCall(_tables)
"""Reads the tables once for all who ask while that goes on.

Checks look side by side; and of the few threads that call databases, a slow one holds up a single one, however often
/ready is asked.
"""
