"""A second web process of a running venue: it shares the databases and reaches the bus by its socket.

This one is uvicorn as anybody may start it; the venue's own is what the test chose, Daphne where it chose none.
"""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.venue import READY_S_MAX, ROOT, Venue, free_port


@dataclass
class WebProcess:
    """Where it listens."""

    port: int


@contextmanager
def web_process(venue: Venue, **environment: str) -> Iterator[WebProcess]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--lifespan", "off"),
            *("--ws", "websockets-sansio", "--no-proxy-headers", "--log-level", "warning", "cift.asgi:application"),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "cift.settings.embedded",
            "CIFT_DATA_DIR": str(venue.folder),
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_alive(port, process)
        yield WebProcess(port)
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_alive(port: int, process: "subprocess.Popen[Any]") -> None:
    give_up_at = time.monotonic() + READY_S_MAX
    while True:
        assert process.poll() is None, "the web process ended"
        assert time.monotonic() < give_up_at, "the web process does not answer"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
