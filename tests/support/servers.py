"""A server of other people's that a test run starts: waited for, killed, started again on its port."""

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

from tests.support.venue import free_port


@dataclass
class Server(ABC):
    """One server and its folder; `words` start it, `answers` says whether it can be used."""

    READY_S_MAX: ClassVar[float] = 10.0

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @abstractmethod
    def words(self) -> Sequence[str]: ...

    @abstractmethod
    def answers(self) -> bool: ...

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(self.words(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give_up_at = time.monotonic() + self.READY_S_MAX
        while not self.answers():
            assert self.process.poll() is None, f"{type(self).__name__} ended"
            assert time.monotonic() < give_up_at, f"{type(self).__name__} does not start"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


ServerT = TypeVar("ServerT", bound=Server)


@contextmanager
def server_running(server: ServerT) -> Iterator[ServerT]:
    try:
        server.start()
        yield server
    finally:
        server.kill()
