"""The process's file descriptors: each connection takes one, and so does each file of a database."""

import resource
from contextlib import suppress
from pathlib import Path


def descriptors_used() -> int:
    """Count those in use."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def descriptors_most() -> int:
    """Return how many the process may use."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def descriptors_raise(wanted: int) -> int:
    """Ask the system for so many, which it allows up to its hard limit; return how many there may be now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and most > soft:
        # Some systems have a lower limit than they say.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return descriptors_most()
