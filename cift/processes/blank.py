"""Blank databases: the tables of a new venue, made once for each state of the migrations, and copied since.

Migrating three empty databases takes seconds of processor time and always comes out the same. The first venue that
does it keeps copies of what it made beside the installed packages; the next new data folder is given those. Only a
folder without any database is, and what its migrations lack is still migrated.
"""

import hashlib
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

KEPT_MAX = 4
"""So many states of the migrations are kept: those of the last branches that were started."""

FOLDER = Path(sys.prefix) / "share" / "cift-blank"


def tables_migrate(*, check: Callable[[Iterable[MigrationExecutor]], None] | None = None) -> None:
    """Bring all databases of the settings to the newest migrations; of a new folder, from blank copies.

    `check` is called before anything is migrated.

    Raises:
        OSError: the folder cannot be written to.

    """
    databases = settings.DATABASES
    files = {alias: Path(each["NAME"]) for alias, each in databases.items() if each["ENGINE"].endswith("sqlite3")}
    is_new, migrated = bool(files) and blank_take(files), False
    executors = {alias: MigrationExecutor(connections[alias]) for alias in databases}
    if check is not None:
        check(executors.values())
    for alias, executor in executors.items():
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", database=alias, verbosity=0, interactive=False)
            migrated = True
        connections[alias].close()
    if is_new and migrated:
        blank_keep(files)


def blank_take(files: Mapping[str, Path], *, folder: Path = FOLDER, state: str | None = None) -> bool:
    """Copy the blank databases into a new data folder, which has none; return whether it is new.

    Raises:
        OSError: the folder cannot be written to.

    """
    if any(file.exists() for file in files.values()):
        return False
    for alias, content in _kept(folder / (state or migrations_state()), files).items():
        _write(files[alias], content)
    return True


def _kept(blank: Path, aliases: Iterable[str]) -> dict[str, bytes]:
    """Read all copies; none where one cannot be read: another may take them away meanwhile."""
    try:
        return {alias: (blank / alias).read_bytes() for alias in aliases}
    except OSError:
        return {}


def blank_keep(files: Mapping[str, Path], *, folder: Path = FOLDER, state: str | None = None) -> None:
    """Keep copies of a new folder's databases, which nobody has written to but the migrations.

    Where there is no place for copies there are none: the next new folder is migrated as well.
    """
    blank = folder / (state or migrations_state())
    if blank.is_dir():
        return
    with suppress(OSError, sqlite3.Error):
        folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder))
        try:
            for alias, file in files.items():
                with closing(sqlite3.connect(file)) as connection:
                    connection.execute("VACUUM INTO ?", (str(made / alias),))
            # Of several that make it, one is first.
            made.rename(blank)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        for old in sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)[KEPT_MAX:]:
            shutil.rmtree(old, ignore_errors=True)


def migrations_state() -> str:
    """Name the state of all migrations: by their text, and by who carries them out."""
    digest = hashlib.sha256(repr((django.VERSION, sqlite3.sqlite_version)).encode())
    for app in sorted(apps.get_app_configs(), key=lambda each: each.label):
        for file in sorted((Path(app.path) / "migrations").glob("*.py")):
            digest.update(f"{app.label}.{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:32]


def _write(target: Path, content: bytes) -> None:
    """Write a file, and have it on the disk: what is written into it later counts on what was there."""
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
