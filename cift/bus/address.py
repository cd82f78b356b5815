"""Where a local bus's Unix socket is: in the data folder, unless its path is too long for the kernel."""

import hashlib
import os
import tempfile
from pathlib import Path

_PATH_BYTES_MAX = 100
"""A socket's address holds 104 bytes on macOS and 108 on Linux, with a closing zero."""


def socket_path(wanted: Path) -> Path:
    """Return the wanted path, or, when it is too long, a short one that any process makes of it alike.

    Raises:
        PermissionError: the folder for short paths belongs to somebody else.

    """
    if len(os.fsencode(wanted)) <= _PATH_BYTES_MAX:
        return wanted
    folder = Path(tempfile.gettempdir()) / f"cift-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(
            f"{folder} is not this user's alone, and {wanted} is too long for a socket: use a shorter CIFT_DATA_DIR"
        )
    return folder / f"{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:24]}.sock"
