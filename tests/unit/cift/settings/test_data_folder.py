import os
import stat
from pathlib import Path

import pytest

from cift.settings.data_folder import DataFolderError, folder_close

US = os.geteuid()


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *sorted(folder.iterdir()))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder as a careless copy leaves it."""
    made = tmp_path / "data"
    (made / "mails").mkdir(parents=True)
    for name, mode in (("db.sqlite3", 0o644), ("journal.sqlite3", 0o666), ("journal.sqlite3-wal", 0o640)):
        (made / name).touch()
        (made / name).chmod(mode)
    (made / "mails").chmod(0o777)
    made.chmod(0o755)
    return made


def test_a_folder_of_ours_is_put_right(folder: Path) -> None:
    folder_close(folder, user=US)

    assert modes(folder) == {
        "data": 0o700, "db.sqlite3": 0o600, "journal.sqlite3": 0o600, "journal.sqlite3-wal": 0o600, "mails": 0o700
    }  # fmt: skip


def test_a_folder_that_is_somebody_else_s_and_open_is_refused_in_one_line_and_left_as_it_is(folder: Path) -> None:
    before = modes(folder)

    with pytest.raises(DataFolderError) as refused:
        folder_close(folder, user=US + 1)

    line = str(refused.value)
    assert line.startswith(f"{folder} belongs to user {US} and is open to others (0755): ")
    assert len(line.splitlines()) == 1
    assert modes(folder) == before


def test_one_open_file_of_somebody_else_s_is_refused_by_its_name(folder: Path) -> None:
    folder_close(folder, user=US)
    (folder / "journal.sqlite3").chmod(0o604)

    with pytest.raises(DataFolderError, match=r"journal\.sqlite3 belongs to user"):
        folder_close(folder, user=US + 1)


def test_somebody_else_s_folder_that_is_closed_is_taken_as_it_is(folder: Path) -> None:
    folder_close(folder, user=US)
    before = modes(folder)

    folder_close(folder, user=US + 1)

    assert modes(folder) == before


def test_a_folder_that_is_not_there_and_a_link_to_nowhere_are_no_fault(tmp_path: Path) -> None:
    folder_close(tmp_path / "nowhere", user=US)
    (tmp_path / "venue.lock").touch()
    (tmp_path / "bus.sock").symlink_to(tmp_path / "gone")

    folder_close(tmp_path, user=US)


def test_a_path_that_is_no_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataFolderError, match="cannot be used"):
        folder_close(tmp_path / "file", user=US)


def test_a_folder_named_by_mistake_is_left_as_it_is_and_one_that_is_everybody_s_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters").touch(mode=0o644)
    tmp_path.chmod(0o755)
    before = modes(tmp_path)

    folder_close(tmp_path, user=US)
    assert modes(tmp_path) == before

    (tmp_path / "secrets.json").touch()
    tmp_path.chmod(0o1777)
    with pytest.raises(DataFolderError, match="is everybody's"):
        folder_close(tmp_path, user=US)
    assert modes(tmp_path)[tmp_path.name] == 0o1777
