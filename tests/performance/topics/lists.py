"""Pages of a long history: every filter of orders over a table of one account's many orders."""

import time
from collections.abc import Iterator
from itertools import product
from typing import Any

from apps.orders.ids import order_id_first
from tests.performance import stores
from tests.performance.results import Bench, Result, percentiles, topic

ORDERS = 1_000_000
LIMIT = 100
GOAL_MS = 20.0
RARE = 1_000
ACCOUNT = 3


@topic("lists", order=60)
def lists(bench: Bench) -> Iterator[Result]:
    """Yield how long the slowest filter of orders takes, and all of them."""
    stores.ready()
    from cift.rest.pages import PageAsk  # noqa: PLC0415 - needs Django set up

    count = bench.scaled(ORDERS)
    with stores.sqlite_store(bench.folder / "lists"):
        _fill(count)
        worst: dict[str, float] = {}
        waited: list[float] = []
        for wanted in _filters(count):
            for ask in (PageAsk(LIMIT, None, newer=False), PageAsk(LIMIT, (order_id_first(count // 2),), newer=False)):
                each = [_milliseconds(wanted, ask) for _ in range(bench.runs)]
                worst[str(wanted)] = max(worst.get(str(wanted), 0.0), min(each))
                waited += each
    slowest = max(worst, key=lambda name: worst[name])
    detail = {"orders": count, "filters": len(worst), "slowest": slowest}
    title = f"slowest filter of a page of orders, {count:,} orders of one account, sqlite"
    yield Result(
        "lists_slowest", title, worst[slowest], "ms", GOAL_MS, "lower",
        percentiles=percentiles(waited), detail=detail,
    )  # fmt: skip


def _filters(count: int) -> Iterator[Any]:
    from apps.marketdata.codes import Side  # noqa: PLC0415 - needs Django set up
    from apps.orders.lifecycle import OrderStatus  # noqa: PLC0415
    from apps.orders.rest.pages import OrderFilters  # noqa: PLC0415

    spans = ((None, None), (count // 10, count * 9 // 10))
    named = (None, "c1", "none")
    for instrument, statuses, side, client_order_id, (first, before) in product(
        (None, 1, 2, 9), (None, *((status,) for status in OrderStatus)), (None, *Side), named, spans
    ):
        yield OrderFilters(ACCOUNT, instrument, statuses, side, client_order_id, first, before)


def _milliseconds(wanted: Any, ask: Any) -> float:
    from apps.orders.rest.pages import orders_page  # noqa: PLC0415 - needs Django set up

    began = time.perf_counter()
    orders_page(wanted, ask)
    return (time.perf_counter() - began) * 1_000


def _fill(count: int) -> None:
    """Write the orders: the oldest are open and of an instrument of their own, so that filters for them look far."""
    from django.db import connection, transaction  # noqa: PLC0415 - needs Django set up

    from apps.orders.matching.tables import WRITES  # noqa: PLC0415

    def row(number: int) -> tuple[Any, ...]:
        rare = number <= RARE
        status, filled = (0, 0) if rare else (2, 1) if number % 3 else (3, 0)
        return (
            order_id_first(number), ACCOUNT, f"c{number}", 2 if rare else 1, int(rare), 0, 0, 0, 1, 100, 1, 0, status,
            filled, int(status == 3), int(rare), 0, 0, 0, number, number, number,
        )  # fmt: skip

    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(1, count + 1, 50_000):
            WRITES["orders_new"].write(cursor, [row(number) for number in range(start, min(start + 50_000, count + 1))])
