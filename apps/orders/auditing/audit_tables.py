"""The projected tables held against a projection made anew from the journal, row by row, in bounded memory.

Fills and ledger entries are compared a stretch of sequences at a time; an order when it has ended, or at the end if it
is open; what is small (balances, accounts, instruments …) at the end. Rows the journal knows nothing of are found by
count.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from apps.accounts.codes import ACCOUNT_EXTERNAL
from apps.accounts.models import Account, Balance, LedgerCarried, LedgerEntry, Withdrawal
from apps.marketdata.models import Asset, FeeTier, Instrument
from apps.orders.auditing.audit_report import Invariant, ViolationError
from apps.orders.ids import fill_id_first, fill_trade, order_id_first, order_sequence
from apps.orders.matching import revisions
from apps.orders.matching.retention import Dropped
from apps.orders.matching.tables import WRITES, Row, Rows, TableWrite
from apps.orders.models import OPEN_STATUSES, Fill, Order, OrderRevision, Position, PositionLimit, VenueState

Table = type[Any]
"""A model with its manager."""

_SMALL: tuple[Table, ...] = (
    Account,
    Asset,
    Instrument,
    FeeTier,
    Balance,
    Position,
    PositionLimit,
    Withdrawal,
    VenueState,
)
_IDS_AT_ONCE = 500

_ORDER_COLUMNS = WRITES["orders_new"].columns
_STATUS = _ORDER_COLUMNS.index("status")
_SEQUENCE = _ORDER_COLUMNS.index("sequence")
_ACCOUNT = _ORDER_COLUMNS.index("account_id")


class TableChecker:
    """Folds packs as the projector does, and compares."""

    def __init__(self, shard: int) -> None:
        """Begin before the first batch."""
        self.shard = shard
        self.counts: dict[Table, int] = {Order: 0, Fill: 0, LedgerEntry: 0}
        self._open: dict[int, list[Any]] = {}
        self._folded: dict[Table, dict[Row, list[Any]]] = defaultdict(dict)
        self._ledger_totals: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._dropped = Dropped(shard)

    def take(self, lists: Sequence[Rows], *, first: int, last: int) -> None:
        """Compare what batches with sequences from `first` to `last` wrote.

        Raises:
            ViolationError: the tables say something else.

        """
        packed = dict(zip(WRITES, lists, strict=False))
        self._take_ledger(packed["ledger"], first, last)
        self._take_fills(packed["fills"], first, last)
        self._take_orders(packed["orders_new"], packed["orders_changed"], first, last)
        for name, write in WRITES.items():
            if write.model in self.counts:
                continue
            rows = packed[name]
            if write.model is VenueState:
                rows = [(self.shard, *row) for row in rows]
            self._fold(write, rows)

    def finish(self) -> None:
        """Compare what is open and what is small, and count.

        Raises:
            ViolationError: the tables say something else.

        """
        self._compare_orders(self._open)
        self._check_balances()
        for model in _SMALL:
            self._compare_folded(model)
        for model, count in self.counts.items():
            found = model.objects.count()
            if found != count:
                detail = f"there are {found} rows of {model._meta.db_table}, the journal makes {count}"
                raise ViolationError(Invariant.JOURNAL_AND_TABLES_TRUE, 0, detail)

    def _take_ledger(self, expected: Rows, first: int, last: int) -> None:
        columns = WRITES["ledger"].columns
        entries = LedgerEntry.objects.filter(sequence__range=(first, last)).order_by("sequence", "leg")
        rows = list(entries.values_list(*columns))
        sums: defaultdict[tuple[int, int], int] = defaultdict(int)
        for sequence, _leg, account, asset, amount, _kind, _at in rows:
            sums[sequence, asset] += amount
            self._ledger_totals[account, asset] += amount
        for (sequence, asset), total in sums.items():
            if total:
                detail = f"the ledger entries of the event sum to {total} in asset {asset}"
                raise ViolationError(Invariant.LEDGER_SUMS_TO_ZERO, sequence, detail)
        _compare(WRITES["ledger"], self._dropped.ledger_left(expected), rows, sequence_at=0)
        self.counts[LedgerEntry] += len(rows)

    def _take_fills(self, expected: Rows, first: int, last: int) -> None:
        columns = WRITES["fills"].columns
        rows = list(
            Fill.objects.filter(id__gte=fill_id_first(first), id__lt=fill_id_first(last + 1))
            .order_by("id")
            .values_list(*columns)
        )
        for maker, taker in _pairs(rows):
            # Side, price, quantity and notional stand behind the id, the order, the account and the instrument.
            if maker[4] == taker[4] or maker[5:8] != taker[5:8]:
                detail = "the two fills of the trade are not opposite and equal"
                raise ViolationError(Invariant.FILL_HAS_TWO_SIDES, maker[10], detail)
        trade, account = columns.index("trade_id"), columns.index("account_id")
        order = columns.index("order_id")
        left = self._dropped.rows_left(expected, sequence=trade, order=order, account=account)
        _compare(WRITES["fills"], left, rows, sequence_at=trade)
        self.counts[Fill] += len(rows)

    def take_revisions(self, expected: Rows, *, first: int, last: int) -> None:
        """Compare the revisions noted of a stretch of sequences.

        Raises:
            ViolationError: the table says something else.

        """
        rows = OrderRevision.objects.filter(sequence__range=(first, last)).order_by("sequence")
        left = self._dropped.rows_left(expected, sequence=0, order=1, account=2)
        _compare(revisions.WRITE, left, list(rows.values_list(*revisions.WRITE.columns)), sequence_at=0)

    def _take_orders(self, new: Rows, changed: Rows, first: int, last: int) -> None:
        entered = {row[0]: list(row) for row in new}
        ids = Order.objects.filter(id__gte=order_id_first(first), id__lt=order_id_first(last + 1))
        found = set(ids.values_list("id", flat=True))
        # One that may have left is looked at again when it has ended.
        here = {each for each, row in entered.items() if each in found or not self._may_be_gone(row)}
        if found != here:
            order_id = min(found ^ here)
            detail = f"order {order_id} is in {'the table' if order_id in found else 'the journal'} alone"
            raise ViolationError(Invariant.JOURNAL_AND_TABLES_TRUE, order_sequence(order_id), detail)
        self._open.update(entered)
        touched = set(entered)
        for row in changed:
            order = self._open.get(row[0])
            if order is None:
                detail = f"order {row[0]} changes though it is not open"
                raise ViolationError(Invariant.QUANTITY_ACCOUNTED, row[10], detail)
            _change(WRITES["orders_changed"], order, _ORDER_COLUMNS, row)
            touched.add(row[0])
        ended = {each: self._open[each] for each in touched if self._open[each][_STATUS] not in OPEN_STATUSES}
        gone = {each for each, row in ended.items() if self._is_gone(row)}
        self._compare_orders({each: row for each, row in ended.items() if each not in gone})
        for each in ended:
            del self._open[each]
        self.counts[Order] += len(entered) - len(gone)

    def _is_gone(self, order: Sequence[Any]) -> bool:
        return self._dropped.is_gone(account=order[_ACCOUNT], sequence=order[_SEQUENCE])

    def _may_be_gone(self, entered: Sequence[Any]) -> bool:
        return self._dropped.is_gone(account=entered[_ACCOUNT], sequence=order_sequence(entered[0]))

    def _compare_orders(self, expected: dict[int, list[Any]]) -> None:
        ids = sorted(expected)
        for start in range(0, len(ids), _IDS_AT_ONCE):
            wanted = ids[start : start + _IDS_AT_ONCE]
            found = Order.objects.filter(id__in=wanted).order_by("id").values_list(*_ORDER_COLUMNS)
            rows = [expected[each] for each in wanted]
            _compare(WRITES["orders_new"], rows, list(found), sequence_at=_SEQUENCE)

    def _fold(self, write: TableWrite, rows: Rows) -> None:
        """Write rows into memory as the projector writes them into the table."""
        folded = self._folded[write.model]
        key_columns = write.key or ("id",)
        places = [write.columns.index(column) for column in key_columns]
        for row in rows:
            key = tuple(row[place] for place in places)
            if write.key and not write.upsert:
                _change(write, folded[key], _columns_of(write.model), row)
            else:
                folded[key] = list(row)

    def _compare_folded(self, model: Table) -> None:
        columns = _columns_of(model)
        write = next(each for each in WRITES.values() if each.model is model and each.columns == columns)
        key = write.key or ("id",)
        places = [columns.index(column) for column in key]
        rows = sorted(self._folded[model].values(), key=lambda row: [row[place] for place in places])
        found = list(model.objects.order_by(*key).values_list(*columns))
        sequence_at = columns.index("sequence") if "sequence" in columns else None
        _compare(write, rows, found, sequence_at=sequence_at)

    def _check_balances(self) -> None:
        carried = {(row.account_id, row.asset_id): row.amount for row in LedgerCarried.objects.all()}
        wanted = {key: amount for key, amount in self._dropped.carried.items() if amount}
        for key in sorted({*wanted, *carried}):
            if wanted.get(key, 0) != carried.get(key, 0):
                detail = (
                    f"account {key[0]} has {carried.get(key, 0)} of asset {key[1]} carried forward, by the journal "
                    f"{wanted.get(key, 0)}"
                )
                raise ViolationError(Invariant.BALANCE_IS_ITS_LEDGER, 0, detail)
            self._ledger_totals[key] += wanted.get(key, 0)
        rows = Balance.objects.values_list("account_id", "asset_id", "total", "held", "sequence")
        for account, asset, total, held, sequence in rows.order_by("sequence"):
            summed = self._ledger_totals.pop((account, asset), 0)
            detail = ""
            if total != summed:
                detail = f"account {account} has {total} of asset {asset}, its ledger entries sum to {summed}"
            elif account != ACCOUNT_EXTERNAL and not 0 <= held <= total:
                detail = f"account {account} holds {held} of {total} in asset {asset}"
            if detail:
                raise ViolationError(Invariant.BALANCE_IS_ITS_LEDGER, sequence, detail)


def _columns_of(model: Table) -> tuple[str, ...]:
    """Name the columns a folded row has: those of the list that enters it."""
    return next(each.columns for each in WRITES.values() if each.model is model)


def _change(write: TableWrite, row: list[Any], columns: Sequence[str], change: Row) -> None:
    """Apply a row of changes to a folded row, as `TableWrite` does in SQL."""
    for column, value in zip(write.columns, change, strict=True):
        place = columns.index(column)
        if column in write.added:
            row[place] += value
        elif value is not None or column not in write.kept:
            row[place] = value


def _pairs(fills: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Return the two sides of each trade the table has both of; they share its id."""
    for one, other in pairwise(fills):
        if fill_trade(one[0]) == fill_trade(other[0]):
            yield one, other


def _compare(write: TableWrite, expected: Iterable[Row], found: Sequence[Row], *, sequence_at: int | None) -> None:
    """Hold rows of a table against those the journal makes, both in one order."""
    wanted = [tuple(row) for row in expected]
    if wanted == found:
        return
    for one, other in zip(wanted, found, strict=False):
        if one != other:
            names = [name for name, a, b in zip(write.columns, one, other, strict=True) if a != b]
            name = names[0]
            place = write.columns.index(name)
            identity = ", ".join(f"{column} {value}" for column, value in zip(write.columns[:2], other, strict=False))
            detail = (
                f"{write.table}: {name} of the row with {identity} is {other[place]!r}, by the journal {one[place]!r}"
            )
            sequence = min(one[sequence_at], other[sequence_at]) if sequence_at is not None else 0
            raise ViolationError(Invariant.JOURNAL_AND_TABLES_TRUE, sequence, detail)
    longer = wanted if len(wanted) > len(found) else found
    row = longer[min(len(wanted), len(found))]
    where = "the journal" if longer is wanted else "the table"
    detail = f"{write.table}: the row with {write.columns[0]} {row[0]} is in {where} alone"
    raise ViolationError(Invariant.JOURNAL_AND_TABLES_TRUE, row[sequence_at] if sequence_at is not None else 0, detail)
