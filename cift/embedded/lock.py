"""One venue a data folder: a lock that lasts as long as any of the venue's processes."""

from pathlib import Path

from cift.alone import FolderInUse, alone

__all__ = ["FolderInUse", "folder_lock"]


def folder_lock(folder: Path) -> int:
    """Lock the data folder, making it for this user alone; give the lock's file descriptor.

    The lock ends when every process that holds the descriptor has ended, so children are given it too: a venue whose
    supervisor was killed keeps its folder until its last child is gone.

    Raises:
        FolderInUse: another venue has it.

    """
    return alone(folder, file="venue.lock", what="venue")
