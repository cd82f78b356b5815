"""A NATS server of this test run."""

import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.servers import Server, server_running

PROGRAM = Path(sys.prefix) / "bin" / "nats-server"
PAYLOAD_BYTES_MAX = 33 * 1024 * 1024


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class NatsServer(Server):
    """One server with JetStream, without users."""

    @property
    def address(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def words(self) -> Sequence[str]:
        config = self.folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\nmax_payload: {PAYLOAD_BYTES_MAX}\n"
            f"max_pending: {2 * PAYLOAD_BYTES_MAX}\njetstream {{ store_dir: {self.folder / 'jetstream'} }}\n"
        )
        return str(PROGRAM), "-c", str(config)

    def answers(self) -> bool:
        return accepts(self.port)


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """One server for all tests that leave it running."""
    with server_running(NatsServer(tmp_path_factory.mktemp("nats"))) as server:
        yield server
