"""A new data folder is given the tables that were made before; one that has a database is left as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cift.processes.blank import KEPT_MAX, blank_keep, blank_take

ALIASES = ("default", "journal", "snapshots")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The place of the copies, and two data folders beside it."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    return tmp_path


def files_of(folder: Path) -> dict[str, Path]:
    return {alias: folder / f"{alias}.sqlite3" for alias in ALIASES}


def made(files: dict[str, Path]) -> None:
    for alias, file in files.items():
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"CREATE TABLE of_{alias} (id INTEGER)")


def tables(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


def test_the_second_new_folder_is_given_what_the_first_made(folders: Path) -> None:
    files = files_of(folders / "first")
    assert blank_take(files, folder=folders / "blank")
    assert not any(file.exists() for file in files.values())
    made(files)
    blank_keep(files, folder=folders / "blank")

    files = files_of(folders / "second")
    assert blank_take(files, folder=folders / "blank")
    assert {alias: tables(file) for alias, file in files.items()} == {alias: [f"of_{alias}"] for alias in ALIASES}
    assert sorted(file.name for file in (folders / "second").iterdir()) == sorted(file.name for file in files.values())


def test_a_folder_with_a_database_is_left_as_it_is(folders: Path) -> None:
    files = files_of(folders / "first")
    made(files)
    blank_keep(files, folder=folders / "blank")
    files = files_of(folders / "second")
    files["journal"].write_bytes(b"mine")

    assert not blank_take(files, folder=folders / "blank")
    assert [file.name for file in (folders / "second").iterdir()] == [files["journal"].name]


def test_other_migrations_have_other_blanks(folders: Path) -> None:
    files = files_of(folders / "first")
    made(files)
    blank_keep(files, folder=folders / "blank")
    files = files_of(folders / "second")

    assert blank_take(files, folder=folders / "blank", state="another")
    assert not any(file.exists() for file in files.values())


def test_only_the_last_few_are_kept(folders: Path) -> None:
    files = files_of(folders / "first")
    made(files)
    for state in map(str, range(KEPT_MAX + 3)):
        blank_keep(files, folder=folders / "blank", state=state)

    assert len(list((folders / "blank").iterdir())) == KEPT_MAX


def test_where_there_is_no_place_there_are_no_copies(folders: Path) -> None:
    (folders / "file").write_bytes(b"")
    files = files_of(folders / "first")
    made(files)
    blank_keep(files, folder=folders / "file")

    assert blank_take(files_of(folders / "second"), folder=folders / "file")
