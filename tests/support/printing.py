"""A process of a test that prints what it does: started, read line by line as it prints, waited for, ended."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import ClassVar


@dataclass
class Printing:
    """A command of `manage.py`, and its lines."""

    ROOT: ClassVar[Path] = Path(__file__).resolve().parent.parent.parent
    READY_S_MAX: ClassVar[float] = 120.0
    END_S_MAX: ClassVar[float] = 20.0

    lines: list[str] = field(default_factory=list, kw_only=True)

    def launch(self, *words: str, **environment: str) -> None:
        """Start it, with what it prints on either stream in one."""
        self.process = subprocess.Popen(
            [sys.executable, str(self.ROOT / "manage.py"), *words],
            cwd=self.ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for(self, text: str, *, seconds: float | None = None, count: int = 1) -> None:
        """Wait until it has printed a text so many times."""
        seconds = self.READY_S_MAX if seconds is None else seconds
        give_up_at = time.monotonic() + seconds
        while self.output.count(text) < count:
            assert self.process.poll() is None, f"it ended:\n{self.output}"
            assert time.monotonic() < give_up_at, f"no {text!r} in {seconds} s:\n{self.output}"
            time.sleep(0.02)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal it and wait; give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait_end()

    def wait_end(self) -> int:
        """Wait until it ends, all of its lines read; give its exit code."""
        try:
            code = self.process.wait(timeout=self.END_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reading.join(timeout=5)
        return code
