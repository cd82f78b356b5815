"""Whether the store of trades and candles can be read."""

from apps.marketdata.ticks import tick_stores
from cift.monitoring.health import Check, Finding, Status
from cift.processes.threads import database_call_to_check


class TickStoreCheck(Check):
    """Asks the store how far it is."""

    async def look(self) -> Finding:
        """Ask; one that cannot be read is down."""
        sequence = await database_call_to_check(tick_stores["default"].sequence)
        return Finding(Status.OK, f"has all trades up to sequence {sequence}")
