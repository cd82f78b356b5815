"""Whether NATS has its streams."""

from cift.bus.streams import streams
from cift.monitoring.health import Check, Finding, Status
from cift.wire.streams import STREAMS


class StreamsCheck(Check):
    """Asks NATS for the streams, and holds them against what is declared."""

    async def look(self) -> Finding:
        """Ask for each; that NATS cannot be used is said by the error."""
        found = await streams["default"].differences(STREAMS)
        return Finding(Status.DEGRADED, "; ".join(map(str, found))) if found else Finding(Status.OK)
