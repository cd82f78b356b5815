"""The three databases: projected tables, the journal, and the snapshots.

Each is a SQLite file of its own when embedded, so projecting never holds up a journal commit. All commit with full
synchronisation: the journal because it is the truth, the tables because users live there and nowhere else. The one
exception is the projector's own connection (apps.orders.matching.projector), whose rows the journal has.
"""

from pathlib import Path
from typing import Any

DATABASE_ROUTERS = ["cift.routers.AliasRouter"]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache is a connection's, of which a process has many; what a reader has cached another's commit makes worthless.
_PRAGMAS = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA journal_size_limit=67108864;"
    "PRAGMA cache_size=-512;"
    "PRAGMA temp_store=MEMORY;"
)

_BUSY_SECONDS_MAX = 5

_CONNECT_SECONDS_MAX = 5


def sqlite_databases(folder: Path) -> dict[str, dict[str, Any]]:
    """Assign each alias its file in the data folder."""
    files = {"default": "db.sqlite3", "journal": "journal.sqlite3", "snapshots": "snapshots.sqlite3"}
    return {
        alias: {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": folder / file,
            "ATOMIC_REQUESTS": False,
            "OPTIONS": {
                # A transaction that will write takes its lock when it begins: it waits then, instead of failing midway.
                "transaction_mode": "IMMEDIATE",
                "timeout": _BUSY_SECONDS_MAX,
                "init_command": _PRAGMAS,
            },
        }
        for alias, file in files.items()
    }


def postgres_databases(*, host: str, port: int, user: str, password: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the tables, the journal and the snapshots a database each on one server: `name`, `name_journal`, …."""
    names = {"default": name, "journal": f"{name}_journal", "snapshots": f"{name}_snapshots"}
    return {
        alias: {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": host,
            "PORT": port,
            "USER": user,
            "PASSWORD": password,
            "NAME": database,
            "ATOMIC_REQUESTS": False,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                "connect_timeout": _CONNECT_SECONDS_MAX,
                "options": "-c synchronous_commit=on",
            },
        }
        for alias, database in names.items()
    }
