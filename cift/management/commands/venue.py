"""`manage.py venue`: the whole venue from one command."""

import asyncio
import errno
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from socket import gaierror
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console

from apps.orders.matching.errors import MatchingError
from apps.orders.matching.journal import Journal
from apps.orders.models import JournalBatch
from cift import __version__
from cift.checks import engine_is_built
from cift.embedded.logins import logins_load, logins_made
from cift.embedded.supervisor import Supervisor, listener_bind
from cift.exposure import exposed_refuse
from cift.processes.blank import tables_migrate
from cift.processes.folder_lock import FolderInUse, folder_lock
from cift.processes.workers import EXIT_FAULT, WorkerEndedError


class OlderDataError(Exception):
    """The data folder was written by a version whose journal this one cannot read."""


class NewerDataError(Exception):
    """The data folder's tables, or its journal, were made by a newer version."""


_UNFIT = (FolderInUse, NewerDataError, OlderDataError, MatchingError, OSError, DatabaseError, sqlite3.Error, ValueError)


class Command(BaseCommand):
    """Runs the web server, the order service, and the projector with the verifier, on SQLite in the data folder."""

    help = "run the whole venue: HOST, PORT and CIFT_DATA_DIR say where"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; a venue starts without delay

    def get_version(self) -> str:
        """Return the venue's own version for `--version`, where Django would print its own."""
        return __version__

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Lock the data folder, bind the address, bring the tables up to date, and run.

        Raises:
            SetupError: the settings are not safe to serve with.

        """
        exposed_refuse()
        if not engine_is_built():
            self._end("the engine is not built: run make setup")
        folder: Path = settings.DATA_DIR
        host, port = settings.HOST, settings.PORT
        try:
            lock = folder_lock(folder)
            listener = listener_bind(host, port)
            tables_migrate(check=_refuse_unfit)
            if logins_made(folder):
                logins_load(folder)
        except _UNFIT as error:
            self._end(_line_of(error, folder=folder, host=host, port=port))
        supervisor = Supervisor(folder=folder, lock=lock, listener=listener, console=Console())
        try:
            asyncio.run(supervisor.run())
        except WorkerEndedError as error:
            self._end(str(error))
        finally:
            listener.close()

    def _end(self, line: str) -> None:
        self.stderr.write(line)
        raise SystemExit(EXIT_FAULT)


def _refuse_unfit(executors: Iterable[MigrationExecutor]) -> None:
    for executor in executors:
        _refuse_newer(executor)
    _refuse_other_engine()


def _refuse_newer(executor: MigrationExecutor) -> None:
    """Look for steps of the project's own that were done to the tables and are not known here.

    Raises:
        NewerDataError: naming the first.

    """
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith(("apps.", "cift."))}
    done = {step for step in executor.loader.applied_migrations if step[0] in ours}
    unknown = sorted(done - executor.loader.disk_migrations.keys())
    if unknown:
        raise NewerDataError(".".join(unknown[0]))


def _refuse_other_engine() -> None:
    """Look whether the journal ends in batches this engine does not know; to it, they would look damaged.

    Raises:
        NewerDataError, OlderDataError: naming the engine's version.
        MatchingError: the journal cannot be read.

    """
    from apps.orders.matching.engine import ENGINE_VERSION  # noqa: PLC0415 - it may not be built, which is told before

    if JournalBatch._meta.db_table not in connections["journal"].introspection.table_names():
        return
    head = Journal(settings.MATCHING["SHARD"]).head()
    if head is None or head.engine_version == ENGINE_VERSION:
        return
    error = NewerDataError if head.engine_version > ENGINE_VERSION else OlderDataError
    raise error(f"its journal was written by engine {head.engine_version}, this one is {ENGINE_VERSION}")


def _line_of(error: Exception, *, folder: Path, host: str, port: int) -> str:
    """Say in one line why the venue cannot be started."""
    match error:
        case FolderInUse():
            line = str(error)
        case NewerDataError():
            line = f"the data folder {folder} is of a newer version ({error}): run that version, or another folder"
        case gaierror():
            line = f"HOST {host!r} is no address of this machine: {error.strerror}"
        case OlderDataError():
            line = f"the data folder {folder} is of an older version ({error}): run that version, or another folder"
        case OSError(errno=errno.EADDRINUSE):
            line = f"port {port} on {host} is in use: end what uses it, or set PORT to another"
        case OSError(errno=errno.EADDRNOTAVAIL | errno.EACCES, filename=None):
            line = f"{host}:{port} cannot be listened on: {error.strerror}"
        case OSError():
            line = f"the data folder {folder} cannot be used: {error}"
        case ValueError():
            line = f"the data folder {folder} is damaged: {error}"
        case _:
            line = f"the databases in {folder} cannot be used: {error}"
    return line
