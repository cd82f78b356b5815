"""The data folder is its owner's alone: databases, journal, secrets. Every process sees to it at its start."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cift.env import SetupError

MARKS = frozenset({"secrets.json", "venue.lock", "db.sqlite3", "journal.sqlite3", "snapshots.sqlite3", "bus.sock"})
"""What makes a folder a data folder; one that has other things alone is left as it is, it may be named by mistake."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class DataFolderError(SetupError):
    """The data folder cannot be read or written, or not kept to its owner."""


def data_folder(folder: Path) -> Path:
    """Keep a data folder and all this process makes from now on to its user; it need not be there yet.

    Raises:
        DataFolderError: it is open to others, and not this user's to close.

    """
    # SQLite and others make files by themselves, and only this reaches them all.
    os.umask(_OTHERS)
    folder_close(folder, user=os.geteuid())
    return folder


def folder_close(folder: Path, *, user: int) -> None:
    """Take every right of others away from a folder and what is directly in it: 0700 and 0600.

    What lies deeper is closed with the folder above it.

    Raises:
        DataFolderError: something others may read or write does not belong to the user; or the folder is everybody's.

    """
    entries = list(_found(folder))
    names = {path.name for path, _ in entries[1:]}
    if names and not names & MARKS:
        return
    for path, found in entries:
        mode = stat.S_IMODE(found.st_mode)
        if not mode & _OTHERS:
            continue
        if path == folder and (mode & stat.S_ISVTX or path == path.parent):
            raise DataFolderError(f"{path} is everybody's ({mode:04o}): set CIFT_DATA_DIR to a folder of its own")
        if found.st_uid != user:
            raise DataFolderError(
                f"{path} belongs to user {found.st_uid} and is open to others ({mode:04o}): "
                f"give the data folder to user {user}, who runs the venue, or close it with chmod -R go= {folder}"
            )
        try:
            path.chmod(mode & ~_OTHERS)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataFolderError(f"{path} is open to others ({mode:04o}) and cannot be closed: {error}") from error


def _found(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Find the folder, first, and what is in it; what goes meanwhile, as a database's side files do, is left out."""
    try:
        yield folder, folder.stat()
        names = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataFolderError(f"the data folder {folder} cannot be used: {error}") from error
    for path in names:
        try:
            yield path, path.stat()
        except OSError:
            continue
