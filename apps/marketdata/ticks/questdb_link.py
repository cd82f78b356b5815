"""Statements to QuestDB by PostgreSQL's protocol: a connection a thread, every wait bounded, each fault typed.

QuestDB ends a statement after its `query.timeout`; what the server does not even refuse, the socket's own bound ends.
"""

import threading
from typing import Any

import psycopg

CONNECT_S_MAX = 2
SILENT_MS_MAX = 5_000
"""A server that acknowledges no byte for so long is gone."""

_DATABASE = "qdb"
_MISSING = "does not exist"


class QuestDBUnavailableError(Exception):
    """The server cannot be reached, or its answer was cut off."""


class QuestDBRefusedError(Exception):
    """The server refused a statement; its words are the text."""

    @property
    def is_of_a_missing_table(self) -> bool:
        """Whether what was named is not there: nothing was ever shipped to the server."""
        return _MISSING in str(self)


class QuestDBLink:
    """Runs statements as one user; used from any thread."""

    def __init__(self, *, host: str, port: int, user: str, password: str) -> None:
        """Take where the server is and who asks; a connection is made at first use."""
        self._options: dict[str, Any] = {
            "host": host,
            "port": port,
            "user": user,
            "password": password,
            "dbname": _DATABASE,
            "connect_timeout": CONNECT_S_MAX,
            "tcp_user_timeout": SILENT_MS_MAX,
            "autocommit": True,
        }
        self._own = threading.local()

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; one that met a connection from before a restart is run again.

        A statement is made by us from integers and names alone.

        Raises:
            QuestDBUnavailableError: no answer.
            QuestDBRefusedError: the answer is an error.

        """
        known: psycopg.Connection[tuple[Any, ...]] | None = getattr(self._own, "connection", None)
        if known is not None and not known.closed:
            try:
                return _run(known, statement)
            except psycopg.OperationalError:
                known.close()
        try:
            self._own.connection = psycopg.connect(**self._options)
            return _run(self._own.connection, statement)
        except psycopg.OperationalError as error:
            raise QuestDBUnavailableError(str(error)) from error

    def close(self) -> None:
        """Close the calling thread's connection."""
        known = getattr(self._own, "connection", None)
        if known is not None:
            known.close()


def _run(connection: "psycopg.Connection[tuple[Any, ...]]", statement: str) -> list[tuple[Any, ...]]:
    try:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description is not None else []
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise QuestDBRefusedError(str(error)) from error
