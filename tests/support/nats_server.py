"""A NATS server of this test run."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.venue import free_port

PROGRAM = Path(sys.prefix) / "bin" / "nats-server"
PAYLOAD_BYTES_MAX = 33 * 1024 * 1024
READY_S_MAX = 10.0


def accepting(port: int) -> None:
    """Wait until a server accepts connections."""
    give_up_at = time.monotonic() + READY_S_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < give_up_at, "the NATS server does not start"
            time.sleep(0.01)
        else:
            return


@dataclass
class NatsServer:
    """One server, which can be killed and started again on its port."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it accepts."""
        config = self.folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\nmax_payload: {PAYLOAD_BYTES_MAX}\n"
            f"max_pending: {2 * PAYLOAD_BYTES_MAX}\njetstream {{ store_dir: {self.folder / 'jetstream'} }}\n"
        )
        self.process = subprocess.Popen([PROGRAM, "-c", config], stderr=subprocess.DEVNULL)
        accepting(self.port)

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def nats_running(folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """One server for all tests that leave it running."""
    with nats_running(tmp_path_factory.mktemp("nats")) as server:
        yield server
