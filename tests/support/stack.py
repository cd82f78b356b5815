"""The production topology as `manage.py stack` starts it, in a throwaway folder and on free ports."""

import asyncio
import json
import os
import random
import signal
import ssl
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import psutil
import psycopg

from cift.bus.base import BusError
from cift.bus.nats import NatsBus
from cift.bus.streams import LastMessage, Streams
from cift.stack.certificates import certificates_ensure
from cift.stack.parts import passwords_load
from cift.stack.postgres import USER
from cift.stack.venue import Ports, role_environment, venue_environment
from cift.wire.streams import Stream
from cift.wire.subjects import ROLES, status_subject
from tests.support.printing import Printing
from tests.support.venue import free_port


def free_ports() -> Ports:
    return Ports(**{each.name: free_port() for each in fields(Ports)})


@dataclass
class RunningStack(Printing):
    """A stack, its lines, and its parts by name."""

    READY_S_MAX: ClassVar[float] = 240.0
    END_S_MAX: ClassVar[float] = 60.0

    folder: Path
    ports: Ports = field(default_factory=free_ports)
    port: int = field(init=False)
    """Where the web processes listen."""

    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = self.ports.web

    def start(self) -> "RunningStack":
        named = (f"--{name.replace('_', '-')}-port={port}" for name, port in asdict(self.ports).items())
        self.launch("stack", "--folder", str(self.folder), *named, COLUMNS="200", **self.environment)
        return self

    def manage_environment(self) -> dict[str, str]:
        """What a command of `manage.py` needs to look at what the stack has."""
        venue = self.folder / "venue"
        secrets, tls = passwords_load(venue), certificates_ensure(venue)
        return {
            **venue_environment(venue, ports=self.ports, secrets=secrets, tls=tls),
            **role_environment("projector", secrets),
        }

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

    def bus(self, role: str) -> NatsBus:
        password = self.password(f"nats-{role}")
        return NatsBus(servers=[f"nats://127.0.0.1:{self.ports.nats}"], user=role, password=password)

    async def stream_last(self, stream: Stream) -> LastMessage | None:
        """The newest message of a stream, as the publisher reads it."""
        bus = self.bus("publisher")
        try:
            return await Streams(bus=bus).last(stream)
        finally:
            await bus.close()

    async def strange_bytes_everywhere(self, count: int = 20) -> None:
        """Send what is no message to every core subject, as a role that may."""
        dice = random.Random(1)  # noqa: S311 - a test's dice
        for name, role in ROLES.items():
            bus = self.bus(name)
            if not role.makes:
                for subject in (subject.replace("*", key) for subject in role.publishes for key in "0123456789x"):
                    for length in [0, *(dice.randrange(300) for _ in range(count))]:
                        await bus.publish(subject, dice.randbytes(length))
            for subject in (subject.replace("*", "0") for subject in role.asks):
                for length in [0, *(dice.randrange(300) for _ in range(count))]:
                    with suppress(BusError):
                        await bus.request(subject, dice.randbytes(length), timeout_s=1)
            await bus.close()

    async def _ask(self) -> int:
        from apps.orders.matching.service import ServiceState  # noqa: PLC0415 - needs Django set up

        bus = self.bus("web")
        try:
            answer = await bus.request(status_subject(0), b"", timeout_s=1)
        finally:
            await bus.close()
        return msgspec.msgpack.decode(answer, type=ServiceState).pid

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """Ask PostgreSQL as the venue's processes may."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.ports.postgres,
            user=USER,
            password=self.password("database"),
            dbname=database,
        ) as connection:
            return connection.execute(query.encode()).fetchall()

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
