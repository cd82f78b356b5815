"""The processes a running venue consists of, where the system tells (Linux)."""

import os
from itertools import pairwise
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ProcessFound(msgspec.Struct):
    """One process: what it runs, its proportional share of memory in bytes, the processor time it has used."""

    pid: int
    name: str
    memory: int | None
    processor_s: float


def processes_of(service: int) -> list[ProcessFound]:
    """Find the process of the order service and, where one supervisor started it, that and its other children."""
    parent = _parent(service)
    if parent is None:
        return []
    if not _is_ours(parent):
        return [found for found in (_process(service),) if found is not None]
    family = [parent, *sorted(pid for pid in _pids() if _parent(pid) == parent)]
    return [found for found in map(_process, family) if found is not None]


def _is_ours(pid: int) -> bool:
    words = _words(pid)
    return any(word.endswith("manage.py") for word in words) and "venue" in words


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()] if _PROC.is_dir() else []


def _words(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _stat(pid: int) -> list[str]:
    """Read a process's fields behind its name; none: it is gone, or the system does not tell."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _process(pid: int) -> ProcessFound | None:
    fields = _stat(pid)
    if not fields:
        return None
    used = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return ProcessFound(pid, _name(_words(pid)), _memory(pid), round(used, 2))


def _name(words: list[str]) -> str:
    """Name what a process runs: a command of manage.py, a module, or its program."""
    for before, word in pairwise(words):
        if before == "-m" or before.endswith("manage.py"):
            return word
    return Path(words[0]).name if words else "?"


def _memory(pid: int) -> int | None:
    """Read a process's proportional set size; None: it is not ours to know."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)
