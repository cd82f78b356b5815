"""Workers and beats in processes of their own, as `manage.py` starts them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.venue import ROOT

END_S_MAX = 30.0


@contextmanager
def commands_running(count: int, command: str, given: dict[str, Any]) -> Iterator[list["subprocess.Popen[str]"]]:
    """Start a command so many times; each is of a group of its own, which is killed at the end."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.support.worker_settings",
        "CIFT_TEST_WORKER": json.dumps(given, default=str),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for _ in range(count)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=END_S_MAX)
