"""The projected tables, and how packed rows get into them in bulk.

The layout of a pack is Rust's (`Projector.pack` in `cift_matching`); each list of rows has its table and its columns
here, in the same order. SQLite takes a list by `executemany`, PostgreSQL takes inserts by COPY and the rest as one
statement over arrays.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

from django.db import connections, models
from django.db.backends.utils import CursorWrapper

from apps.accounts.models import Account, Balance, LedgerEntry, Withdrawal
from apps.marketdata.models import Asset, CandleHistory, FeeTier, Instrument, StoredCandle
from apps.orders.codes import Liquidity
from apps.orders.models import Fill, Order, OrderRevision, Position, PositionLimit, VenueState

Row = Sequence[Any]
Rows = list[Row]

_INSTRUMENT_TERMS = (
    "status",
    "tick_size",
    "lot_size",
    "quantity_min",
    "quantity_max",
    "notional_min",
    "band_ppm",
    "slippage_ppm",
    "reference_price",
)
_ACCOUNT_SETTINGS = ("status", "killed", "fee_tier", "open_orders_max", "stp", "sequence")


@dataclass(frozen=True)
class TableWrite:
    """One list of a pack on its way into a table.

    `columns` name a row's values in order. Without a `key` rows are inserted; with one and `upsert`, inserted or
    overwritten; with one alone, changed: `kept` columns stay where the value is nil, `added` ones are increments.
    """

    model: type[models.Model]
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    upsert: bool = False
    kept: frozenset[str] = field(default_factory=frozenset)
    added: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def table(self) -> str:
        """Name the table."""
        return self.model._meta.db_table

    @cached_property
    def values(self) -> tuple[str, ...]:
        """Name the columns that are no key."""
        return tuple(column for column in self.columns if column not in self.key)

    def write(self, cursor: CursorWrapper, rows: Rows) -> None:
        """Write rows in the current transaction."""
        if not rows:
            return
        if cursor.db.vendor == "postgresql":
            self._write_postgresql(cursor, rows)
        else:
            cursor.executemany(self._sqlite, rows)

    @cached_property
    def _sqlite(self) -> str:
        if self.key and not self.upsert:
            given = {column: f"?{index}" for index, column in enumerate(self.columns, start=1)}
            return f'UPDATE "{self.table}" SET {self._sets(given)} WHERE {self._same_key(given)}'  # noqa: S608 - the models' names
        return f"{self._insert} VALUES ({', '.join(['%s'] * len(self.columns))}){self._on_conflict}"

    def _write_postgresql(self, cursor: CursorWrapper, rows: Rows) -> None:
        if not self.key:
            statement = f'COPY "{self.table}" ({_names(self.columns)}) FROM STDIN'
            # The one way to the driver that Django does not go along: its errors would be the driver's own.
            with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
            return
        arrays = ", ".join(f"%s::{kind}[]" for kind in self._types)
        source = f"unnest({arrays}) AS given ({_names(self.columns)})"
        if self.upsert:
            statement = f"{self._insert} SELECT * FROM {source}{self._on_conflict}"  # noqa: S608 - the models' names
        else:
            given = {column: f'given."{column}"' for column in self.columns}
            where = f"FROM {source} WHERE {self._same_key(given)}"
            statement = f'UPDATE "{self.table}" SET {self._sets(given)} {where}'  # noqa: S608 - the models' names
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])

    @cached_property
    def _insert(self) -> str:
        return f'INSERT INTO "{self.table}" ({_names(self.columns)})'

    @cached_property
    def _on_conflict(self) -> str:
        if not self.key:
            return ""
        sets = ", ".join(f'"{column}" = excluded."{column}"' for column in self.values)
        return f" ON CONFLICT ({_names(self.key)}) DO UPDATE SET {sets}"

    @cached_property
    def _types(self) -> tuple[str, ...]:
        connection = connections["default"]
        fields: list[Any] = list(self.model._meta.concrete_fields)
        kinds = {each.column: str(each.rel_db_type(connection)) for each in fields}
        return tuple(kinds[column] for column in self.columns)

    def _sets(self, given: dict[str, str]) -> str:
        return ", ".join(f'"{column}" = {self._set(column, given[column])}' for column in self.values)

    def _set(self, column: str, value: str) -> str:
        if column in self.added:
            return f'"{self.table}"."{column}" + {value}'
        if column in self.kept:
            return f'COALESCE({value}, "{self.table}"."{column}")'
        return value

    def _same_key(self, given: dict[str, str]) -> str:
        return " AND ".join(f'"{self.table}"."{column}" = {given[column]}' for column in self.key)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _columns(model: type[models.Model], *, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(each.column for each in model._meta.concrete_fields if each.column not in without)


WRITES: dict[str, TableWrite] = {
    "orders_new": TableWrite(Order, _columns(Order)),
    "orders_changed": TableWrite(
        Order,
        (
            "id",
            "price",
            "quantity",
            "status",
            "filled_quantity",
            "canceled_quantity",
            "leaves_quantity",
            "filled_notional",
            "fee",
            "reason",
            "sequence",
            "updated_at",
        ),
        key=("id",),
        kept=frozenset({"price", "quantity", "status", "filled_notional", "fee", "reason"}),
        added=frozenset({"filled_quantity", "canceled_quantity"}),
    ),
    "fills": TableWrite(Fill, _columns(Fill)),
    "ledger": TableWrite(LedgerEntry, _columns(LedgerEntry, without=("id",))),
    "balances": TableWrite(Balance, _columns(Balance, without=("id",)), key=("account_id", "asset_id"), upsert=True),
    "positions": TableWrite(
        Position, _columns(Position, without=("id",)), key=("account_id", "instrument_id"), upsert=True
    ),
    "accounts_new": TableWrite(Account, _columns(Account, without=("simulated",))),
    "accounts_changed": TableWrite(Account, ("id", *_ACCOUNT_SETTINGS), key=("id",)),
    "assets": TableWrite(Asset, _columns(Asset)),
    "instruments": TableWrite(Instrument, _columns(Instrument, without=("simulated",))),
    "instruments_changed": TableWrite(
        Instrument,
        ("id", *_INSTRUMENT_TERMS, "maker_ppm", "taker_ppm"),
        key=("id",),
        kept=frozenset({*_INSTRUMENT_TERMS, "maker_ppm", "taker_ppm"}),
    ),
    "fee_tiers": TableWrite(FeeTier, _columns(FeeTier, without=("id",)), key=("instrument_id", "tier"), upsert=True),
    "position_limits": TableWrite(
        PositionLimit, _columns(PositionLimit, without=("id",)), key=("account_id", "instrument_id"), upsert=True
    ),
    "withdrawals_new": TableWrite(Withdrawal, _columns(Withdrawal)),
    "withdrawals_changed": TableWrite(Withdrawal, ("id", "status", "settled_at", "sequence"), key=("id",)),
    "venue": TableWrite(VenueState, _columns(VenueState), key=("shard",), upsert=True),
}
"""Every list of a pack but the last, in its order."""

PROJECTED: tuple[type[models.Model], ...] = (
    *dict.fromkeys(write.model for write in WRITES.values()),
    OrderRevision,
    StoredCandle,
    CandleHistory,
)
"""The tables a projection fills, and may empty."""


def pack_write(cursor: CursorWrapper, lists: Sequence[Rows], *, shard: int) -> None:
    """Write a decoded pack in the current transaction."""
    for (name, write), rows in zip(WRITES.items(), lists, strict=False):
        if name == "venue":
            write.write(cursor, [(shard, *row) for row in rows])
        else:
            write.write(cursor, rows)


_FILL_COLUMNS = WRITES["fills"].columns
_LIQUIDITY = _FILL_COLUMNS.index("liquidity")


def fill_values(*names: str) -> Callable[[Row], tuple[Any, ...]]:
    """Return what reads these columns of a pack's fill; two at least."""
    return itemgetter(*map(_FILL_COLUMNS.index, names))


def taker_fills(fills: Iterable[Row]) -> Iterator[Row]:
    """Return a pack's trades: each is its taker's fill."""
    return (row for row in fills if row[_LIQUIDITY] == Liquidity.TAKER)


def tables_clear(cursor: CursorWrapper) -> None:
    """Empty every projected table in the current transaction."""
    for model in reversed(PROJECTED):
        cursor.execute(f'DELETE FROM "{model._meta.db_table}"')  # noqa: S608 - names are the models'
