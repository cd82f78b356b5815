"""Retention: rows of simulated accounts that are old leave the tables; the journal keeps everything.

What goes, up to one sequence that only rises: orders of simulated accounts that ended by then, each with all its fills
and revisions, and the ledger entries of trades between simulated accounts. An order that is open keeps what it has,
however old: by that its life is found. What the entries sum to is carried forward for each account and asset, so a
balance is still the sum of its ledger. Whatever a trader of flesh took part in stays as it is: a trade's ledger entries
whole, and of its fills the trader's own.

An order may have more fills and revisions than a transaction should take. They leave in several, the oldest first,
while the sequence stands just before the order's end and `within` says which have left.

The rule is a function of the journal, the labels and these two numbers, so the audit and a rebuild know exactly which
rows must be missing.
"""

import bisect
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import router, transaction
from django.db.models import F

from apps.accounts.codes import ACCOUNT_FEES, LedgerKind
from apps.accounts.models import Account, LedgerCarried, LedgerEntry
from apps.orders.ids import fill_id_first, order_id_first
from apps.orders.matching.journal import Journal
from apps.orders.models import OPEN_STATUSES, Fill, Order, OrderRevision, Projection, Retention

LOOK_EVERY_S = 60.0
"""How often what has grown old is looked for."""

STEP_EVENTS = 5_000
"""At most so many sequences leave in one transaction, so that projecting waits for milliseconds."""

STEP_ROWS = 10_000
"""At most so many fills and revisions leave in one transaction."""

_IDS_AT_ONCE = 500
_TRADING = frozenset({int(LedgerKind.TRADE), int(LedgerKind.FEE)})

Row = Sequence[Any]


class Dropped:
    """What must be missing from the tables of a shard, and what is carried instead."""

    def __init__(self, shard: int) -> None:
        """Read how far retention is, and who is simulated."""
        self._place = place_of(shard)
        self.sequence = self._place.sequence
        self.accounts = simulated_accounts()
        self.carried: defaultdict[tuple[int, int], int] = defaultdict(int)

    def is_gone(self, *, account: int, sequence: int) -> bool:
        """Return whether an ended order whose last event has this sequence is gone."""
        return sequence <= self.sequence and account in self.accounts

    def rows_left(self, rows: Iterable[Row], *, sequence: int, order: int, account: int) -> list[Row]:
        """Take away the fills or revisions that are gone; the numbers say where a row has what.

        An order's rows go with the order, so which must be there is read from the table of orders: that one is held
        against the journal itself.
        """
        rows = list(rows)
        old = [row for row in rows if row[sequence] <= self.sequence and row[account] in self.accounts]
        if not old:
            return rows
        ends = _ends({row[order] for row in old})
        gone = {
            (row[sequence], row[order])
            for row in old
            if row[order] not in ends or self._place.has_left(row[sequence], end=ends[row[order]])
        }
        return [row for row in rows if (row[sequence], row[order]) not in gone]

    def ledger_left(self, entries: Iterable[Row]) -> list[Row]:
        """Take away the ledger entries that are gone, and carry what they sum to; whole events, in order."""
        left = []
        for sequence, event in _events(entries).items():
            if sequence <= self.sequence and _between_simulated(event, self.accounts):
                for row in event:
                    self.carried[row[2], row[3]] += row[4]
            else:
                left += event
        return left


class RetentionPlace(NamedTuple):
    """How far retention is, as the table says it."""

    sequence: int = 0
    within: int = 0

    def has_left(self, sequence: int, *, end: int | None) -> bool:
        """Return whether a fill or a revision has left though its order, which ended at `end` or is open, is there."""
        return sequence <= self.gap_end(end)

    def gap_end(self, end: int | None) -> int:
        """Return the sequence up to which fills and revisions of an order that is there have left; None: it is open."""
        return self.within if end == self.sequence + 1 else 0


def place_of(shard: int) -> RetentionPlace:
    """Read how far retention is."""
    found = Retention.objects.filter(shard=shard).values_list(*RetentionPlace._fields).first()
    return RetentionPlace(*(found or ()))


def _ends(orders: Iterable[int]) -> dict[int, int | None]:
    """Return the last sequence of those orders that are in the table, None for those that are open."""
    found: dict[int, int | None] = {}
    for ids in _some(orders):
        rows = Order.objects.filter(id__in=ids).values_list("id", "status", "sequence")
        found.update((row[0], None if row[1] in OPEN_STATUSES else row[2]) for row in rows)
    return found


def simulated_accounts() -> frozenset[int]:
    """Return the accounts that are labelled."""
    return frozenset(Account.objects.filter(simulated=True).values_list("id", flat=True))


def _events(entries: Iterable[Row]) -> dict[int, list[Row]]:
    """Group ledger entries (sequence, leg, account, asset, amount, kind, …) by their event."""
    events: dict[int, list[Row]] = {}
    for row in entries:
        events.setdefault(row[0], []).append(row)
    return events


def _between_simulated(event: Sequence[Row], accounts: frozenset[int]) -> bool:
    return all(row[5] in _TRADING and (row[2] in accounts or row[2] == ACCOUNT_FEES) for row in event)


class ShardRetention:
    """Drops what is old from a shard's tables, a step at a time, through the calling thread's connections."""

    def __init__(self, shard: int, *, keep_ns: int, step_events: int = STEP_EVENTS, step_rows: int = STEP_ROWS) -> None:
        """Take how long rows are kept behind the journal's last batch, and the most a step takes."""
        self.shard = shard
        self._step_events, self._step_rows = step_events, step_rows
        self._keep_ns = keep_ns
        self._journal = Journal(shard)
        self._upto = self._done = 0
        self._look_at = time.monotonic()

    def step(self) -> int:
        """Drop the next rows in one transaction.

        Gives how many sequences it went on, or, where one order has more than a step takes, how many of its rows left;
        0 when there is nothing old.
        """
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY_S
            self._look()
        if self._upto <= self._done:
            return 0
        before = self._done
        with transaction.atomic(using=router.db_for_write(Retention), durable=True):
            accounts = simulated_accounts()
            upto = min(self._upto, before + self._step_events)
            going = _Going(accounts, before=before, upto=upto, rows_max=self._step_rows)
            place = Retention.objects.filter(shard=self.shard)
            if going.after == before:
                rows = going.rows_first()
                _rows_drop(going.orders, upto=rows[-1])
                place.update(within=rows[-1])
                return len(rows)
            if accounts:
                _ledger_drop(before, going.after, accounts)
            _rows_drop(going.orders)
            for ids in _some(going.orders):
                Order.objects.filter(id__in=ids).delete()
            place.update(sequence=going.after, within=0)
        self._done = going.after
        return going.after - before

    def _look(self) -> None:
        """Find how far to go: behind the last batch that is old enough, and that the tables have."""
        done, _ = Retention.objects.get_or_create(shard=self.shard, defaults={"sequence": 0})
        self._done = done.sequence
        head = self._journal.head()
        projected = Projection.objects.filter(shard=self.shard).values_list("last_number", flat=True).first() or 0
        last = min(projected, head.number if head is not None else 0)
        if head is None or not last:
            return
        old = bisect.bisect_right(range(1, last + 1), head.at - self._keep_ns, key=self._time)
        row = self._journal.get(old) if old else None
        self._upto = row.last_sequence if row is not None else 0

    def _time(self, number: int) -> int:
        row = self._journal.get(number)
        return row.at if row is not None else 0


def _ledger_drop(after: int, upto: int, accounts: frozenset[int]) -> None:
    columns = ("sequence", "leg", "account_id", "asset_id", "amount", "kind")
    entries = LedgerEntry.objects.filter(sequence__gt=after, sequence__lte=upto).order_by("sequence", "leg")
    events = _events(entries.values_list(*columns))
    gone = {sequence for sequence, event in events.items() if _between_simulated(event, accounts)}
    sums: defaultdict[tuple[int, int], int] = defaultdict(int)
    for sequence in gone:
        for row in events[sequence]:
            sums[row[2], row[3]] += row[4]
    kept = events.keys() - gone
    LedgerEntry.objects.filter(sequence__gt=after, sequence__lte=upto).exclude(sequence__in=kept).delete()
    for (account, asset), amount in sums.items():
        carried, _ = LedgerCarried.objects.get_or_create(account_id=account, asset_id=asset, defaults={"amount": 0})
        LedgerCarried.objects.filter(pk=carried.pk).update(amount=F("amount") + amount)


class _Going:
    """How far a step goes, `after`, and the orders that leave: as many as have no more rows than a step takes.

    Where the first has more by itself, the step goes nowhere and only some of its rows leave.
    """

    def __init__(self, accounts: Iterable[int], *, before: int, upto: int, rows_max: int) -> None:
        """Choose; orders that still rest are few, and are met again at the next step."""
        self._rows_max = rows_max
        self.after = upto
        ended = sorted(_ended(accounts, upto=upto))
        # An account that was labelled later has some that should have left before: they go with the next, all at once.
        late = [order_id for end, order_id in ended if end <= before]
        ends = sorted({end for end, _ in ended if end > before})
        self.orders = [order_id for end, order_id in ended if end > before]
        while ends and _has_more(self.orders, rows_max=rows_max):
            # Of the two sides of a trade both may end by it: orders that ended by one event leave together.
            kept = len(ends) // 2
            if not kept and ends[0] == before + 1:
                self.after = before
                break
            self.after, ends = ends[kept] - 1, ends[:kept]
            self.orders = [order_id for end, order_id in ended if before < end <= self.after]
        if self.after > before:
            self.orders += late

    def rows_first(self) -> list[int]:
        """Return the sequences of the oldest rows of few orders, as many as a step takes."""
        fills = Fill.objects.filter(order_id__in=self.orders).order_by("id")
        revisions = OrderRevision.objects.filter(order_id__in=self.orders).order_by("sequence")
        found = [*fills.values_list("trade_id", flat=True)[: self._rows_max]]
        found += revisions.values_list("sequence", flat=True)[: self._rows_max]
        return sorted(found)[: self._rows_max]


def _ended(accounts: Iterable[int], *, upto: int) -> Iterator[tuple[int, int]]:
    """Return the end and the id of each order that ended by a sequence."""
    for account in accounts:
        orders = Order.objects.filter(account_id=account, id__lt=order_id_first(upto + 1), sequence__lte=upto)
        yield from orders.exclude(status__in=OPEN_STATUSES).values_list("sequence", "id")


def _has_more(orders: list[int], *, rows_max: int) -> bool:
    """Return whether orders have more fills and revisions than a step takes."""
    room = rows_max
    for ids in _some(orders):
        for model in (Fill, OrderRevision):
            room -= len(model.objects.filter(order_id__in=ids).order_by().values_list("pk")[: room + 1])
            if room < 0:
                return True
    return False


def _some(orders: Iterable[int]) -> Iterator[list[int]]:
    """Cut ids into lists a statement takes."""
    ids = list(orders)
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]


def _rows_drop(orders: Iterable[int], *, upto: int | None = None) -> None:
    """Drop the fills and revisions of orders, all or those up to a sequence."""
    for ids in _some(orders):
        fills, revisions = Fill.objects.filter(order_id__in=ids), OrderRevision.objects.filter(order_id__in=ids)
        if upto is not None:
            fills, revisions = fills.filter(id__lt=fill_id_first(upto + 1)), revisions.filter(sequence__lte=upto)
        fills.delete()
        revisions.delete()


def retention_forget(shard: int) -> None:
    """Begin anew: the tables are being made again from the journal, with everything in them."""
    Retention.objects.filter(shard=shard).delete()
    LedgerCarried.objects.all().delete()
