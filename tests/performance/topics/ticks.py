"""Trades into QuestDB, beside its client alone, and candles out of ten million of them.

The client alone sends the same rows and waits for nothing. The workers' writer also waits until the rows and the
candles of all intervals can be read, after each stretch, and writes the place. A journal's own trades are measured
apart, as they are read, unpacked and written.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from tests.performance import stores
from tests.performance.results import Bench, Result, latencies, rate, topic
from tests.performance.topics.history import CANDLES, INSTRUMENTS, TICKS, fills, must_be, waited_ms

ROWS = 1_000_000
STRETCH = 50_000
GAP_NS = 1_000_000
"""Between two trades: a million of them are a quarter of an hour."""

SHARE_GOAL = 0.4
WHOLE_S_GOAL = 10.0
STORE_MS_GOAL = 10.0
JOURNAL_COMMANDS = 20_000


@topic("ticks", order=63)
def ticks(bench: Bench) -> Iterator[Result]:
    """Yield how fast trades are shipped, and how long 500 candles take to be read."""
    stores.ready()
    from cift.times import clock_ns  # noqa: PLC0415 - needs Django set up
    from tests.support.questdb_server import QuestDBServer  # noqa: PLC0415
    from tests.support.servers import server_running  # noqa: PLC0415

    now = clock_ns()
    with (
        stores.sqlite_store(bench.folder / "tables"),
        server_running(QuestDBServer(bench.folder / "questdb")) as server,
    ):
        yield from _written(bench, server, now)
        yield from _journal(bench, server)
        count = _filled(server, bench.scaled(TICKS), now)
        yield from _read(server.store(), count, now)


def _rows(count: int, now: int) -> Iterator[Any]:
    """Return trades of all instruments, oldest first."""
    from apps.marketdata.codes import Side  # noqa: PLC0415 - needs Django set up
    from apps.marketdata.ticks.questdb_writing import TickRow  # noqa: PLC0415

    for chunk in fills(count, now):
        for _, _, _, instrument, _, price, quantity, notional, _, _, sequence, at in chunk:
            yield TickRow(instrument, sequence, price, quantity, notional, Side(sequence % 2), at)


def _written(bench: Bench, server: Any, now: int) -> Iterator[Result]:
    """Yield the rows a second of the client alone, and of the writer."""
    from apps.marketdata.codes import Side  # noqa: PLC0415 - needs Django set up
    from apps.marketdata.ticks.questdb_tables import Place  # noqa: PLC0415
    from apps.marketdata.ticks.questdb_writing import TickRow  # noqa: PLC0415

    size = bench.scaled(ROWS)
    rows = [
        TickRow(1 + n % INSTRUMENTS, n, 10_000 + n * 7_919 % 997, 1 + n % 50, 10_000, Side(n % 2), now + n * GAP_NS)
        for n in range(1, size + 1)
    ]
    bare, written = [], []
    for _ in range(bench.runs):
        writer = server.emptied()
        bare.append(_bare(server, rows))
        writer = server.emptied()
        began = time.perf_counter()
        for first in range(0, len(rows), STRETCH):
            part = rows[first : first + STRETCH]
            writer.trades_write(part)
            must_be(
                int(writer.place_write(0, Place(part[-1].sequence, part[-1].sequence, part[-1].at), timeout_s=60)), 1
            )
        written.append(time.perf_counter() - began)
    alone = rate("ticks_client", "rows of QuestDB's client alone", of=(size, "rows"), seconds=bare)
    yield alone
    goal = SHARE_GOAL * alone.value
    yield rate("ticks_written", "rows with candles and places", of=(size, "rows"), seconds=written, goal=goal)
    runs = tuple(each * ROWS / size for each in written)
    yield Result(
        "ticks_million_s", "a million rows with candles", sorted(runs)[len(runs) // 2], "s", WHOLE_S_GOAL, "lower", runs
    )


def _bare(server: Any, rows: Sequence[Any]) -> float:
    """Send rows as the client's own examples do, in requests as large as ours."""
    from questdb import Sender, TimestampNanos  # noqa: PLC0415 - a package of production's

    options = server.options()
    password = options["password"].replace(";", ";;")
    conf = f"http::addr=127.0.0.1:{server.port};username={options['user']};password={password};protocol_version=2;"
    began = time.perf_counter()
    with Sender.from_conf(f"{conf}auto_flush=off;") as sender:
        for number, row in enumerate(rows, start=1):
            columns: dict[str, Any] = {
                "instrument": row.instrument, "sequence": row.sequence, "price": row.price, "quantity": row.quantity,
                "notional": row.notional, "side": int(row.taker_side),
            }  # fmt: skip
            sender.row("ticks", columns=columns, at=TimestampNanos(row.at))
            if number % STRETCH == 0:
                sender.flush()
        sender.flush()
    return time.perf_counter() - began


def _journal(bench: Bench, server: Any) -> Iterator[Result]:
    """Yield the trades a second out of a journal."""
    from apps.orders.matching.projector import ShardProjector  # noqa: PLC0415 - needs Django set up
    from apps.orders.shipping import TickShipper  # noqa: PLC0415
    from tests.support.shard import journal_fill  # noqa: PLC0415

    journal_fill(bench.scaled(JOURNAL_COMMANDS), batch=100)
    while ShardProjector(0).step():
        pass
    took, batches = [], 0
    for _ in range(bench.runs):
        shipper = TickShipper(0, server.emptied())
        began, batches = time.perf_counter(), 0
        while shipped := shipper.step():
            batches += shipped
        took.append(time.perf_counter() - began)
    trades = server.link().run("SELECT count() FROM ticks")[0][0]
    title = f"trades of {bench.scaled(JOURNAL_COMMANDS):,} commands of a journal, in {batches} batches"
    yield rate("ticks_journal", title, of=(trades, "trades"), seconds=took)


def _filled(server: Any, count: int, now: int) -> int:
    from apps.marketdata.ticks.questdb_tables import Place  # noqa: PLC0415 - needs Django set up

    writer, made, sent = server.emptied(), iter(_rows(count, now)), 0
    while part := list(islice(made, 4 * STRETCH)):
        sent += writer.trades_write(part)
    must_be(int(writer.place_write(0, Place(1, sent, now), timeout_s=120)), 1)
    return sent


def _read(store: Any, count: int, now: int) -> Iterator[Result]:
    from apps.marketdata.candles.intervals import INTERVALS_S  # noqa: PLC0415 - needs Django set up

    for name, interval_s in INTERVALS_S.items():
        end = now // (interval_s * 10**9) * interval_s * 10**9
        start = end - CANDLES * interval_s * 10**9

        def read(number: int, interval_s: int = interval_s, start: int = start, end: int = end) -> None:
            span = store.candles(1 + number % INSTRUMENTS, interval_s=interval_s, start=start, end=end)
            must_be(len(span.candles), CANDLES)

        title = f"{CANDLES} candles of {name}, store, {count:,} trades, QuestDB"
        yield from latencies(f"ticks_{name}_store", title, waited_ms(read), goals={"p50": STORE_MS_GOAL})
