import os
import re
from pathlib import Path

import pytest

from cift.processes.folder_lock import FolderInUse, folder_lock


def test_a_second_venue_on_a_folder_is_told_of_the_first(tmp_path: Path) -> None:
    lock = folder_lock(tmp_path / "data")

    with pytest.raises(FolderInUse, match=re.escape(f"another venue (process {os.getpid()}) runs on the data folder")):
        folder_lock(tmp_path / "data")
    os.close(lock)


def test_a_folder_is_free_when_its_venue_is_gone(tmp_path: Path) -> None:
    os.close(folder_lock(tmp_path / "data"))
    os.close(folder_lock(tmp_path / "data"))


def test_a_new_folder_is_its_owner_s_alone(tmp_path: Path) -> None:
    os.close(folder_lock(tmp_path / "data"))

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
