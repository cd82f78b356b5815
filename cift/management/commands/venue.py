"""`manage.py venue`: the whole venue from one command."""

import asyncio
import errno
import sqlite3
from pathlib import Path
from socket import gaierror
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console

from cift.checks import engine_is_built
from cift.embedded.lock import FolderInUse, folder_lock
from cift.embedded.supervisor import Supervisor, listener_bind
from cift.workers import EXIT_FAULT, WorkerEndedError


class Command(BaseCommand):
    """Runs the web server, the order service, and the projector with the verifier, on SQLite in the data folder."""

    help = "run the whole venue: HOST, PORT and CIFT_DATA_DIR say where"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; a venue starts without delay

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Lock the data folder, bind the address, bring the tables up to date, and run."""
        if not engine_is_built():
            self._end("the engine is not built: run make setup")
        folder: Path = settings.DATA_DIR
        host, port = settings.HOST, settings.PORT
        try:
            lock = folder_lock(folder)
            listener = listener_bind(host, port)
            self._migrate()
        except FolderInUse as error:
            self._end(str(error))
        except gaierror as error:
            self._end(f"HOST {host!r} is no address of this machine: {error.strerror}")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                self._end(f"port {port} on {host} is in use: end what uses it, or set PORT to another")
            if error.errno in (errno.EADDRNOTAVAIL, errno.EACCES) and error.filename is None:
                self._end(f"{host}:{port} cannot be listened on: {error.strerror}")
            self._end(f"the data folder {folder} cannot be used: {error}")
        except (DatabaseError, sqlite3.Error) as error:
            self._end(f"the databases in {folder} cannot be used: {error}")
        supervisor = Supervisor(folder=folder, lock=lock, listener=listener, console=Console())
        try:
            asyncio.run(supervisor.run())
        except WorkerEndedError as error:
            self._end(str(error))
        finally:
            listener.close()

    def _migrate(self) -> None:
        for alias in settings.DATABASES:
            executor = MigrationExecutor(connections[alias])
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", database=alias, verbosity=0, interactive=False)
            connections[alias].close()

    def _end(self, line: str) -> None:
        self.stderr.write(line)
        raise SystemExit(EXIT_FAULT)
