"""A whole venue in processes of its own, on a free port and a throwaway data folder."""

import json
import os
import random
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.support.printing import Printing

ROOT = Printing.ROOT
READY_S_MAX = Printing.READY_S_MAX
END_S_MAX = Printing.END_S_MAX


def free_port() -> int:
    """A port no connection is given by the system.

    Any other may be some client's own the next moment; and one that knocks on such a port while nobody listens there
    may be connected to itself.
    """
    low, high = (int(each) for each in Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    for port in random.sample([each for each in range(10_000, 60_000) if not low <= each <= high], 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = "no free port"
    raise OSError(message)


@dataclass
class Venue(Printing):
    """`manage.py venue` as an operator starts it, and what it prints."""

    folder: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def start(self) -> "Venue":
        given = {
            "DJANGO_SETTINGS_MODULE": "cift.settings.embedded",
            "CIFT_DATA_DIR": str(self.folder),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            # A test is alone in its market, unless it is about the simulated one.
            "SIMULATION": "0",
            **self.environment,
        }
        self.launch("venue", **given)
        return self

    def wait_open(self) -> "Venue":
        # The last line of what it says then: on a busy machine the lines come one by one.
        self.wait_for("passwords as first given in")
        return self

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def wait_ready(self, *, seconds: float = READY_S_MAX) -> None:
        give_up_at = time.monotonic() + seconds
        while True:
            assert time.monotonic() < give_up_at, f"not ready in {seconds} s:\n{self.output}"
            try:
                if self.get("/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)

    def logins(self) -> dict[str, str]:
        logins: dict[str, str] = json.loads((self.folder / "logins.json").read_text())
        return logins

    def child(self, command: str) -> int:
        """The process of a child, by its command of manage.py."""
        for process in self._children():
            with suppress(psutil.Error):
                if command in process.cmdline():
                    return int(process.pid)
        raise AssertionError(f"no child runs {command}:\n{self.output}")

    def children(self) -> list[int]:
        return [process.pid for process in self._children()]

    def _children(self) -> list[psutil.Process]:
        try:
            found: list[psutil.Process] = psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []
        return found


def manage(venue: Venue, *arguments: str) -> str:
    """Run a command of manage.py on a running venue's data; give what it says."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "cift.settings.embedded", "CIFT_DATA_DIR": str(venue.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout.strip()


@contextmanager
def venue_open(folder: Path, **environment: str) -> Iterator[Venue]:
    venue = Venue(folder, environment=environment).start()
    try:
        yield venue.wait_open()
    finally:
        venue.end()
