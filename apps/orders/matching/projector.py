"""The projector: journal → tables, exactly once, in order.

Invariants:
    `Projection.last_number` moves in the transaction that writes what the batches say; a projector killed anywhere goes
    on where the tables are.
    It moves only from the number this projector read: of two, one is turned back.
    The tables are never ahead of the journal; where they are, it is another journal, and nothing is projected from it.
    A commit here does not wait for the disk. What a lost machine takes along is whole transactions from the end on,
    the place with the rows, and the journal has it all: it is projected again. Whoever commits with full
    synchronisation on the same database has everything before on the disk too.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from django.db import IntegrityError, connections, router, transaction
from django.db.backends.utils import CursorWrapper

from apps.accounts.models import Account
from apps.marketdata.candles.intervals import BASES_S
from apps.marketdata.models import Asset, Instrument
from apps.orders.matching import engine
from apps.orders.matching.candles import CandleProjector, candle_projector_resumed
from apps.orders.matching.errors import JournalDamagedError, ProjectionOvertakenError, ProjectionRefusedError
from apps.orders.matching.exclusive import projection_alone
from apps.orders.matching.journal import Journal, JournalRow, read_ahead
from apps.orders.matching.recovery import tables_place
from apps.orders.matching.retention import retention_forget
from apps.orders.matching.revisions import revisions_write
from apps.orders.matching.tables import WRITES, Rows, pack_write, tables_clear
from apps.orders.models import Projection

logger = logging.getLogger(__name__)

_ROWS_FIRST = 64
_ROWS_MAX = 2_048
_CHUNK_BYTES = 4 * 1024 * 1024
_CACHE_KIB = 4_096
"""Of SQLite's pages: projecting touches indexes all over the tables, and nobody else writes them."""

_SWIFTLY = {
    "sqlite": ("PRAGMA synchronous=NORMAL", f"PRAGMA cache_size=-{_CACHE_KIB}"),
    "postgresql": ("SET synchronous_commit = off",),
}
"""How a projector's connection is set up: its syncs would keep the journal's waiting for the same disk."""

_TABLE = Projection._meta.db_table
_BEGIN = (
    f"INSERT INTO {_TABLE} (shard, last_number, last_sequence, chain, updated_at) "  # noqa: S608 - the model's name
    "VALUES (%s, 0, 0, %s, 0) ON CONFLICT (shard) DO NOTHING"
)
_ADVANCE = (
    f"UPDATE {_TABLE} SET last_number = %s, last_sequence = %s, chain = %s, updated_at = %s "  # noqa: S608 - the model's name
    "WHERE shard = %s AND last_number = %s"
)

_FILLS = list(WRITES).index("fills")

_decode = msgspec.msgpack.Decoder(list[list[Any]]).decode


class ShardProjector:
    """Projects one shard through the calling thread's connections."""

    def __init__(self, shard: int, *, anew: bool = False, batches_max: int = _ROWS_MAX) -> None:
        """Begin where the tables are; `anew`: they are about to be emptied, so it does not matter where.

        `batches_max`: at most so many in one transaction.

        Raises:
            JournalBehindTablesError: the tables were made from another journal.

        """
        self.shard = shard
        self.alias = router.db_for_write(Projection)
        self.number = 0
        self._journal = Journal(shard)
        self._rows = min(_ROWS_FIRST, batches_max)
        self._rows_max = batches_max
        self._packer = engine.Projector()
        with connections[self.alias].cursor() as cursor:
            for statement in _SWIFTLY[connections[self.alias].vendor]:
                cursor.execute(statement)
        if not anew:
            self.reread()

    def reread(self) -> None:
        """Take up where the tables are, whoever brought them there.

        Raises:
            JournalBehindTablesError: they were made from another journal.

        """
        self.number = tables_place(self._journal)
        self._packer = packer_seeded()
        self._candles = candle_projector_resumed(self.shard)

    def step(self) -> int:
        """Project the next batches in one transaction; give how many.

        Raises:
            JournalDamagedError: a batch is missing.
            ProjectionRefusedError: a constraint of the tables does not allow what a batch says.
            ProjectionOvertakenError: another projector moved the tables on; `reread` first.

        """
        rows = self._journal.chunk(self.number, rows=self._rows)
        if rows:
            try:
                self._write(rows)
            except IntegrityError:
                self._write_singly(rows)
            self._resize(rows)
        return len(rows)

    def _write(self, rows: list[JournalRow]) -> None:
        lists = self._pack(rows)
        with transaction.atomic(using=self.alias, durable=True), connections[self.alias].cursor() as cursor:
            self._advance(cursor, rows[-1])
            self._write_lists(cursor, lists, rows)
        self.number = rows[-1].number

    def _write_lists(self, cursor: CursorWrapper, lists: Sequence[Rows], rows: list[JournalRow]) -> None:
        pack_write(cursor, lists, shard=self.shard)
        revisions_write(cursor, (row.events for row in rows))
        self._candles.write(cursor, lists[_FILLS])

    def _write_singly(self, rows: list[JournalRow]) -> None:
        """Write what can be written of rows that were refused together, and find the batch that cannot."""
        self.reread()
        for row in rows:
            try:
                self._write([row])
            except IntegrityError as error:
                detail = " ".join(str(error).split())
                raise ProjectionRefusedError(self.shard, row.number, detail) from error

    def rebuild(self, *, progress: Callable[[int, int], None]) -> int:
        """Empty the tables and fill them from the journal in one transaction; give the last batch's number.

        `progress` is told how far it is and how far it goes.

        Raises:
            JournalDamagedError: a batch is missing.

        """
        head = self._journal.head()
        upto = head.number if head else 0
        with transaction.atomic(using=self.alias, durable=True), connections[self.alias].cursor() as cursor:
            labelled = _simulated()
            tables_clear(cursor)
            retention_forget(self.shard)
            cursor.execute(_BEGIN, (self.shard, bytes(32)))
            Projection.objects.filter(shard=self.shard).update(last_number=0, last_sequence=0, chain=bytes(32))
            self.number = 0
            self._packer = engine.Projector()
            self._candles = CandleProjector(self.shard, begins=dict.fromkeys(BASES_S, 0))
            for chunk in read_ahead(self._journal, 0):
                lists = self._pack(chunk)
                self._advance(cursor, chunk[-1])
                self._write_lists(cursor, lists, chunk)
                self.number = chunk[-1].number
                progress(self.number, max(upto, self.number))
            for model, ids in labelled.items():
                model.objects.filter(id__in=ids).update(simulated=True)
        return self.number

    def _pack(self, rows: list[JournalRow]) -> Sequence[Rows]:
        for expected, row in enumerate(rows, start=self.number + 1):
            if row.number != expected:
                raise JournalDamagedError(self.shard, expected, "the batch is missing")
        return _decode(self._packer.pack([(row.number, row.at, row.events) for row in rows]))

    def _advance(self, cursor: CursorWrapper, last: JournalRow) -> None:
        """Move on from the number the tables were at; who else moved them is found here, before anything is written."""
        if self.number == 0:
            cursor.execute(_BEGIN, (self.shard, bytes(32)))
        values = (last.number, last.last_sequence, last.chain, last.at, self.shard, self.number)
        cursor.execute(_ADVANCE, values)
        if cursor.rowcount != 1:
            message = f"the tables of shard {self.shard} are no longer at batch {self.number}"
            raise ProjectionOvertakenError(message)

    def _resize(self, rows: list[JournalRow]) -> None:
        mean = sum(len(row.events) for row in rows) // len(rows) + 1
        self._rows = min(max(_CHUNK_BYTES // mean, 1), self._rows_max)


def packer_seeded() -> engine.Projector:
    """Return what packs the batches behind those the tables are made of."""
    packer = engine.Projector()
    packer.seed(
        assets=list(Asset.objects.values_list("id", "scale")),
        instruments=list(Instrument.objects.values_list("id", "base_id", "quote_id", "price_scale")),
    )
    return packer


def _simulated() -> dict[type[Instrument] | type[Account], list[int]]:
    """Return what is labelled as simulated: the one thing about these rows the journal does not say."""
    return {
        model: list(model.objects.filter(simulated=True).values_list("id", flat=True))
        for model in (Instrument, Account)
    }


def projection_rebuild(shard: int, *, progress: Callable[[int, int], None]) -> int:
    """Drop and rebuild the projected tables in one go; give the last batch's number.

    Raises:
        ProjectionBusyError: a projector runs.
        JournalDamagedError: the journal cannot be true.

    """
    with projection_alone(shard):
        return ShardProjector(shard, anew=True).rebuild(progress=progress)
