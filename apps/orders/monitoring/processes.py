"""The processes a running venue consists of."""

from itertools import pairwise
from pathlib import Path

import msgspec
import psutil


class ProcessFound(msgspec.Struct):
    """One process: what it runs, its proportional share of memory in bytes, the processor time it has used."""

    pid: int
    name: str
    memory: int | None
    processor_s: float


def processes_of(service: int) -> list[ProcessFound]:
    """Find the process of the order service and, where one supervisor started it, that and its other children."""
    try:
        found = psutil.Process(service)
        parent = found.parent()
        if parent is not None and _is_ours(parent):
            family = [parent, *sorted(parent.children(), key=lambda each: each.pid)]
        else:
            family = [found]
    except psutil.Error:
        return []
    return [process for process in map(_process, family) if process is not None]


def _is_ours(process: psutil.Process) -> bool:
    words: list[str] = process.cmdline()
    return any(word.endswith("manage.py") for word in words) and "venue" in words


def _process(process: psutil.Process) -> ProcessFound | None:
    """Look at one; None: it has ended meanwhile."""
    try:
        times = process.cpu_times()
        return ProcessFound(
            process.pid, _name(process.cmdline()), _memory(process), round(times.user + times.system, 2)
        )
    except psutil.NoSuchProcess:
        return None


def _name(words: list[str]) -> str:
    """Name what a process runs: a command of manage.py, a module, or its program."""
    for before, word in pairwise(words):
        if before == "-m" or before.endswith("manage.py"):
            return word
    return Path(words[0]).name if words else "?"


def _memory(process: psutil.Process) -> int | None:
    """Read a process's proportional set size; None: it is not ours to know, or no number of this system."""
    try:
        return getattr(process.memory_full_info(), "pss", None)
    except psutil.AccessDenied:
        return None
