"""The production topology as `manage.py stack` starts it, in a throwaway folder and on free ports."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import msgspec
import psutil

from apps.orders.matching.service import ServiceState
from cift.bus.base import BusError
from cift.bus.nats import NatsBus
from cift.wire.subjects import status_subject
from tests.support.venue import ROOT, free_port

OPEN_S_MAX = 240.0
END_S_MAX = 60.0


@dataclass
class RunningStack:
    """A stack, its lines, and its parts by name."""

    folder: Path
    port: int = field(default_factory=free_port)
    lines: list[str] = field(default_factory=list)

    nats_port: int = field(default_factory=free_port)

    def start(self) -> "RunningStack":
        ports = {"web": self.port, "nats": self.nats_port, "postgres": free_port()}
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "manage.py"),
                "stack",
                "--folder",
                str(self.folder),
                *(f"--{name}-port={port}" for name, port in ports.items()),
            ],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()
        return self

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, text: str, *, seconds: float = OPEN_S_MAX) -> None:
        give_up_at = time.monotonic() + seconds
        while text not in self.output:
            assert self.process.poll() is None, f"the stack ended:\n{self.output}"
            assert time.monotonic() < give_up_at, f"no {text!r} in {seconds} s:\n{self.output}"
            time.sleep(0.05)

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.folder / "venue" / "tls" / "authority.pem")

    def logins(self) -> dict[str, str]:
        logins: dict[str, str] = json.loads((self.folder / "venue" / "logins.json").read_text())
        return logins

    def holder(self) -> int:
        """The order service that has the shard, as it says itself to whoever asks on the bus."""
        give_up_at = time.monotonic() + OPEN_S_MAX
        while True:
            assert time.monotonic() < give_up_at, self.output
            with suppress(BusError):
                return asyncio.run(self._ask())

    async def _ask(self) -> int:
        password = json.loads((self.folder / "venue" / "passwords.json").read_text())["nats-web"]
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
        give_up_at = time.monotonic() + OPEN_S_MAX
        while len(self.pids(word)) != count:
            assert time.monotonic() < give_up_at, self.output
            time.sleep(0.05)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=END_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reading.join(timeout=5)
        return code
