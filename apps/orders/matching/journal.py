"""The journal of a shard: append one batch, read batches in order.

Invariants:
    A row is appended by one statement that commits itself: it is there whole and durable, or not at all.
    The primary key (shard, number) is the fence: of two writers, the second to use a number fails.

Statements are built from the model and go straight to the driver: a batch costs one round trip, its bytes travel
as bytes. Each thread has a connection of its own.
"""

from collections.abc import Iterator, Sequence
from queue import Full, Queue
from threading import Event, Thread
from typing import NamedTuple

from django.db import IntegrityError

from apps.orders.matching.connection import JournalConnection
from apps.orders.matching.errors import JournalConflictError
from apps.orders.models import JournalBatch

_CHUNK_BYTES = 8 * 1024 * 1024
_CHUNK_ROWS_FIRST = 64
_CHUNK_ROWS_MAX = 4_096
_CHUNKS_AHEAD = 2
_LOOKED_THROUGH_ROWS = 2_000


class JournalRow(NamedTuple):
    """One batch as the journal holds it; `at` ns since the epoch, UTC."""

    number: int
    epoch: int
    first_sequence: int
    last_sequence: int
    at: int
    engine_version: int
    commands: bytes
    events: bytes
    chain: bytes


def rows_bounded(rows: Sequence[JournalRow], *, bytes_max: int) -> Sequence[JournalRow]:
    """Return the first batches whose events are no larger together than so many bytes; at least one."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.events)
        if count and size > bytes_max:
            return rows[:count]
    return rows


_TABLE = JournalBatch._meta.db_table
_COLUMNS = ", ".join(JournalRow._fields)
_INSERT = (
    f"INSERT INTO {_TABLE} (shard, {_COLUMNS}) "  # noqa: S608 - names are the model's
    f"VALUES ({', '.join(['%s'] * (len(JournalRow._fields) + 1))})"
)
_HOLDS = {"sqlite": "instr(events, %s) > 0", "postgresql": "position(%s in events) > 0"}
_SELECT = f"SELECT {_COLUMNS} FROM {_TABLE} WHERE shard = %s"  # noqa: S608 - names are the model's


class Journal:
    """A shard's journal, through the calling thread's connection.

    `wait_ms_max` bounds how long one statement may wait for the database; 0 leaves it to the settings.
    """

    def __init__(self, shard: int, *, wait_ms_max: int = 0, connection: JournalConnection | None = None) -> None:
        """Name the shard; `connection`: what statements go through, with a bound of its own."""
        self.shard = shard
        self._connection = connection or JournalConnection(wait_ms_max=wait_ms_max)

    def append(self, row: JournalRow) -> None:
        """Append one batch, durably.

        Raises:
            JournalConflictError: the number or the first sequence is taken.
            JournalUnavailableError: no answer, or an error; the row may or may not be there.

        """
        try:
            self._connection.run(_INSERT, (self.shard, *row))
        except IntegrityError as error:
            raise JournalConflictError(row.number) from error

    def head(self) -> JournalRow | None:
        """Read the last batch."""
        return self._one(f"{_SELECT} ORDER BY number DESC LIMIT 1", self.shard)

    def get(self, number: int) -> JournalRow | None:
        """Read one batch."""
        return self._one(f"{_SELECT} AND number = %s", self.shard, number)

    def first_from(self, sequence: int) -> JournalRow | None:
        """Read the batch that holds a sequence, or the next there is."""
        return self._one(f"{_SELECT} AND last_sequence >= %s ORDER BY number LIMIT 1", self.shard, sequence)

    def holding(self, sequence: int) -> JournalRow | None:
        """Read the batch that holds a sequence."""
        row = self._one(
            f"{_SELECT} AND first_sequence <= %s ORDER BY first_sequence DESC LIMIT 1", self.shard, sequence
        )
        return row if row is not None and row.last_sequence >= sequence else None

    def chunk(self, after: int, *, rows: int) -> list[JournalRow]:
        """Read up to `rows` batches after a number, in order."""
        return self._all(f"{_SELECT} AND number > %s ORDER BY number LIMIT %s", self.shard, after, rows)

    def chunks(self, after: int) -> Iterator[list[JournalRow]]:
        """Read all batches after a number in chunks of about 8 MiB."""
        rows = _CHUNK_ROWS_FIRST
        while chunk := self.chunk(after, rows=rows):
            yield chunk
            after = chunk[-1].number
            mean = sum(len(row.commands) + len(row.events) for row in chunk) // len(chunk) + 1
            rows = min(max(_CHUNK_BYTES // mean, 1), _CHUNK_ROWS_MAX)

    def with_bytes(self, some: bytes, *, after: int, upto: int) -> Iterator[JournalRow]:
        """Read the batches after a number, up to another, whose events hold some bytes; the database looks for them."""
        statement = f"{_SELECT} AND number > %s AND number <= %s AND {_HOLDS[self._connection.vendor]} ORDER BY number"
        for begin in range(after, upto, _LOOKED_THROUGH_ROWS):
            yield from self._all(statement, self.shard, begin, min(begin + _LOOKED_THROUGH_ROWS, upto), some)

    def close(self) -> None:
        """Close the calling thread's connection; the next use opens it again."""
        self._connection.close()

    def _one(self, statement: str, *values: int) -> JournalRow | None:
        rows = self._all(statement, *values)
        return rows[0] if rows else None

    def _all(self, statement: str, *values: int | bytes) -> list[JournalRow]:
        return [JournalRow._make(row) for row in self._connection.run(statement, values)[0]]


def read_ahead(journal: Journal, after: int) -> Iterator[list[JournalRow]]:
    """Read all batches after a number, the next chunk while the caller works on this one.

    Raises:
        JournalUnavailableError: reading failed.

    """
    queue: Queue[list[JournalRow] | Exception | None] = Queue(maxsize=_CHUNKS_AHEAD)
    given_up = Event()

    def put(item: list[JournalRow] | Exception | None) -> None:
        while not given_up.is_set():
            try:
                queue.put(item, timeout=0.1)
            except Full:
                continue
            return

    def read() -> None:
        end: Exception | None = None
        try:
            for chunk in journal.chunks(after):
                put(chunk)
                if given_up.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - handed to the caller, whatever it is
            end = error
        finally:
            journal.close()
            put(end)

    reader = Thread(target=read, name="journal-reader", daemon=True)
    reader.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        given_up.set()
        reader.join()
