"""The calling thread's connection to the journal's database: statements that commit themselves, faults as one error."""

import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.orders.matching.errors import DatabaseDamagedError, JournalUnavailableError
from apps.orders.models import JournalBatch

Rows = list[tuple[Any, ...]]
Execute = Callable[[BaseDatabaseWrapper, str, tuple[Any, ...]], tuple[Rows, int]]

_SQLITE_PRIMARY = 0xFF
"""SQLite's code without what a longer one adds to it."""
_SQLITE_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_POSTGRESQL_DAMAGED = frozenset({"XX001", "XX002"})
"""`data_corrupted`, `index_corrupted`."""


class JournalConnection:
    """Runs single statements that commit themselves; `wait_ms_max` bounds how long one waits, 0 leaves it to settings.

    After a fault the connection is closed, so that the next statement starts afresh.
    """

    def __init__(self, *, wait_ms_max: int = 0, execute: Execute | None = None) -> None:
        """Set the bound; `execute` hands a statement to the driver."""
        self._execute = execute or driver_execute
        self.alias = router.db_for_write(JournalBatch)
        self._wait_ms_max = wait_ms_max

    @property
    def vendor(self) -> str:
        """Name the kind of database."""
        return connections[self.alias].vendor

    def run(self, statement: str, values: tuple[Any, ...]) -> tuple[Rows, int]:
        """Run one statement; give its rows and how many it touched.

        Raises:
            IntegrityError: a constraint refused it.
            DatabaseDamagedError: the file is damaged; whether it took effect is unknown as well.
            JournalUnavailableError: any other fault; whether it took effect is unknown.

        """
        connection = connections[self.alias]
        try:
            if connection.connection is None:
                connection.ensure_connection()
                self._bound_waits(connection)
            return self._execute(connection, statement, values)
        except IntegrityError:
            raise
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            if is_damage(error):
                raise DatabaseDamagedError("the journal's database", str(error).strip()) from error
            raise JournalUnavailableError(str(error).strip() or type(error).__name__) from error

    def close(self) -> None:
        """Close the calling thread's connection; the next use opens it again."""
        connections[self.alias].close()

    def _bound_waits(self, connection: BaseDatabaseWrapper) -> None:
        if not self._wait_ms_max:
            return
        setting = "SET statement_timeout = " if connection.vendor == "postgresql" else "PRAGMA busy_timeout = "
        with connection.cursor() as cursor:
            cursor.execute(f"{setting}{self._wait_ms_max:d}")


def is_damage(error: Exception) -> bool:
    """Return whether a database said that its file is damaged, and not that something is in its way."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & _SQLITE_PRIMARY in _SQLITE_DAMAGED
    return getattr(cause, "sqlstate", None) in _POSTGRESQL_DAMAGED


def driver_execute(connection: BaseDatabaseWrapper, statement: str, values: tuple[Any, ...]) -> tuple[Rows, int]:
    """Go to the driver by the shortest way; bytes travel as bytes on both databases."""
    if connection.vendor == "postgresql":
        import psycopg  # noqa: PLC0415 - the driver is installed only where PostgreSQL is used

        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as driver_cursor:
            driver_cursor.execute(statement.replace("%s", "%b"), values, prepare=True, binary=True)
            return (driver_cursor.fetchall() if driver_cursor.description else []), driver_cursor.rowcount
    with connection.wrap_database_errors:
        found = connection.connection.execute(_question_marks(statement), values)
        return (found.fetchall() if found.description else []), found.rowcount


@lru_cache(maxsize=64)
def _question_marks(statement: str) -> str:
    """Write a statement's places as SQLite has them."""
    return statement.replace("%s", "?")
