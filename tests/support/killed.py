"""A whole venue whose processes are killed together, and which starts again on the same data and port."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.venue import END_S_MAX, ROOT, Venue, free_port

START_S_MAX = 180.0
AUDIT_S_MAX = 600.0


class Group:
    """A venue whose processes end together, and start again on the same data and port."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Choose the port."""
        self._folder = folder
        self._environment = environment
        self.port = free_port()
        self.venue = self._make()

    def _make(self) -> Venue:
        return Venue(self._folder, port=self.port, environment=dict(self._environment))

    def start(self) -> None:
        """Start all of it."""
        self.venue = self._make().start()

    def kill(self) -> None:
        """kill -9 the supervisor and every child of its."""
        supervisor = psutil.Process(self.venue.process.pid)
        children = supervisor.children()
        for process in (supervisor, *children):
            process.kill()
        code = self.venue.wait_end()
        give_up_at = time.monotonic() + END_S_MAX
        while any(_lives(child) for child in children):
            assert time.monotonic() < give_up_at, "a killed process does not end"
            time.sleep(0.002)
        assert code == -signal.SIGKILL, f"it had ended by itself ({code}):\n{self.venue.output}"

    def audit(self) -> str | None:
        """Run the audit beside it; give its first violation."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "audit", "--json"],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "cift.settings.embedded",
                "CIFT_DATA_DIR": str(self._folder),
                **self._environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=AUDIT_S_MAX,
        )
        return None if done.returncode == 0 else f"{done.stdout}{done.stderr}".strip()


def _lives(process: psutil.Process) -> bool:
    """Return whether a process still has what it had open; who has nobody to ask for its end has ended nevertheless."""
    try:
        return process.is_running() and process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


@contextmanager
def group_open(folder: Path, **environment: str) -> Iterator[Group]:
    """Start a venue that is killed; at the end none of its processes is left."""
    group = Group(folder, **environment)
    group.start()
    try:
        group.venue.wait_for("passwords as first given in", seconds=START_S_MAX)
        yield group
    finally:
        group.venue.end()
