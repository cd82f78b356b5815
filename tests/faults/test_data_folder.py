"""A data folder that is damaged, or of a newer version: one clear line, and nothing is started or changed."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from apps.orders.matching.engine import ENGINE_VERSION
from apps.orders.models import JournalBatch
from cift.settings.data_folder import DataFolderError
from cift.settings.secrets import secrets_load
from tests.support.databases import ALIASES
from tests.support.shard import journal_fill
from tests.support.venue import free_port


def newer(alias: str) -> Callable[[Path], None]:
    def make(_folder: Path) -> None:
        MigrationRecorder(connections[alias]).record_applied("orders", "9999_the_future")
        connections.close_all()

    return make


def other_engine(version: int) -> Callable[[Path], None]:
    def make(_folder: Path) -> None:
        engine = journal_fill(20)
        JournalBatch.objects.filter(number=engine.number).update(engine_version=version)
        connections.close_all()

    return make


def journal_pages(folder: Path) -> None:
    journal_fill(20)
    connections.close_all()
    with sqlite3.connect(folder / "journal.sqlite3") as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'orders_journalbatch'").fetchone()[0]
    with (folder / "journal.sqlite3").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))


def garbled(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        connections.close_all()
        (folder / name).write_bytes(b"no database at all" * 300)

    return make


def logins(content: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "logins.json").write_text(content)

    return make


def versions(written: int) -> str:
    return f"(its journal was written by engine {written}, this one is {ENGINE_VERSION})"


FOLDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    **{f"newer {alias}": (newer(alias), "is of a newer version (orders.9999_the_future)") for alias in ALIASES},
    "newer engine": (
        other_engine(ENGINE_VERSION + 1),
        f"is of a newer version {versions(ENGINE_VERSION + 1)}",
    ),
    "older engine": (
        other_engine(ENGINE_VERSION - 1),
        f"is of an older version {versions(ENGINE_VERSION - 1)}",
    ),
    "journal's pages": (journal_pages, "cannot be used: the journal's database is damaged: database disk image is"),
    "tables garbled": (garbled("db.sqlite3"), "cannot be used: file is not a database"),
    "journal garbled": (garbled("journal.sqlite3"), "cannot be used: file is not a database"),
    "logins cut off": (logins('{"operator'), "is damaged: "),
    "logins of others": (logins('{"a@example.com": "x"}'), "logins.json does not hold the first two logins"),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_that_cannot_be_used_is_one_clear_line(
    sqlite: Path, settings: Settings, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, line = FOLDERS[what]
    make(sqlite)
    settings.DATA_DIR, settings.PORT = sqlite, free_port()
    with pytest.raises(SystemExit) as ended:
        call_command("venue")

    assert ended.value.code == 1
    said = capsys.readouterr().err.strip()
    assert line in said
    assert str(sqlite) in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"django": "a", "tokens": "b", "ids": "no hex"}', "null"])
def test_secrets_that_are_not_what_was_written_are_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(DataFolderError, match="cannot be used"):
        secrets_load(tmp_path)


def test_secrets_that_were_written_are_read(tmp_path: Path) -> None:
    made = secrets_load(tmp_path)
    assert secrets_load(tmp_path) == made == json.loads((tmp_path / "secrets.json").read_text())
