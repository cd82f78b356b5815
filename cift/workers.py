"""Processes that run until they are told to stop: one base for all of them."""

import asyncio
import logging
import os
import signal
from abc import abstractmethod
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand

EXIT_FAULT = 1
"""The worker failed; starting it again may help."""

EXIT_LOST = 3
"""What the worker works on is not its own any more, or is not fit to be worked on; starting it again does not help."""

logger = logging.getLogger(__name__)


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

    @abstractmethod
    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set.

        Raises:
            WorkerEndedError: it cannot go on.

        """

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Run, and turn the end into an exit code."""
        self.once = bool(options["once"])
        self.options = options
        try:
            asyncio.run(self._run(options["lifeline"]))
        except WorkerEndedError as error:
            self.stderr.write(str(error))
            raise SystemExit(error.exit_code) from error

    async def _run(self, lifeline: int | None) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop, lifeline=lifeline)
        await self.run(stop)


def stop_on_signals(stop: asyncio.Event, *, lifeline: int | None = None) -> None:
    """Set `stop` on SIGTERM, SIGINT, or the closing of `lifeline`; a second signal ends the process at once."""
    loop = asyncio.get_running_loop()

    def told(name: str) -> None:
        if stop.is_set():
            os._exit(EXIT_FAULT)
        logger.debug("stopping: %s", name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number.name)
    if lifeline is not None:

        def gone() -> None:
            loop.remove_reader(lifeline)
            stop.set()

        loop.add_reader(lifeline, gone)


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `stop`, at most so long; tell whether it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()
