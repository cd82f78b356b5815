"""Whether the process has file descriptors left; without any it can accept no connection and open no database."""

from cift.monitoring.health import Check, Finding, Status
from cift.processes.descriptors import descriptors_most, descriptors_used

SHARE_MAX = 0.8
"""Above this share of the limit in use, the check is degraded."""


class DescriptorsCheck(Check):
    """Counts the descriptors in use."""

    async def look(self) -> Finding:
        """Compare them with the limit."""
        used, most = descriptors_used(), descriptors_most()
        if used <= SHARE_MAX * most:
            return Finding(Status.OK)
        return Finding(Status.DEGRADED, f"{used} of {most} file descriptors are in use")
