"""Every filter of a list walks an index from where its page begins: on both databases, whatever is asked for."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.accounts.models import LedgerEntry, User
from apps.marketdata.codes import Side
from apps.marketdata.reference import references
from apps.orders.journal_reads import ProjectedJournal
from apps.orders.lifecycle import OPEN, OrderStatus
from apps.orders.matching.tables import WRITES
from apps.orders.matching.told import Told, told_drop, told_keep
from apps.orders.models import JournalBatch
from apps.orders.rest.pages import OrderFilters, fills_page, orders_page
from apps.orders.ticks import FillTickStore
from cift.rest.pages import PageAsk, rows_paged
from tests.support.backoffice import T0, account_make, instruments_make

MANY = 6_000
ROWS = 200
ACCOUNT = 3
LIMIT = 20
STRETCHES_MAX = len(OrderStatus) * len(Side)
STEP_NS = 1_000


class Statement(NamedTuple):
    sql: str
    params: Any


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """Collect what is asked of the database."""
    seen: list[Statement] = []

    def collect(execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any) -> Any:
        seen.append(Statement(sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(collect):
        yield seen


def fill(rows: int) -> None:
    """Write one account's history: its first orders are of one kind and of another instrument than all others."""

    def order(number: int) -> tuple[Any, ...]:
        early = number <= LIMIT
        status = OrderStatus.PARTIALLY_FILLED if early else OrderStatus.CANCELED
        return (
            number << 20, ACCOUNT, f"c{number}", 2 if early else 1, int(early), 0, 0, 0, 1, 100, 1, 0, int(status),
            0, int(not early), int(early), 0, 0, 0, number, T0 + number * STEP_NS, T0 + number * STEP_NS,
        )  # fmt: skip

    numbers = range(1, rows + 1)
    fills = (
        (n * 2 + n % 2, n << 20, ACCOUNT, 2 if n <= LIMIT else 1, 0, 100, 1, 100, 0, n % 2, n, T0 + n * STEP_NS)
        for n in numbers
    )
    ledger = ((n, leg, ACCOUNT, 1, 1, 3, T0 + n * STEP_NS) for n in numbers for leg in (0, 1))
    with transaction.atomic(), connection.cursor() as cursor:
        WRITES["orders_new"].write(cursor, [order(number) for number in numbers])
        WRITES["fills"].write(cursor, list(fills))
        WRITES["ledger"].write(cursor, list(ledger))
    JournalBatch.objects.bulk_create(
        JournalBatch(
            shard=0, number=n, epoch=1, first_sequence=n * 10 - 9, last_sequence=n * 10, at=T0 + n * 10 * STEP_NS,
            engine_version=1, commands=b"", events=b"", chain=bytes(32),
        )
        for n in range(1, rows // 10 + 1)
    )  # fmt: skip
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


@pytest.fixture
def tables(databases: str) -> str:
    fill(ROWS)
    return databases


def plan_check(vendor: str, asked: Statement, *, merged: bool) -> None:
    """Find a walk of an index, of no more rows than the page needs."""
    with connection.cursor() as cursor:
        if vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {asked.sql}", asked.params)
            steps = [row[3] for row in cursor.fetchall()]
            read = [step for step in steps if re.match(r"(SCAN|SEARCH) (orders|accounts)_", step)]
            assert read
            assert all(re.search(r"^SEARCH .* USING (COVERING )?INDEX ", step) for step in read), steps
            assert merged or not any("TEMP B-TREE" in step for step in steps), steps
            return
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked.sql}", asked.params)
        (found,) = cursor.fetchone()
    nodes = list(_nodes((found if isinstance(found, list) else json.loads(found))[0]["Plan"]))
    kinds = {node["Node Type"] for node in nodes}
    assert not any("Seq Scan" in kind for kind in kinds), kinds
    assert merged or not any("Sort" in kind for kind in kinds), kinds
    rows_max = (LIMIT + 1) * STRETCHES_MAX
    assert max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes) <= rows_max, nodes


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def asks(middle: int) -> list[PageAsk]:
    """Ask for the newest page, for one after a key, and for the one before it."""
    keys: list[tuple[int, ...] | None] = [None, (middle,)]
    return [*(PageAsk(LIMIT, key, newer=False) for key in keys), PageAsk(LIMIT, (middle,), newer=True)]


def order_reads() -> Iterator[Callable[[], Any]]:
    filters = product(
        (None, 1, 2, 9),
        (None, *((status,) for status in NAMED), tuple(sorted(OPEN))),
        (None, *Side),
        (None, "c1", f"c{MANY}"),
        ((None, None), (5, MANY - 5)),
    )
    for instrument, status, side, client_order_id, (first, before) in filters:
        wanted = OrderFilters(ACCOUNT, instrument, status, side, client_order_id, first, before)
        for ask in asks((MANY // 2) << 20):
            yield partial(orders_page, wanted, ask)


def other_reads() -> Iterator[Callable[[], Any]]:
    for ask, instrument, (first, before) in product(asks(MANY), (None, 1, 2, 9), ((None, None), (5, MANY - 5))):
        yield partial(fills_page, ACCOUNT, ask, instrument=instrument, first=first, before=before)
        if instrument is not None:
            start, end = (None if at is None else T0 + at * STEP_NS for at in (first, before))
            cursor = None if ask.key is None else MANY // 2
            read = partial(FillTickStore().trades_page, instrument, limit=LIMIT, cursor=cursor, newer=ask.newer)
            yield partial(read, start=start, end=end)
    for newer, key in ((False, None), (False, (MANY // 2, 1)), (True, (MANY // 2, 0))):
        yield partial(ledger_page, PageAsk(LIMIT, key, newer=newer), least=5, before=MANY - 5)


def ledger_page(ask: PageAsk, **span: int) -> list[LedgerEntry]:
    return list(rows_paged(LedgerEntry.objects.filter(account_id=ACCOUNT), ask, key=("sequence", "leg"), **span))


def test_every_filter_is_one_walk_of_an_index(databases: str) -> None:
    fill(MANY)

    for read in (*order_reads(), *other_reads()):
        with statements() as seen:
            read()
        assert len(seen) == 1
        plan_check(databases, seen[0], merged='"part_0"' in seen[0].sql)


NAMED = (OrderStatus.PARTIALLY_FILLED, OrderStatus.CANCELED, OrderStatus.PENDING_TRIGGER)
NEWEST = PageAsk(LIMIT, None, newer=False)


def test_filtered_orders_are_those_a_full_look_finds(tables: str) -> None:
    early = [number << 20 for number in range(LIMIT, 0, -1)]
    before, newest = (ROWS - 5) << 20, ROWS << 20

    for wanted in (
        OrderFilters(ACCOUNT, instrument=2),
        OrderFilters(ACCOUNT, statuses=(OrderStatus.PARTIALLY_FILLED,)),
        OrderFilters(ACCOUNT, statuses=tuple(sorted(OPEN)), side=Side.SELL),
        OrderFilters(ACCOUNT, side=Side.SELL),
        OrderFilters(ACCOUNT, instrument=2, statuses=(OrderStatus.PARTIALLY_FILLED,), side=Side.SELL),
    ):
        assert [order.id for order in orders_page(wanted, NEWEST)] == early
        assert [order.id for order in orders_page(wanted, PageAsk(5, (early[9],), newer=True))] == early[8:2:-1]
    assert orders_page(OrderFilters(ACCOUNT, instrument=2, side=Side.BUY), NEWEST) == []
    assert orders_page(OrderFilters(4, side=Side.BUY), NEWEST) == []
    named = OrderFilters(ACCOUNT, instrument=2, client_order_id="c7")
    assert [order.id for order in orders_page(named, NEWEST)] == [7 << 20]
    assert orders_page(OrderFilters(ACCOUNT, instrument=1, client_order_id="c7"), NEWEST) == []
    span = OrderFilters(ACCOUNT, side=Side.BUY, first=ROWS - 9, before=ROWS - 4)
    assert [order.id for order in orders_page(span, NEWEST)][:1] == [before]
    assert len(orders_page(span, NEWEST)) == 5
    page = orders_page(OrderFilters(ACCOUNT, side=Side.BUY), PageAsk(2, None, newer=False))
    assert [order.id for order in page] == [newest, newest - (1 << 20), newest - (2 << 20)]


def test_a_key_of_two_parts_parts_an_event_s_legs(tables: str) -> None:
    def keys(ask: PageAsk) -> list[tuple[int, int]]:
        return [(row.sequence, row.leg) for row in ledger_page(ask)]

    assert keys(PageAsk(2, (7, 1), newer=False)) == [(7, 0), (6, 1), (6, 0)]
    assert keys(PageAsk(2, (7, 0), newer=True)) == [(7, 1), (8, 0), (8, 1)]


def test_a_time_is_found_in_the_journal(tables: str) -> None:
    sequence_at, last = ProjectedJournal().sequence_at, ROWS // 10
    for at, sequence in (
        (0, 1),
        (T0 + 10 * STEP_NS, 1),
        (T0 + 10 * STEP_NS + 1, 11),
        (T0 + 15 * 10 * STEP_NS, 141),
        (T0 + last * 10 * STEP_NS, last * 10 - 9),
    ):
        assert sequence_at(at) == sequence
    assert sequence_at(T0 + last * 10 * STEP_NS + 1) > ROWS
    JournalBatch.objects.all().delete()
    assert sequence_at(T0) > ROWS
    assert sequence_at(2**64) > ROWS, "a time is bounded by its form alone"


@pytest.fixture
def told() -> Iterator[Told]:
    """A writer in this process, which knows that the tables have everything."""
    told = Told()
    told.begin(ROWS)
    told.projected(ROWS)
    told_keep(0, told)
    yield told
    told_drop(0)


def test_a_page_of_orders_asks_the_database_a_fixed_number_of_times(tables: str, told: Told) -> None:
    instruments_make(2)
    references.forget()
    user = User.objects.create_user("trader@example.com", "secret")
    account_make(ACCOUNT, user)
    client = Client()
    client.force_login(user)
    counts = {}
    for path in ("orders/?limit=1", "orders/?limit=500&side=buy&status=canceled&symbol=A1-USD", "fills/", "ledger/"):
        client.get("/api/v1/orders/")
        with statements() as seen:
            answer = client.get(f"/api/v1/{path}", headers={"Accept": "application/json"})
        assert answer.status_code == 200
        assert answer.json()["results"]
        counts[path] = len(seen)
    references.forget()

    # The session, its user, whether the user has a second factor, the account, the page; no look at whether to wait.
    assert set(counts.values()) == {5}
