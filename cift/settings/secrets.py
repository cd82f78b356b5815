"""The data folder's secrets: made at the first start, read ever after."""

import json
import os
import secrets
import tempfile
from pathlib import Path

from cift.settings.data_folder import DataFolderError

_NAMES = frozenset({"django", "tokens", "ids"})


def secrets_load(folder: Path) -> dict[str, str]:
    """Read `secrets.json` (mode 0600), making it at the first start; of processes that start at once, one wins.

    Raises:
        DataFolderError: the folder cannot be used, or the file is not what was written.

    """
    try:
        return _load(folder)
    except (OSError, ValueError) as error:
        raise DataFolderError(f"the data folder {folder} cannot be used: {error}") from error


def _load(folder: Path) -> dict[str, str]:
    file = folder / "secrets.json"
    if not file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = {
            "django": secrets.token_urlsafe(48),
            "tokens": secrets.token_urlsafe(48),
            "ids": secrets.token_hex(16),
        }
        private_write(file, json.dumps(made, indent=2) + "\n")
    read: dict[str, str] = json.loads(file.read_text())
    if (
        not isinstance(read, dict)
        or not read.keys() >= _NAMES
        or not all(isinstance(read[name], str) for name in _NAMES)
    ):
        message = f"{file} does not hold what the first start wrote"
        raise ValueError(message)
    bytes.fromhex(read["ids"])
    return read


def private_write(file: Path, content: str) -> None:
    """Put content into a new file only its owner can read, whole or not at all; an existing file stays as it is."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            return
    finally:
        Path(draft).unlink()
