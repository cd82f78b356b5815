"""`manage.py stack`: the production topology on this machine, from packages."""

import asyncio
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from rich.console import Console

from cift.env import SetupError
from cift.processes.folder_lock import FolderInUse, folder_lock
from cift.processes.workers import EXIT_FAULT, WorkerEndedError, stop_on_signals
from cift.stack.supervisor import Stack
from cift.stack.venue import Ports


class Command(BaseCommand):
    """Runs PostgreSQL, NATS, the order service and a standby, the projector, and two web processes, until Ctrl-C."""

    help = "run the production topology on this machine, under production settings; for development and tests"
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; the parts check themselves

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where it goes, so that two can run side by side."""
        default = settings.BASE_DIR / "var" / "stack"
        parser.add_argument("--folder", type=Path, default=default, help="its data (default: var/stack)")
        for name in Ports.__dataclass_fields__:
            port = getattr(Ports(), name)
            parser.add_argument(f"--{name.replace('_', '-')}-port", type=int, default=port, help=f"default: {port}")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Run it."""
        folder: Path = options["folder"].absolute()
        ports = Ports(**{name: options[f"{name}_port"] for name in Ports.__dataclass_fields__})
        try:
            folder_lock(folder)
            asyncio.run(
                self._run(Stack(folder, manage=settings.BASE_DIR / "manage.py", ports=ports, console=Console()))
            )
        except (WorkerEndedError, FolderInUse, SetupError, ImportError, OSError) as error:
            self.stderr.write(str(error))
            raise SystemExit(EXIT_FAULT) from error

    async def _run(self, stack: Stack) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await stack.run(stop)
