"""Processes that run until they are told to stop: one base for all of them."""

import asyncio
from abc import abstractmethod
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from prometheus_client import start_http_server

from cift.exposure import exposed_refuse
from cift.processes.stopping import EXIT_FAULT, EXIT_LOST, stop_on_signals, stopped_within

__all__ = ["EXIT_FAULT", "EXIT_LOST", "Worker", "WorkerEndedError", "stop_on_signals", "stopped_within"]


_PORT_MAX = 65_535


class WorkerEndedError(Exception):
    """Raised by a worker that cannot go on; its text is the one line the operator reads."""

    def __init__(self, line: str, *, exit_code: int = EXIT_FAULT) -> None:
        """Take the line, and the code the process ends with."""
        super().__init__(line)
        self.exit_code = exit_code


class Worker(BaseCommand):
    """A command that runs until SIGTERM, SIGINT, or the end of the process that started it.

    `run` returns soon after `stop` is set; with `--once` it returns when there is nothing left to do.
    """

    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own shape; a worker starts without delay
    once = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what all workers take."""
        parser.add_argument("--once", action="store_true", help="do what there is to do, then end")
        parser.add_argument("--lifeline", type=int, metavar="FD", help="end when this file descriptor is closed")
        parser.add_argument(
            "--metrics", metavar="HOST:PORT", help="answer Prometheus there, with this process's own numbers"
        )

    @abstractmethod
    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set.

        Raises:
            WorkerEndedError: it cannot go on.

        """

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Run, and turn the end into an exit code.

        Raises:
            SetupError: the settings are not safe to serve with.

        """
        exposed_refuse()
        self.once = bool(options["once"])
        self.options = options
        if options.get("metrics"):
            metrics_serve(options["metrics"])
        try:
            asyncio.run(self._run(options["lifeline"]))
        except WorkerEndedError as error:
            self.stderr.write(str(error))
            raise SystemExit(error.exit_code) from error

    async def _run(self, lifeline: int | None) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop, lifeline=lifeline)
        await self.run(stop)


def metrics_serve(address: str) -> None:
    """Answer Prometheus at HOST:PORT from a thread of its own.

    Raises:
        CommandError: it is no address, or cannot be had.

    """
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
        raise CommandError(f"--metrics takes HOST:PORT, not {address!r}")
    try:
        start_http_server(int(port), addr=host.strip("[]"))
    except OSError as error:
        raise CommandError(f"--metrics: {address} cannot be listened on: {error.strerror}") from error
