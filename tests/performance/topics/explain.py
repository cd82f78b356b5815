"""An order explained among ten million events: recent and old ones, and one that rested all the while.

Behind them are two hours as a simulated market has them, a command a batch, in which two orders of a simulated account
rest and are amended: one rests still, one has ended and its rows have left the tables.

The journal, the verifier's marks and what the tables need to have of orders, fills and revisions are made once, and
kept with the flows: about a gigabyte.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from django.db import connection, transaction

from tests.performance import stores
from tests.performance.commands import FIRST_ACCOUNT, command_of, frames, opening, setup
from tests.performance.flow import StandardFlow
from tests.performance.results import Bench, Result, percentiles, topic

EVENTS = 10_000_000
MESSAGES = 100_000
ORDERS = 200
GOAL_MS = 1_000
SHARD = 0
REVISIONS = 50
SMALL_BATCHES = 200_000
RUNG_REVISIONS = 500

_BOTTOM, _BETWEEN = 1, 1_000
"""Where the order rests that is never reached, and a price between it and all others."""
_ORDERS_APART = 10_000_000


@topic("explain", order=95)
def explain(bench: Bench) -> Iterator[Result]:
    """Yield how long the slowest of many explanations takes."""
    stores.ready()
    folder = bench.flows / f"explain-{bench.scaled(EVENTS)}-{_made_by():08x}"
    with stores.sqlite_store(folder):
        written = _written(bench, folder / "written.json")
        from apps.marketdata.reference import references  # noqa: PLC0415 - needs Django set up
        from apps.orders.explaining import explanation  # noqa: PLC0415

        references.load()
        taken_ms = []
        events_of = {written.resting: written.amended + 1, written.rung: written.moved + 1, written.left: written.moved}
        for order_id in [written.left, written.resting, written.rung, *written.others]:
            began = time.perf_counter()
            told = explanation.explain(order_id, shard=SHARD)
            taken_ms.append((time.perf_counter() - began) * 1e3)
            if len(told.events) < events_of.get(order_id, 1):
                message = f"order {order_id} has {len(told.events)} events"
                raise RuntimeError(message)
        left_ms, resting_ms, rung_ms, *_ = taken_ms
        del taken_ms[0]
    title = f"explaining an order among {written.events / 1e6:.0f} M events, the slowest of {len(taken_ms)}"
    yield Result(
        "explain",
        title,
        max(taken_ms),
        "ms",
        GOAL_MS,
        better="lower",
        percentiles=percentiles(taken_ms, (50, 99)),
        detail={"events": written.events, "resting_ms": resting_ms, "simulated_resting_ms": rung_ms},
    )
    lived = bench.scaled(SMALL_BATCHES)
    yield Result(
        "explain_left",
        f"explaining a simulated order that has left the tables, after a life of {lived:,} batches",
        left_ms,
        "ms",
        GOAL_MS,
        better="lower",
    )


class _Written(msgspec.Struct):
    """How many events, the order that rests from first to last, how often it was amended, orders from everywhere.

    `rung` and `left`: the orders of a simulated account that rests, and that has left the tables, `moved` so often.
    """

    events: int
    resting: int
    amended: int
    others: list[int]
    rung: int = 0
    left: int = 0
    moved: int = 0


def _made_by() -> int:
    """Sum up what makes the data: this file, the tables' steps, and the engine."""
    from apps.orders.matching.engine import ENGINE_VERSION  # noqa: PLC0415 - needs Django set up

    steps = sorted(path.as_posix() for path in Path("apps").glob("*/migrations/*.py"))
    return zlib.crc32(Path(__file__).read_bytes() + " ".join(steps).encode(), ENGINE_VERSION)


def _written(bench: Bench, file: Path) -> _Written:
    """Return what is there of an earlier run, or make it; begun and not finished, it is made anew."""
    if not file.exists():
        from apps.orders.matching.tables import tables_clear  # noqa: PLC0415 - needs Django set up
        from apps.orders.models import (  # noqa: PLC0415
            BookMark,
            JournalBatch,
            Projection,
            Retention,
            Snapshot,
            Verification,
        )

        for model in (JournalBatch, BookMark, Snapshot, Verification, Projection, Retention):
            model.objects.all().delete()
        with transaction.atomic(), connection.cursor() as cursor:
            tables_clear(cursor)
        written = _journal(bench)
        _follow(written)
        _retain(written)
        file.write_bytes(msgspec.json.encode(written))
    return msgspec.json.decode(file.read_bytes(), type=_Written)


def _journal(bench: Bench) -> _Written:
    """Write the journal."""
    from apps.orders.commands import AmendOrder, CancelOrders  # noqa: PLC0415 - needs Django set up
    from apps.orders.events import OrderAccepted, section_decode  # noqa: PLC0415
    from apps.orders.matching import engine as rust  # noqa: PLC0415
    from apps.orders.matching.journal import Journal  # noqa: PLC0415
    from cift.wire.base import command_encode  # noqa: PLC0415

    journal, engine, dice = Journal(SHARD), rust.engine_new(), Random(1)  # noqa: S311 - picks samples
    flow = StandardFlow(messages=MESSAGES)
    records = flow.read(flow.stored(bench.flows))
    wanted = bench.scaled(EVENTS)
    chosen: list[int] = []

    def append(frame: bytes) -> list[Any]:
        made = engine.apply(frame, number=engine.number + 1, at=engine.at + 1_000_000)
        journal.append(rust.row_of(made, epoch=1))
        return list(section_decode(rust.sections(made.events)[0]))

    for frame in frames([*opening(), *setup(1)]):
        append(frame)
    first = records[0]._replace(order=0, price=_BOTTOM, side=0, quantity=1_000)
    (accepted,) = append(next(frames([command_of(first)])))
    resting: int = accepted.order_id
    amended = 0
    for turn in count(1):
        if engine.sequence >= wanted:
            break
        # The same flow once more: other ids, the same accounts, a book as empty as at first.
        commands = (command_of(record._replace(order=record.order + turn * _ORDERS_APART)) for record in records)
        sweep = command_encode(CancelOrders(account=0, instrument=1, price_min=_BETWEEN))
        for frame in frames(chain(commands, [sweep])):
            events = append(frame)
            if isinstance(events[0], OrderAccepted) and dice.random() < ORDERS * 1_500 / wanted:
                chosen.append(events[0].order_id)
            if amended < REVISIONS * engine.sequence // wanted:
                amended += 1
                amend = AmendOrder(account=FIRST_ACCOUNT, order_id=resting, quantity=1_000 + amended)
                append(next(frames([command_encode(amend)])))
    written = _Written(engine.sequence, resting, amended, chosen[:ORDERS])
    with transaction.atomic(using="journal"):
        _small_batches(append, written, bench.scaled(SMALL_BATCHES))
    written.events = engine.sequence
    return written


def _small_batches(append: Callable[[bytes], list[Any]], written: _Written, count: int) -> None:
    """Let two orders of a new account rest among commands that come one by one; one is canceled in the end."""
    from apps.accounts.codes import CashKind  # noqa: PLC0415 - needs Django set up
    from apps.accounts.commands import MoveCash, OpenAccount  # noqa: PLC0415
    from apps.marketdata.codes import Side  # noqa: PLC0415
    from apps.orders.codes import OrderType, TimeInForce  # noqa: PLC0415
    from apps.orders.commands import AmendOrder, CancelOrder, SubmitOrder  # noqa: PLC0415
    from cift.wire.base import command_encode, frame_pack  # noqa: PLC0415

    def do(command: Any) -> Any:
        return append(frame_pack([command_encode(command)]))[0]

    def entered(account: int, name: str) -> int:
        order = SubmitOrder(
            account=account,
            id=name,
            instrument=1,
            side=Side.BUY,
            type=OrderType.LIMIT,
            tif=TimeInForce.GTC,
            price=_BOTTOM,
            quantity=1_000,
        )
        order_id: int = do(order).order_id
        return order_id

    account: int = do(OpenAccount(id="simulated", owner=0)).account
    do(MoveCash(account=account, id="fund", kind=CashKind.DEPOSIT, asset=1, amount=10**12))
    written.rung, written.left = entered(account, "rung"), entered(account, "left")
    every = count // RUNG_REVISIONS
    for number in range(0, count, 2):
        if number % every == 0:
            written.moved += 1
            for order_id in (written.rung, written.left):
                do(AmendOrder(account=account, order_id=order_id, quantity=1_000 + written.moved))
        passing = entered(FIRST_ACCOUNT, f"passing-{number}")
        do(CancelOrder(account=FIRST_ACCOUNT, order_id=passing))
    do(CancelOrder(account=account, order_id=written.left))


def _retain(written: _Written) -> None:
    """Let what is old leave the tables: all of the simulated account but what rests."""
    from apps.accounts.models import Account  # noqa: PLC0415 - needs Django set up
    from apps.orders.ids import order_sequence  # noqa: PLC0415
    from apps.orders.matching.retention import ShardRetention  # noqa: PLC0415
    from apps.orders.models import Order, Retention  # noqa: PLC0415

    account = Order.objects.get(id=written.rung).account_id
    Account.objects.filter(id=account).update(simulated=True)
    Retention.objects.create(shard=SHARD, sequence=order_sequence(written.rung) - 1)
    keeper = ShardRetention(SHARD, keep_ns=0)
    while keeper.step():
        pass
    if Order.objects.filter(id=written.left).exists():
        raise RuntimeError("nothing has left the tables")


def _follow(written: _Written) -> None:
    """Verify it as the venue does, and project what an explanation reads: not money, which takes longer."""
    from apps.orders.matching.engine import Projector  # noqa: PLC0415 - needs Django set up
    from apps.orders.matching.followers import Follower  # noqa: PLC0415
    from apps.orders.matching.journal import Journal, read_ahead  # noqa: PLC0415
    from apps.orders.matching.revisions import revisions_write  # noqa: PLC0415
    from apps.orders.matching.tables import WRITES  # noqa: PLC0415
    from apps.orders.models import Projection  # noqa: PLC0415

    Follower(SHARD, once=True).verify()
    packer, last = Projector(), b""
    with transaction.atomic(), connection.cursor() as cursor:
        number = 0
        for rows in read_ahead(Journal(SHARD), 0):
            lists = msgspec.msgpack.decode(packer.pack([(row.number, row.at, row.events) for row in rows]))
            packed = dict(zip(WRITES, lists, strict=False))
            for name in ("assets", "accounts_new", "instruments", "orders_new", "orders_changed", "fills"):
                WRITES[name].write(cursor, packed[name])
            revisions_write(cursor, (row.events for row in rows))
            number, last = rows[-1].number, rows[-1].chain
        Projection.objects.create(
            shard=SHARD, last_number=number, last_sequence=written.events, chain=last, updated_at=0
        )
