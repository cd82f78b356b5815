"""How much room the filesystem of the data folder has: without any nothing is made durable, and no order is taken."""

import asyncio
import os
from collections.abc import Callable
from math import nan
from typing import NamedTuple

from django.conf import settings
from prometheus_client import Gauge

from cift.monitoring.health import Check, Finding, Status

_MIB = 2**20


class DiskRoom(NamedTuple):
    """What this user may still write, and the whole; bytes."""

    free: int
    size: int


def disk_room() -> DiskRoom:
    """Ask the filesystem of the data folder.

    Raises:
        OSError: the folder cannot be reached.

    """
    found = os.statvfs(settings.DATA_DIR)
    return DiskRoom(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


class DiskCheck(Check):
    """Warns while there is still time to make room."""

    def __init__(self, *, free_share_min: float, free_bytes_min: int, required: bool) -> None:
        """Take the share of the whole below which it is degraded, and the bytes below which it is down."""
        super().__init__(required=required)
        self._free_share_min = free_share_min
        self._free_bytes_min = free_bytes_min

    async def look(self) -> Finding:
        """Compare what is free with both; a folder that cannot be reached is down."""
        free, size = await asyncio.to_thread(disk_room)
        if free < self._free_bytes_min:
            wanted = f"{self._free_bytes_min // _MIB:,} MiB"
            return Finding(Status.DOWN, f"{free // _MIB:,} MiB are free, less than the {wanted} writing needs")
        if free < self._free_share_min * size:
            return Finding(Status.DEGRADED, f"{free // _MIB:,} of {size // _MIB:,} MiB are free")
        return Finding(Status.OK)


def _measured(part: Callable[[DiskRoom], int]) -> Callable[[], float]:
    def measure() -> float:
        try:
            return part(disk_room())
        except OSError:
            # All other numbers are shown all the same.
            return nan

    return measure


_FREE = Gauge("cift_disk_free_bytes", "Bytes the venue may still write to the filesystem of its data folder")
_FREE.set_function(_measured(lambda room: room.free))
_SIZE = Gauge("cift_disk_size_bytes", "Bytes the filesystem of the data folder has")
_SIZE.set_function(_measured(lambda room: room.size))
