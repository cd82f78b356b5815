"""Retention: rows of simulated accounts that are old leave the tables; the journal keeps everything.

What goes, up to one sequence that only rises: orders of simulated accounts that ended by then, their fills and their
revisions, and the ledger entries of trades between simulated accounts. What these entries sum to is carried forward for
each account and asset, so a balance is still the sum of its ledger. Whatever a trader of flesh took part in stays as it
is: a trade's ledger entries whole, and of its fills the trader's own.

The rule is a function of the journal, the labels and that one sequence, so the audit and a rebuild know exactly which
rows must be missing.
"""

import bisect
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import router, transaction
from django.db.models import F

from apps.accounts.codes import ACCOUNT_FEES, LedgerKind
from apps.accounts.models import Account, LedgerCarried, LedgerEntry
from apps.orders.matching.journal import Journal
from apps.orders.models import OPEN_STATUSES, Fill, Order, OrderRevision, Projection, Retention

LOOK_EVERY_S = 60.0
"""How often what has grown old is looked for."""

STEP_EVENTS = 5_000
"""At most so many sequences leave in one transaction, so that projecting waits for milliseconds."""

_SLOT_BITS = 20
_TRADING = frozenset({int(LedgerKind.TRADE), int(LedgerKind.FEE)})

Row = Sequence[Any]


class Dropped:
    """What must be missing from the tables of a shard, and what is carried instead."""

    def __init__(self, shard: int) -> None:
        """Read how far retention is, and who is simulated."""
        self.sequence = Retention.objects.filter(shard=shard).values_list("sequence", flat=True).first() or 0
        self.accounts = simulated_accounts()
        self.carried: defaultdict[tuple[int, int], int] = defaultdict(int)

    def is_gone(self, *, account: int, sequence: int) -> bool:
        """Tell whether an ended order whose last event, or a fill whose trade, has this sequence is gone."""
        return sequence <= self.sequence and account in self.accounts

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


def simulated_accounts() -> frozenset[int]:
    """Give the accounts that are labelled."""
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

    def __init__(self, shard: int, *, keep_ns: int) -> None:
        """Take how long rows are kept behind the journal's last batch."""
        self.shard = shard
        self._keep_ns = keep_ns
        self._journal = Journal(shard)
        self._upto = self._done = 0
        self._look_at = time.monotonic()

    def step(self) -> int:
        """Drop the next rows in one transaction; give how many sequences it went on, 0 when there is nothing old."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY_S
            self._look()
        if self._upto <= self._done:
            return 0
        before = self._done
        with transaction.atomic(using=router.db_for_write(Retention), durable=True):
            after = min(self._upto, before + STEP_EVENTS)
            accounts = simulated_accounts()
            if accounts:
                _ledger_drop(before, after, accounts)
                fills = Fill.objects.filter(id__gt=before * 2 + 1, id__lte=after * 2 + 1, account_id__in=accounts)
                fills.delete()
                revised = OrderRevision.objects.filter(sequence__gt=before, sequence__lte=after)
                revised.filter(account_id__in=accounts).delete()
                _orders_drop(after, accounts)
            Retention.objects.filter(shard=self.shard).update(sequence=after)
        self._done = after
        return after - before

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


def _orders_drop(upto: int, accounts: frozenset[int]) -> None:
    """Drop the ended ones among the orders that entered by then; those that still rest are few, and are met again."""
    for account in accounts:
        Order.objects.filter(account_id=account, id__lt=(upto + 1) << _SLOT_BITS, sequence__lte=upto).exclude(
            status__in=OPEN_STATUSES
        ).delete()


def retention_forget(shard: int) -> None:
    """Begin anew: the tables are being made again from the journal, with everything in them."""
    Retention.objects.filter(shard=shard).delete()
    LedgerCarried.objects.all().delete()
