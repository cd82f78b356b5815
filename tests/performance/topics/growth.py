"""What a simulated market leaves behind, faster than the clock: its journal, and what follows the journal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.performance import stores
from tests.performance.results import Bench, Result, topic

SECONDS = 3_600
LEAST_S = 1_200
KEPT_SHARE = 6
"""Of the whole time, a sixth is kept: in so many windows the tables would grow to that many times what they hold."""

STEPS_A_WINDOW = 4
GOAL_TIMES = 2.0
SHARD = 0
_DAY_S = 86_400
_NS = 1_000_000_000
_FOR_EVER_S = 1e9
_SNAPSHOT_BATCHES = 5_000
_MB = 1e6


@topic("growth", order=55)
def growth(bench: Bench) -> Iterator[Result]:
    """Yield how far the tables grow behind the first window of retention, and what the journal takes a day."""
    stores.ready()
    seconds = max(bench.scaled(SECONDS), LEAST_S)
    with stores.sqlite_store(bench.folder / "store"):
        seen, commands = _lived(bench.folder / "store", seconds)
    # Two windows on, retention has begun for good; from there the tables should hold what a window makes.
    begun, end = seen[2 * STEPS_A_WINDOW], seen[-1]
    most = max(_rows(each) for each in seen[2 * STEPS_A_WINDOW :])
    yield Result(
        "growth_tables",
        f"rows of the tables, most over when retention had begun, {KEPT_SHARE} windows",
        most / _rows(begun),
        "x",
        GOAL_TIMES,
        "lower",
        detail={"seen": seen, "commands_per_s": commands / seconds},
    )
    spent_s = (len(seen) - 1 - 2 * STEPS_A_WINDOW) * seconds / (KEPT_SHARE * STEPS_A_WINDOW)
    for name, title in (
        ("journal", "the journal's growth"),
        ("marks", "the growth of marks of the books"),
    ):
        grown = (end[name] - begun[name]) / spent_s * _DAY_S / _MB
        yield Result(f"growth_{name}", f"{title}, {commands / seconds:.0f} commands/s", grown, "MB/day", better="lower")
    # The three that are kept grow with the ids that are remembered, for a day.
    yield Result("growth_snapshots", "the kept snapshots at the end", end["snapshots"] / _MB, "MB", better="lower")


def _rows(seen: dict[str, int]) -> int:
    return sum(seen[name] for name in ("orders", "revisions", "fills", "ledger"))


def _lived(folder: Path, seconds: int) -> tuple[list[dict[str, int]], int]:
    """Let the agents trade into a journal; give what was there at each step, and how many commands there were."""
    from apps.accounts.models import Account  # noqa: PLC0415 - needs Django set up
    from apps.orders.matching.engine import Batch, row_of  # noqa: PLC0415
    from apps.orders.matching.journal import Journal  # noqa: PLC0415
    from apps.orders.matching.projector import ShardProjector  # noqa: PLC0415
    from apps.orders.matching.retention import ShardRetention  # noqa: PLC0415
    from apps.orders.matching.verifier import ShardVerifier  # noqa: PLC0415
    from tests.support.simulated import market  # noqa: PLC0415

    venue, population = market(seed=1, rate=100)
    journal, projector = Journal(SHARD), ShardProjector(SHARD)
    followers: list[Callable[[], int]] = [projector.step]
    window_ns = seconds * _NS // KEPT_SHARE
    seen: list[dict[str, int]] = []
    next_at = 0

    def take(batch: Batch) -> None:
        nonlocal next_at
        journal.append(row_of(batch, epoch=1))
        if batch.at < next_at:
            return
        next_at = batch.at + window_ns // STEPS_A_WINDOW
        if len(followers) == 1:
            followers.append(ShardVerifier(SHARD, every_batches=_SNAPSHOT_BATCHES, every_s=_FOR_EVER_S).step)
        # A new one looks for what is old at once.
        for step in (*followers, ShardRetention(SHARD, keep_ns=window_ns).step):
            while step():
                pass
        Account.objects.filter(simulated=False, id__gte=3).update(simulated=True)
        seen.append(_seen(folder))

    venue.run(population, seconds=seconds, observe=take)
    return seen, venue.commands


def _seen(folder: Path) -> dict[str, int]:
    from django.db.models import Sum  # noqa: PLC0415 - needs Django set up
    from django.db.models.functions import Length  # noqa: PLC0415

    from apps.accounts.models import LedgerEntry  # noqa: PLC0415
    from apps.orders.models import BookMark, Fill, Order, OrderRevision, Snapshot  # noqa: PLC0415

    def size(model: Any, column: str) -> int:
        return model.objects.aggregate(size=Sum(Length(column)))["size"] or 0

    stores.settle()
    return {
        "orders": Order.objects.count(),
        "revisions": OrderRevision.objects.count(),
        "fills": Fill.objects.count(),
        "ledger": LedgerEntry.objects.count(),
        "journal": (folder / "journal.sqlite3").stat().st_size,
        "marks": size(BookMark, "orders"),
        "snapshots": size(Snapshot, "data"),
    }
