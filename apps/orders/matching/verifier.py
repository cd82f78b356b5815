"""The verifier: a second engine fed from the journal. It must make the same events and the same chain hash.

It also makes the snapshots, from its own engine, so the writer never pauses for one. What it finds wrong halts the
shard.
"""

import logging
import time

from django.db import DatabaseError, InterfaceError

from apps.orders.matching.engine import ask, reexecute
from apps.orders.matching.errors import JournalDamagedError
from apps.orders.matching.halt import halt_raise
from apps.orders.matching.journal import Journal, JournalRow
from apps.orders.matching.marks import MARK_EVENTS, Marker
from apps.orders.matching.recovery import engine_at_snapshot
from apps.orders.matching.snapshots import snapshot_save
from apps.orders.models import Verification
from cift.wire.queries import StatsQuery

logger = logging.getLogger(__name__)

_ROWS_MAX = 512
_SNAPSHOT_PAUSES = 20
"""A snapshot that took so long is followed by a pause of so many times that, so that making them stays a side job."""
_FAILED_S = 1.0
"""A snapshot that failed counts as one that took so long."""
_PLACE_S = 1.0
"""How often the place is written down."""


class ShardVerifier:
    """Verifies one shard through the calling thread's connections.

    A snapshot is made when `every_batches` were verified, or any and `every_s` passed. `is_used_up`: it found something
    wrong, and what its engine says from there on is worth nothing.
    """

    def __init__(self, shard: int, *, every_batches: int, every_s: float, mark_events: int = MARK_EVENTS) -> None:
        """Begin at the last good snapshot; the books are marked every `mark_events`.

        Raises:
            JournalDamagedError: the journal does not agree with it; the shard is halted.

        """
        self.shard = shard
        self._journal = Journal(shard)
        self._every_batches = every_batches
        self._every_s = every_s
        self._snapshot_s = 0.0
        self._saved_at = time.monotonic()
        self.is_used_up = False
        try:
            self._engine = engine_at_snapshot(self._journal)
        except JournalDamagedError as error:
            self._halt(error)
            raise
        self.number = self._saved = self._engine.number
        self._marker = Marker(shard, events=mark_events)
        self._placed = -1
        self._placed_at = 0.0

    def step(self) -> int:
        """Verify the next batches; give how many.

        Raises:
            JournalDamagedError: a batch is not what its commands give; the shard is halted.

        """
        rows = self._journal.chunk(self.number, rows=_ROWS_MAX)
        try:
            self._reexecute(rows)
        except JournalDamagedError as error:
            self._halt(error)
            raise
        self.number = self._engine.number
        if self._is_due():
            self.save()
        if self.number != self._placed and time.monotonic() - self._placed_at >= _PLACE_S:
            self.place()
        return len(rows)

    def _reexecute(self, rows: list[JournalRow]) -> None:
        """Execute rows again, stopping where a mark of the books is due."""
        while rows:
            due_at = self._marker.due_at
            cut = next((count for count, row in enumerate(rows, 1) if row.last_sequence >= due_at), len(rows))
            reexecute(self._engine, rows[:cut], shard=self.shard)
            rows = rows[cut:]
            if self._engine.sequence >= due_at:
                self._marker.mark(self._engine)

    def place(self) -> None:
        """Write down how far it is."""
        stats = ask(self._engine, StatsQuery())
        values = {
            "last_number": self._engine.number,
            "last_sequence": self._engine.sequence,
            "open_orders": stats.open_orders,
            "ids": stats.ids,
        }
        Verification.objects.update_or_create(shard=self.shard, defaults=values)
        self._placed, self._placed_at = self.number, time.monotonic()

    def save(self) -> None:
        """Make a snapshot of what is verified since the last one; what fails is tried again later."""
        if self.number == self._saved:
            return
        began = time.monotonic()
        try:
            snapshot_save(self._engine, shard=self.shard)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("shard %s: no snapshot could be made: %s", self.shard, str(error).strip())
            self._saved_at, self._snapshot_s = time.monotonic(), _FAILED_S
            return
        self._saved, self._saved_at = self.number, time.monotonic()
        self._snapshot_s = self._saved_at - began
        logger.info("shard %s: snapshot after batch %s, in %.2f s", self.shard, self.number, self._snapshot_s)

    def _is_due(self) -> bool:
        verified = self.number - self._saved
        waited_s = time.monotonic() - self._saved_at
        if not verified or waited_s < _SNAPSHOT_PAUSES * self._snapshot_s:
            return False
        return verified >= self._every_batches or waited_s >= self._every_s

    def _halt(self, error: JournalDamagedError) -> None:
        """Halt the shard; whether the halt is taken or not, another verifier has to look again."""
        self.is_used_up = True
        halt_raise(shard=self.shard, number=error.number, detail=str(error))
