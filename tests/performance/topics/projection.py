"""The projector alone: from a full journal to the tables."""

import time
from collections.abc import Iterator

from tests.performance import stores
from tests.performance.commands import SETUP_BATCH, command_of, frames, setup
from tests.performance.flow import FlowType, StandardFlow
from tests.performance.results import Bench, Result, rate, topic
from tests.performance.topics.journal import Feeder

MESSAGES = 100_000
GOAL = 5_000
SHARD = 0


@topic("projection", order=50)
def projection(bench: Bench) -> Iterator[Result]:
    """Yield orders a second, with their fills, ledger entries, balances and positions."""
    stores.ready()
    from apps.accounts.models import LedgerEntry  # noqa: PLC0415 - needs Django set up
    from apps.orders.matching.projector import ShardProjector  # noqa: PLC0415
    from apps.orders.models import Fill, Order  # noqa: PLC0415

    flow = StandardFlow(messages=bench.scaled(MESSAGES))
    records = list(flow.read(flow.stored(bench.flows)))
    orders = sum(record.type is not FlowType.CANCEL for record in records)
    before = list(frames(setup(1), SETUP_BATCH // 2))
    timed = list(frames(map(command_of, records)))
    seconds = []
    written = {}
    for run in range(bench.runs):
        with stores.sqlite_store(bench.folder / f"run-{run}"):
            feeder = Feeder(SHARD)
            feeder.feed(before, count=SETUP_BATCH // 2)
            projector = ShardProjector(SHARD)
            while projector.step():
                pass
            feeder.feed(timed)
            feeder.stop()
            began = time.perf_counter()
            while projector.step():
                pass
            seconds.append(time.perf_counter() - began)
            written = {
                "orders": Order.objects.count(),
                "fills": Fill.objects.count(),
                "ledger entries": LedgerEntry.objects.count(),
            }
    if written["orders"] != orders or written["fills"] != 2 * flow.expected.trades:
        message = f"the tables have {written}"
        raise RuntimeError(message)
    title = "projection alone, from the journal, with fills and ledger, sqlite"
    result = rate("projection", title, of=(orders, "orders"), seconds=seconds, goal=GOAL)
    result.detail.update(written)
    yield result
