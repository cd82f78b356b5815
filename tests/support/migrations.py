"""The SQL that migrations run on PostgreSQL, without a server, and which of it holds a table that is in use for long.

What a RunPython does cannot be seen here: it goes by the rows it reads.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.utils import ConnectionHandler

from cift.settings.databases import postgres_databases

CREATED = re.compile(r'^\s*CREATE TABLE (?:IF NOT EXISTS )?"?(\w+)"?', re.IGNORECASE)
TABLE = re.compile(
    r"\b(?:ALTER TABLE(?: IF EXISTS)?(?: ONLY)?|INDEX\b.*?\bON(?: ONLY)?|UPDATE(?: ONLY)?|DELETE FROM(?: ONLY)?"
    r'|LOCK(?: TABLE)?|VACUUM FULL|CLUSTER|REINDEX TABLE)\s+"?(\w+)"?',
    re.IGNORECASE | re.DOTALL,
)

_VOLATILE = r"(?:gen_random_uuid|uuid_generate_\w+|uuidv[47]|random|clock_timestamp|timeofday|nextval)\s*\("

HELD_LONG: Mapping[str, str] = {
    r"^\s*CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)": "an index is built, and keeps writers off: CONCURRENTLY",
    r"\bADD COLUMN\b(?=[^,]*\bNOT NULL\b)(?![^,]*\b(?:DEFAULT|GENERATED)\b)": "a column without a default is NOT NULL",
    rf"\bADD COLUMN\b[^,]*\bDEFAULT\s+\(?{_VOLATILE}": "a default of its own for each row rewrites the table",
    r"\bADD COLUMN\b[^,]*\b(?:GENERATED|(?:small|big)?serial)\b": "a generated column rewrites the table",
    r"\bADD COLUMN\b[^,]*\b(?:UNIQUE|PRIMARY KEY)\b": "an index is built with the column, and keeps all off",
    r"\bADD COLUMN\b[^,]*\bREFERENCES\b": "a reference is checked for all rows: NOT VALID, then VALIDATE",
    r"\bALTER COLUMN\b\s+\S+\s+(?:SET DATA )?TYPE\b": "another type rewrites the table",
    r"\bALTER COLUMN\b\s+\S+\s+SET NOT NULL\b": "all rows are read: a CHECK that is NOT VALID, VALIDATE, and then this",
    r"\bADD CONSTRAINT\b(?!.*\b(?:NOT VALID|USING INDEX)\b)": "all rows are checked: NOT VALID, then VALIDATE",
    r"\bSET (?:UNLOGGED|LOGGED|TABLESPACE|ACCESS METHOD)\b": "the table is rewritten",
    r"^\s*(?:VACUUM FULL|CLUSTER|LOCK|REINDEX (?!.*CONCURRENTLY))": "the table is locked as long as it takes",
    r"^\s*(?:UPDATE|DELETE FROM)\b": "rows are locked until the end: in slices, by a command",
}
"""What a statement about a table in use must not have, and what is done instead."""


def long_holds(statements: list[str], *, atomic: bool, small: frozenset[str] = frozenset()) -> Iterator[str]:
    """Say what is wrong with a migration's statements; tables it makes itself, and small ones, are nobody's yet."""
    created = {match[1].lower() for each in statements if (match := CREATED.match(each))}
    for statement in statements:
        if statement.lstrip().startswith("--") or CREATED.match(statement):
            continue
        if atomic and re.search(r"\bCONCURRENTLY\b", statement, re.IGNORECASE):
            yield f"CONCURRENTLY wants atomic = False: {statement}"
        table = TABLE.search(statement)
        if table is None or table[1].lower() in created | small:
            continue
        for pattern, reason in HELD_LONG.items():
            if re.search(pattern, statement, re.IGNORECASE | re.DOTALL):
                yield f"{reason}: {statement}"


class _Written(DatabaseSchemaEditor):
    """Keeps the statements a migration would run."""

    def execute(self, sql: Any, params: Any = ()) -> None:
        self.collected_sql.append(str(sql))


def migrations_sql() -> Iterator[tuple[str, Migration, list[str]]]:
    """Write out every migration of the venue's own apps for each database."""
    databases = postgres_databases(host="", port=5_432, user="", password="", name="cift")
    connections = ConnectionHandler(databases)
    loader = MigrationLoader(None)
    for key, migration in loader.disk_migrations.items():
        if not type(migration).__module__.startswith("apps."):
            continue
        for alias in databases:
            # Nothing is sent: the editor needs to know the kind of database alone.
            editor = _Written(connections[alias], collect_sql=True, atomic=False)
            editor.deferred_sql = []
            state = loader.project_state(key, at_end=False)
            migration.apply(state, editor, collect_sql=True)
            yield f"{'.'.join(key)} on {alias}", migration, [*editor.collected_sql, *map(str, editor.deferred_sql)]
