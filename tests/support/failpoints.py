"""Points at which a process of the venue kills itself with SIGKILL, when a test says so.

The venue knows nothing of them: they are there only under `tests.support.failing`, whose app wraps the venue's own
functions. `Failpoint.arm` writes a point's name into the data folder; the first process to come to that point takes the
file away, leaves its own id, and dies. With `group` it takes its siblings and its supervisor along.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings

ARMED, REACHED = "failpoint-armed", "failpoint-reached"

POINTS = {
    "before match": "a batch is taken from the queue, and not in the engine",
    "before commit": "a batch is matched, and not in the journal",
    "after commit": "a batch is in the journal, and nobody was answered",
    "during publish": "of a batch the books were published, the accounts' news were not",
    "in projection": "batches are written to the tables, and not committed",
    "in snapshot": "a snapshot is written, the old ones are not deleted, and nothing is committed",
    "at start": "the engine is recovered, and the writer's epoch is not opened",
}


class Failpoint:
    """A test's side: arms one point of a venue, and tells who died there."""

    def __init__(self, folder: Path) -> None:
        """Take the data folder."""
        self._armed, self._reached = folder / ARMED, folder / REACHED

    def arm(self, point: str, *, group: bool = False) -> None:
        """Let the next process that comes to a point die there."""
        assert point in POINTS
        self._reached.unlink(missing_ok=True)
        draft = self._armed.with_suffix(".draft")
        draft.write_text(f"{point}\n{group:d}")
        draft.rename(self._armed)

    def reached(self, *, seconds: float) -> int:
        """Wait until a process came to the point; give its id."""
        give_up_at = time.monotonic() + seconds
        while not (self._reached.exists() and self._reached.read_text()):
            assert time.monotonic() < give_up_at, "nothing came to the point"
            time.sleep(0.01)
        return int(self._reached.read_text())


def come_to(point: str) -> None:
    """Die here, if a test wants it."""
    armed: Path = settings.DATA_DIR / ARMED
    try:
        wanted, group = armed.read_text().splitlines()
        if wanted != point:
            return
        armed.unlink()
    except FileNotFoundError:
        return
    (settings.DATA_DIR / REACHED).write_text(str(os.getpid()))
    if group == "1":
        supervisor = os.getppid()
        for process in [*_children(supervisor), supervisor]:
            os.kill(process, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _children(parent: int) -> list[int]:
    """Return a process's children, but for this one."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in listed if int(child) != os.getpid()]


class FailpointsConfig(AppConfig):
    """Wraps the venue's functions at the points."""

    name = "tests.support"
    label = "failpoints"

    def ready(self) -> None:
        """Wrap them."""
        from apps.orders.matching import projector, writer  # noqa: PLC0415 - needs the models
        from apps.orders.matching.committer import Committer  # noqa: PLC0415
        from apps.orders.matching.writer import Writer  # noqa: PLC0415
        from apps.orders.models import Snapshot  # noqa: PLC0415
        from cift.bus.local import LocalBus  # noqa: PLC0415

        _before(Writer, "_match", "before match", when=lambda _writer, _engine, items, _at: bool(items[0].count))
        _before(Committer, "_commit", "before commit")
        _behind(Committer, "_commit", "after commit")
        _before(LocalBus, "publish", "during publish", when=lambda _bus, subject, _text: subject.startswith("account."))
        _behind(projector, "pack_write", "in projection")
        _behind(Snapshot.objects, "update_or_create", "in snapshot")
        _behind(writer, "recover", "at start")


def _before(owner: Any, name: str, point: str, *, when: Callable[..., bool] = lambda *_: True) -> None:
    function = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if when(*args):
            come_to(point)
        return function(*args, **kwargs)

    setattr(owner, name, wrapped)


def _behind(owner: Any, name: str, point: str) -> None:
    function = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        come_to(point)
        return result

    setattr(owner, name, wrapped)
