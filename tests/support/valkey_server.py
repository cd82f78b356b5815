"""A Valkey server of this test run, in Dragonfly's place, as the stack configures it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
import redis

from cift.stack.valkey import valkey_answers, valkey_program, valkey_url
from tests.support.servers import Server, server_running

PASSWORD = "secret-of-valkey"


@dataclass
class ValkeyServer(Server):
    """One server in memory."""

    @property
    def url(self) -> str:
        return valkey_url(port=self.port, password=PASSWORD)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=30)

    def words(self) -> Sequence[str]:
        return valkey_program(self.folder, port=self.port, password=PASSWORD)

    def answers(self) -> bool:
        return asyncio.run(valkey_answers(self.url))


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One server for all tests that leave it running."""
    with server_running(ValkeyServer(tmp_path_factory.mktemp("valkey"))) as server:
        yield server
