"""Trades into QuestDB: rows by its line protocol over HTTP, then the place, once rows and candles can be read.

Invariants:
    What is written again is one row, so a batch may be sent as often as it takes.
    A place is written only behind its trades, and after every view of candles has them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from questdb import QuestDBError, Sender, TimestampNanos

from apps.marketdata.ticks.questdb_link import QuestDBLink, QuestDBUnavailableError
from apps.marketdata.ticks.questdb_tables import PLACES, TICKS, Place, place_select, tables_made

SEND_MS_MAX = 5_000
"""How long one request may take."""

RETRY_MS_MAX = 500
"""How long a request that met a connection from before a restart is tried again."""

VIEWS_S_MAX = 5.0
"""How long the views of candles may take to follow."""

_POLL_S = 0.01
# The epoch: a place is one row, overwritten.
_PLACE_AT = 0
_LAGGING = (
    "SELECT count() FROM materialized_views() WHERE view_status != 'valid' OR refresh_base_table_txn < base_table_txn"
)
_INVALID = "SELECT view_name FROM materialized_views() WHERE view_status = 'invalid'"
_UNAPPLIED = "SELECT count() FROM wal_tables() WHERE suspended OR writerTxn < sequencerTxn"

# Of what the client takes; it wants a dictionary of just that type.
Columns = dict[str, Any]


class TickRow(NamedTuple):
    """A trade of an instrument.

    Units and the side are as on the wire, `notional` is in the quote asset's smallest unit, `at` in ns since epoch.
    """

    instrument: int
    sequence: int
    price: int
    quantity: int
    notional: int
    taker_side: int
    at: int


class TickWriter:
    """Writes a shard's trades and its place, from one thread."""

    def __init__(
        self,
        *,
        url: str,
        sql_port: int,
        user: str,
        password: str,
        keep_s: Mapping[int, int] | None = None,
        ticks_keep_days: int | None = None,
    ) -> None:
        """Take where the server is, who writes, and how long candles (by their length, in s) and trades are kept."""
        address = urlsplit(url)
        self._link = QuestDBLink(host=address.hostname or "localhost", port=sql_port, user=user, password=password)
        self._conf = (
            f"{address.scheme}::addr={address.netloc};username={_escaped(user)};password={_escaped(password)};"
            f"auto_flush=off;protocol_version=2;request_timeout={SEND_MS_MAX};retry_timeout={RETRY_MS_MAX};"
        )
        self._keep_s = dict(keep_s or {})
        self._ticks_keep_days = ticks_keep_days
        self._sender: Sender | None = None

    def tables_ensure(self) -> None:
        """Make what is missing, and begin a view anew that the server gave up.

        Raises:
            QuestDBUnavailableError, QuestDBRefusedError: as statements do.

        """
        for statement in tables_made(keep_s=self._keep_s, ticks_keep_days=self._ticks_keep_days):
            self._link.run(statement)
        for (name,) in self._link.run(_INVALID):
            self._link.run(f"REFRESH MATERIALIZED VIEW {name} FULL")

    def place(self, shard: int) -> Place:
        """Read how far the store is.

        Raises:
            QuestDBUnavailableError, QuestDBRefusedError: as statements do.

        """
        rows = self._link.run(place_select(shard))
        return Place._make(rows[0]) if rows else Place(0, 0, 0)

    def trades_write(self, rows: Iterable[TickRow]) -> int:
        """Write trades in one transaction; return how many.

        Raises:
            QuestDBUnavailableError: they may or may not be there; writing them again does no harm.

        """
        count = 0
        columns: Columns
        with self._sending() as sender:
            for instrument, sequence, price, quantity, notional, side, at in rows:
                columns = {
                    "instrument": instrument,
                    "sequence": sequence,
                    "price": price,
                    "quantity": quantity,
                    "notional": notional,
                    "side": int(side),
                }
                sender.row(TICKS, columns=columns, at=TimestampNanos(at))
                count += 1
        return count

    def place_write(self, shard: int, place: Place, *, timeout_s: float = VIEWS_S_MAX) -> bool:
        """Write a place once its trades and their candles can be read; False: they, or it, cannot be read yet.

        Raises:
            QuestDBUnavailableError, QuestDBRefusedError: as statements do.

        """
        if not self.settled(timeout_s=timeout_s):
            return False
        columns: Columns = {"shard": shard, "number": place.number, "sequence": place.sequence, "at": place.at}
        with self._sending() as sender:
            sender.row(PLACES, columns=columns, at=TimestampNanos(_PLACE_AT))
        return _until(lambda: self.place(shard) == place, timeout_s=timeout_s)

    def settled(self, *, timeout_s: float = VIEWS_S_MAX) -> bool:
        """Wait, bounded, until all that was written can be read, candles included.

        Raises:
            QuestDBUnavailableError, QuestDBRefusedError: as statements do.

        """
        return _until(
            lambda: not any(self._link.run(question)[0][0] for question in (_UNAPPLIED, _LAGGING)), timeout_s=timeout_s
        )

    @contextmanager
    def _sending(self) -> Iterator[Sender]:
        """Send what is put into the kept sender; one that failed, or was left half full, is not used again."""
        sender = self._sender
        self._sender = None
        try:
            if sender is None:
                sender = Sender.from_conf(self._conf)
                sender.establish()  # type: ignore[no-untyped-call] # its stub has no types
            yield sender
            sender.flush()
        except QuestDBError as error:
            if sender is not None:
                sender.close(flush=False)
            raise QuestDBUnavailableError(str(error)) from error
        except BaseException:
            if sender is not None:
                sender.close(flush=False)
            raise
        self._sender = sender


def _until(is_so: Callable[[], bool], *, timeout_s: float) -> bool:
    """Wait, bounded, until something is so; tell whether it is."""
    give_up_at = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(_POLL_S)
    return True


def _escaped(value: str) -> str:
    """Write a value as the client's configuration reads it."""
    return value.replace(";", ";;")
