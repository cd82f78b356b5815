"""A disk that fails and a clock that jumps, at will, under the processes of a whole venue.

A small library is loaded before libc (`LD_PRELOAD`), compiled by the C compiler that building the engine takes anyway.
"""

import errno
import mmap
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).with_name("faulty.c")
_CONTROL = struct.Struct("=iiq48s")
NS_PER_S = 1_000_000_000


class Disk(NamedTuple):
    """What a disk answers when it is asked to sync, or to write: an errno, 0 for doing it."""

    sync: int = 0
    write: int = 0


class Faults:
    """What ails the files below a folder, and how far off the clock is, for all processes with this environment."""

    def __init__(self, library: Path, folder: Path, *, under: Path) -> None:
        """Put the control file into a folder of its own; `under` is where disk faults happen."""
        self.under = under
        file = folder / "faults"
        file.write_bytes(bytes(_CONTROL.size))
        with file.open("r+b") as handle:
            self._control = mmap.mmap(handle.fileno(), _CONTROL.size)
        self._clock_ns = 0
        self.environment = {
            "LD_PRELOAD": str(library),
            "CIFT_FAULTS": str(file),
            "CIFT_FAULTS_UNDER": os.path.realpath(under),
        }

    @contextmanager
    def disk(self, ill: Disk, *, name: str = "") -> Iterator[None]:
        """Fail syncing, or writing, files with `name` in theirs."""
        self._set(ill, name=name)
        try:
            yield
        finally:
            self._set()

    def clock(self, seconds: float) -> None:
        """Have the clock be off by so much."""
        self._clock_ns = int(seconds * NS_PER_S)
        self._set()

    def _set(self, ill: Disk | None = None, *, name: str = "") -> None:
        # The name first: the errors are looked at before it.
        self._control[:] = _CONTROL.pack(0, 0, self._clock_ns, name.encode())
        self._control[:] = _CONTROL.pack(*(ill or Disk()), self._clock_ns, name.encode())


DISKS = {
    "a disk that does not sync": Disk(sync=errno.EIO),
    "a sync that finds the disk full": Disk(sync=errno.ENOSPC),
    "a full disk": Disk(write=errno.ENOSPC),
    "a disk that takes no writes": Disk(write=errno.EIO),
}

_missing = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def faulty_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("faulty") / "faulty.so"
    words = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(words, check=True)
    return library


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 8 MiB, where this user may mount one; where not, that stands out in the summary."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)],  # noqa: S607
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        reason = f"{request.node.nodeid}: {mounted.stderr.strip()}"
        request.config.stash.setdefault(_missing, []).append(reason)
        yield None
        return
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_missing, [])
    if lines:
        terminalreporter.section("NOT TESTED ON A DISK THAT IS REALLY FULL", sep="!", red=True, bold=True)
        for line in lines:
            terminalreporter.write_line(line, red=True)
        terminalreporter.write_line("it takes the right to mount; writes that fail are tested all the same", red=True)
