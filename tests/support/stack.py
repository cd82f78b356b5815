"""The production topology as `manage.py stack` starts it, in a throwaway folder and on free ports."""

import asyncio
import json
import os
import signal
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import msgspec
import psutil

from apps.orders.matching.service import ServiceState
from cift.bus.base import BusError
from cift.bus.nats import NatsBus
from cift.wire.subjects import status_subject
from tests.support.printing import Printing
from tests.support.venue import free_port


@dataclass
class RunningStack(Printing):
    """A stack, its lines, and its parts by name."""

    READY_S_MAX: ClassVar[float] = 240.0
    END_S_MAX: ClassVar[float] = 60.0

    folder: Path
    port: int = field(default_factory=free_port)
    nats_port: int = field(default_factory=free_port)
    sql_port: int = field(default_factory=free_port)
    """Where QuestDB is asked."""

    def start(self) -> "RunningStack":
        others = {name: free_port() for name in ("postgres", "valkey", "questdb")}
        ports = {"web": self.port, "nats": self.nats_port, "questdb-sql": self.sql_port, **others}
        named = (f"--{name}-port={port}" for name, port in ports.items())
        self.launch("stack", "--folder", str(self.folder), *named, COLUMNS="200")
        return self

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.folder / "venue" / "tls" / "authority.pem")

    def logins(self) -> dict[str, str]:
        logins: dict[str, str] = json.loads((self.folder / "venue" / "logins.json").read_text())
        return logins

    def password(self, name: str) -> str:
        passwords: dict[str, str] = json.loads((self.folder / "venue" / "passwords.json").read_text())
        return passwords[name]

    def holder(self) -> int:
        """The order service that has the shard, as it says itself to whoever asks on the bus."""
        give_up_at = time.monotonic() + self.READY_S_MAX
        while True:
            assert time.monotonic() < give_up_at, self.output
            with suppress(BusError):
                return asyncio.run(self._ask())

    async def _ask(self) -> int:
        password = self.password("nats-web")
        bus = NatsBus(servers=[f"nats://127.0.0.1:{self.nats_port}"], user="web", password=password)
        try:
            answer = await bus.request(status_subject(0), b"", timeout_s=1)
        finally:
            await bus.close()
        return msgspec.msgpack.decode(answer, type=ServiceState).pid

    def processes(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return found

    def pids(self, word: str) -> list[int]:
        """The processes of parts with this word in their command."""
        return [process.pid for process in self.processes() if any(word in each for each in process.cmdline())]

    def wait_parts(self, word: str, count: int) -> None:
        give_up_at = time.monotonic() + self.READY_S_MAX
        while len(self.pids(word)) != count:
            assert time.monotonic() < give_up_at, self.output
            time.sleep(0.05)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
