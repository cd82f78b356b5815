"""One process at a time on a data folder: a lock that lasts as long as any process that holds its descriptor."""

import fcntl
import os
from pathlib import Path


class FolderInUse(Exception):
    """Another process of the same kind runs on the data folder."""


def process_lock(folder: Path, *, file: str, what: str) -> int:
    """Lock a file of the data folder against other processes, making both for this user alone; return its descriptor.

    `what` is what runs there, for the line the operator reads.

    Raises:
        FolderInUse: another has it.

    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise FolderInUse(f"another {what} (process {holder}) runs on the data folder {folder}") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def folder_lock(folder: Path) -> int:
    """Lock the data folder, making it for this user alone; return the lock's file descriptor.

    The lock ends when every process that holds the descriptor has ended, so children are given it too: a venue whose
    supervisor was killed keeps its folder until its last child is gone.

    Raises:
        FolderInUse: another venue has it.

    """
    return process_lock(folder, file="venue.lock", what="venue")
