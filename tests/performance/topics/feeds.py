"""Feeds under load: how long after its commit a change of a book is with its readers, and what they cost the orders."""

import sqlite3
import subprocess
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from apps.marketdata.events import InstrumentListed
from apps.orders.events import section_decode
from cift.wire.base import frame_split
from tests.performance.clients import Socket, frame_of
from tests.performance.load import open_loop
from tests.performance.results import Bench, Result, latencies, percentiles, topic
from tests.performance.trading import Trading, trading_open

ROOT = Path(__file__).resolve().parents[3]
BOOKS = {
    "AAPL-USD": ("190", "1"),
    "MSFT-USD": ("420", "1"),
    "SPY-USD": ("520", "1"),
    "BTC-USD": ("60000", "0.01"),
    "ETH-USD": ("3000", "0.1"),
}
"""The price and quantity of all orders of a book."""

READERS = 200
SAMPLED = 8
PER_SECOND = 500
COUNT = 10_000
WARM = 500
CREATED = 201
FRAME_GOAL_MS = 250.0
SLOWER_GOAL = 2.0

Stood = dict[str, tuple[list[int], list[int]]]
"""By symbol: the sequences its instrument reached, and when, ns since the epoch."""


class BookMessage(msgspec.Struct):
    """What is looked at of a book's message; the venue's pings, every 20 s, have none of it."""

    symbol: str = ""
    sequence: int = 0
    previous: int | None = None


@topic("feeds", order=130)
def feeds(bench: Bench) -> Iterator[Result]:
    """Yield the latency of 200 readers of 5 books under 500 commands a second, and of the orders beside them."""
    for web_server in ("daphne", "uvicorn"):
        with trading_open(bench, web_server) as trading:
            count = bench.scaled(COUNT)
            uvloop.run(_orders(trading, WARM, first=0))
            alone = uvloop.run(_orders(trading, count, first=WARM))
            out = bench.folder / f"{web_server}.noted"
            with _readers(trading.venue.port, out):
                beside = uvloop.run(_orders(trading, count, first=WARM + count))
            trading.drained()
            waited = _waited(out, _stood(trading.venue.folder))
        title = f"{READERS} readers × {len(BOOKS)} books under {PER_SECOND} commands/s, {web_server}"
        yield from latencies(
            f"feeds_{web_server}", f"{title}: from a change's batch to its frame", waited, goals={"p99": FRAME_GOAL_MS}
        )
        without, with_readers = percentiles(alone), percentiles(beside)
        yield Result(
            f"feeds_orders_{web_server}",
            f"{title}: an order's p99 as a multiple of that without readers",
            with_readers["p99"] / without["p99"],
            "×",
            SLOWER_GOAL,
            "lower",
            detail={"without_ms": without, "with_ms": with_readers, "orders": count},
        )


async def _orders(trading: Trading, count: int, *, first: int) -> list[float]:
    """Send orders over all books in turn, every second of a book taking the one before it; return ms to the answers."""
    sockets = [await Socket.connect(trading.venue.port, token=token) for token in trading.tokens]
    symbols = list(BOOKS)
    requests = []
    for number in range(first, first + count):
        symbol, turn = symbols[number % len(symbols)], number // len(symbols)
        # The seller of one pair is the buyer of the next, so nobody runs out of anything.
        socket = sockets[(turn + turn // 2) % 2]
        price, quantity = BOOKS[symbol]
        order = {
            "symbol": symbol, "side": ("sell", "buy")[turn % 2], "type": "limit", "price": price,
            "quantity": quantity, "client_order_id": f"f-{number}",
        }  # fmt: skip
        requests.append((socket, frame_of({"id": number, "op": "order.submit", "params": order})))

    async def send(number: int) -> None:
        socket, frame = requests[number]
        answer = await socket.ask(first + number, frame)
        if answer.status != CREATED:
            raise RuntimeError(answer)

    waited = await open_loop(send, per_second=PER_SECOND, count=count)
    for socket in sockets:
        socket.transport.close()
    return waited


@contextmanager
def _readers(port: int, out: Path) -> Iterator[None]:
    words = [sys.executable, "-m", "tests.performance.readers", str(port), str(READERS), str(SAMPLED), str(out)]
    child = subprocess.Popen([*words, *BOOKS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if child.stdin is None or child.stdout is None or child.stdout.readline() != "reading\n":
        child.kill()
        raise RuntimeError("the readers do not read")
    try:
        yield
    finally:
        child.stdin.close()
        code = child.wait(timeout=60)
    if code:
        raise RuntimeError(f"the readers ended with {code}")


def _stood(folder: Path) -> Stood:
    """Read from the journal when each instrument reached each sequence: its batch's time, before its commit."""
    symbols: dict[int, str] = {}
    stood: Stood = defaultdict(lambda: ([], []))
    with closing(sqlite3.connect(folder / "journal.sqlite3")) as connection:
        for at, packed in connection.execute("SELECT at, events FROM orders_journalbatch ORDER BY number"):
            events: Iterator[Any] = chain.from_iterable(map(section_decode, frame_split(packed)))
            for event in events:
                if isinstance(event, InstrumentListed):
                    symbols[event.instrument] = event.symbol
                if sequence := getattr(event, "instrument_sequence", 0):
                    sequences, times = stood[symbols[event.instrument]]
                    sequences.append(sequence)
                    times.append(at)
    return stood


def _waited(out: Path, stood: Stood) -> list[float]:
    """Return, for each change and each reader that noted it, the ms from its batch to the frame that told of it."""
    decoder = msgspec.json.Decoder(BookMessage | list[BookMessage])
    waited: list[float] = []
    for noted in msgspec.msgpack.decode(out.read_bytes()):
        for arrived, text in noted:
            found = decoder.decode(text)
            for message in found if isinstance(found, list) else (found,):
                if message.previous is None:
                    continue
                sequences, times = stood[message.symbol]
                told = slice(bisect_right(sequences, message.previous), bisect_right(sequences, message.sequence))
                waited += [(arrived - at) / 1e6 for at in times[told]]
    if not waited:
        raise RuntimeError("no reader was told of a change")
    return waited
