"""Old rows of simulated accounts leave the tables; what is left is what the audit wants, on both databases."""

from typing import Any

import pytest
from django.db.models import F, Sum

from apps.accounts.models import Account, Balance, LedgerCarried, LedgerEntry
from apps.orders.auditing.audit import audit
from apps.orders.matching.journal import Journal
from apps.orders.matching.projector import ShardProjector, projection_rebuild
from apps.orders.matching.retention import STEP_EVENTS, ShardRetention
from apps.orders.models import OPEN_STATUSES, Fill, Order, OrderRevision, Retention
from tests.support.shard import TRADERS, journal_fill

SIMULATED = TRADERS[:3]
TRADER = TRADERS[3]


@pytest.fixture
def market(databases: str) -> None:
    """A projected journal of four accounts; three of them are labelled."""
    journal_fill(500)
    projector = ShardProjector(0)
    while projector.step():
        pass
    Account.objects.filter(pk__in=SIMULATED).update(simulated=True)


def drop(*, keep_ns: int = 0, step_events: int = STEP_EVENTS) -> int:
    keeper, gone = ShardRetention(0, keep_ns=keep_ns, step_events=step_events), 0
    while went := keeper.step():
        gone += went
    return gone


def counts() -> tuple[int, int, int]:
    return Order.objects.count(), Fill.objects.count(), LedgerEntry.objects.count()


def rows_of_open_orders() -> tuple[list[int], list[int]]:
    """The fills and the revisions of orders of simulated accounts that still rest."""
    orders = list(Order.objects.open().filter(account_id__in=SIMULATED).values_list("id", flat=True))
    fills = Fill.objects.filter(order_id__in=orders).order_by("id").values_list("id", flat=True)
    revisions = OrderRevision.objects.filter(order_id__in=orders).order_by("sequence").values_list("pk", flat=True)
    return list(fills), list(revisions)


def test_what_is_old_and_simulated_leaves_and_the_audit_is_clean(market: None) -> None:
    before = counts()
    of_trader = [model.objects.filter(account_id=TRADER).count() for model in (Order, Fill, LedgerEntry)]

    assert drop() > 0

    assert all(now < then for now, then in zip(counts(), before, strict=True))
    assert of_trader == [model.objects.filter(account_id=TRADER).count() for model in (Order, Fill, LedgerEntry)]
    assert not Order.objects.filter(account_id__in=SIMULATED).exclude(status__in=OPEN_STATUSES).exists()
    assert not Fill.objects.filter(account_id__in=SIMULATED).exclude(order__status__in=OPEN_STATUSES).exists()
    report = audit(0)
    assert report.violation is None


def test_an_order_that_is_open_keeps_its_fills_and_its_revisions(market: None) -> None:
    before = rows_of_open_orders()
    assert all(before)

    drop()

    assert rows_of_open_orders() == before
    of_simulated = Fill.objects.filter(account_id__in=SIMULATED), OrderRevision.objects.filter(account_id__in=SIMULATED)
    assert [rows.count() for rows in of_simulated] == [len(rows) for rows in before]
    assert audit(0).violation is None


def test_an_order_with_more_rows_than_a_step_takes_leaves_in_several(market: None) -> None:
    keeper, parts, left = ShardRetention(0, keep_ns=0, step_rows=2), 0, sum(map(len, rows_of_open_orders()))
    of_simulated = Fill.objects.filter(account_id__in=SIMULATED), OrderRevision.objects.filter(account_id__in=SIMULATED)
    rows = sum(each.count() for each in of_simulated)
    while keeper.step():
        dropped, rows = rows - (now := sum(each.count() for each in of_simulated)), now
        # Two sides of a trade that ended both leave together.
        assert dropped <= 2 * 2
        if within := Retention.objects.get(shard=0).within:
            parts += 1
            if parts % 8 == 1:
                assert 0 < within <= Retention.objects.get(shard=0).sequence
                assert audit(0).violation is None

    assert parts > 8
    assert rows == left
    assert (head := Journal(0).head()) is not None
    assert Retention.objects.get(shard=0).sequence == head.last_sequence
    assert audit(0).violation is None


def test_a_balance_is_still_the_sum_of_its_ledger(market: None) -> None:
    drop()

    for balance in Balance.objects.all():
        same = {"account": balance.account_id, "asset": balance.asset_id}
        entries = LedgerEntry.objects.filter(**same).aggregate(total=Sum("amount"))["total"] or 0
        carried = LedgerCarried.objects.filter(**same).aggregate(total=Sum("amount"))["total"] or 0
        assert entries + carried == balance.total


def test_steps_of_any_size_and_pauses_between_them_come_to_the_same(market: None) -> None:
    head = Journal(0).head()
    assert head is not None
    half = drop(keep_ns=(head.number // 2) * 1_000_000, step_events=97)
    assert 0 < half < head.last_sequence
    assert audit(0).violation is None
    assert Order.objects.filter(account_id__in=SIMULATED).exclude(status__in=OPEN_STATUSES).exists()

    drop(step_events=97)

    assert Retention.objects.get(shard=0).sequence == head.last_sequence
    assert audit(0).violation is None


def test_a_rebuild_brings_all_rows_and_labels_back(market: None) -> None:
    before = counts()
    drop()
    projection_rebuild(0, progress=lambda _at, _last: None)

    assert counts() == before
    assert set(Account.objects.filter(simulated=True).values_list("pk", flat=True)) == set(SIMULATED)
    assert not LedgerCarried.objects.exists()
    assert audit(0).violation is None
    assert drop() > 0
    assert audit(0).violation is None


def test_nothing_leaves_where_nobody_is_simulated(market: None) -> None:
    Account.objects.update(simulated=False)
    before = counts()
    drop()

    assert counts() == before
    assert audit(0).violation is None


@pytest.mark.parametrize("what", ["carried", "order", "fill", "ledger", "fill of an open one", "revision"])
def test_the_audit_finds_what_left_and_should_not_have(market: None, what: str) -> None:
    drop()
    if what == "carried":
        LedgerCarried.objects.filter(pk=LedgerCarried.objects.values("pk")[:1]).update(amount=F("amount") + 1)
    elif what == "order":
        Order.objects.filter(account_id=TRADER).exclude(status__in=OPEN_STATUSES).exclude(fills__gt=0)[0].delete()
    elif what == "fill":
        Fill.objects.filter(account_id=TRADER)[0].delete()
    elif what == "fill of an open one":
        Fill.objects.get(pk=rows_of_open_orders()[0][0]).delete()
    elif what == "revision":
        OrderRevision.objects.get(pk=rows_of_open_orders()[1][0]).delete()
    else:
        LedgerEntry.objects.filter(account_id=TRADER)[0].delete()

    assert audit(0).violation is not None


@pytest.mark.parametrize("model", [Fill, OrderRevision])
def test_the_audit_finds_what_stayed_and_should_have_left(market: None, model: Any) -> None:
    ended = Order.objects.filter(account_id__in=SIMULATED).exclude(status__in=OPEN_STATUSES).values("id")
    row = model.objects.filter(order_id__in=ended).order_by("pk")[0]
    drop()
    assert not model.objects.filter(pk=row.pk).exists()

    model.objects.bulk_create([row])

    assert audit(0).violation is not None
