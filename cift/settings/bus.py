"""The buses, in the shape of Django's CACHES."""

from pathlib import Path
from typing import Any


def local_buses(folder: Path) -> dict[str, dict[str, Any]]:
    """One bus inside the web process, with a Unix socket in the data folder for all others."""
    return {
        "default": {
            "BACKEND": "cift.bus.local.LocalBus",
            "OPTIONS": {"socket": folder / "bus.sock"},
        },
    }
