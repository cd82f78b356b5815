"""`manage.py run_worker`: a Celery worker, with the end all long-running commands have."""

import os
import select
import signal
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from cift.celery import app
from cift.exposure import exposed_refuse
from cift.processes.workers import Worker, metrics_serve
from cift.settings.celery import QUEUES


class Command(Worker):
    """Runs tasks, one at a time, until it is told to stop; the one under way is finished first."""

    help = "Run the workers' tasks, one at a time; run as many as it takes."

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Let Celery have this thread, whose signals it takes itself: SIGTERM and SIGINT end it in order.

        Raises:
            CommandError: the settings name no broker.
            SetupError: the settings are not safe to serve with.

        """
        exposed_refuse()
        if not settings.CELERY:
            raise CommandError("there is no broker: CIFT_DRAGONFLY_URL is not set")
        if options.get("metrics"):
            metrics_serve(options["metrics"])
        if options["lifeline"] is not None:
            Thread(target=_end_with, args=(options["lifeline"],), name="lifeline", daemon=True).start()
        worker = app.Worker(
            queues=QUEUES, pool="prefork", loglevel="WARNING", without_mingle=True, without_gossip=True, quiet=True
        )
        worker.start()
        if worker.exitcode:
            raise SystemExit(worker.exitcode)


def _end_with(lifeline: int) -> None:
    """End in order when the process that started this one has ended."""
    # Waited for, not read: the pipe is shared, and another process's event loop may have made its reads not wait.
    waiting = select.poll()
    waiting.register(lifeline, select.POLLIN)
    waiting.poll()
    os.kill(os.getpid(), signal.SIGTERM)
