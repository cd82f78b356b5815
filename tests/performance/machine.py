"""What the numbers were measured on."""

import os
import platform
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Describe this machine and the tools that built what is measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "rust": _said_by("rustc", "--version"),
        "sqlite": sqlite3.sqlite_version,
        "commit": _said_by("git", "rev-parse", "--short", "HEAD"),
        "load": os.getloadavg()[0],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _said_by(tool: str, *arguments: str) -> str | None:
    found = shutil.which(tool)
    if found is None:
        return None
    said = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    return said.stdout.strip() or None
