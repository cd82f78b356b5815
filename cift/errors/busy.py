"""Which faults of a database pass with time, as one that is locked, full or away; all others are ours."""

import sqlite3

from django.db import InterfaceError, OperationalError

_SQLITE_OURS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE})
"""A statement that is wrong, as one that names no table of this database."""

_POSTGRESQL_PASSING = frozenset({"08", "40", "53", "55", "57", "58"})
"""Classes of SQLSTATE: connections, transactions to be tried again, resources, locks, its operator, its system."""

_SQLITE_PRIMARY = 0xFF


def is_busy(error: BaseException | None) -> bool:
    """Return whether an error of the database's is one that passes."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # Django's error has the driver's as its cause.
    sqlite_code = getattr(error.__cause__, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code & _SQLITE_PRIMARY not in _SQLITE_OURS
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate[:2] in _POSTGRESQL_PASSING
