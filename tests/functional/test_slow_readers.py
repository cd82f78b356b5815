"""A reader that stops reading costs little, is cut, and slows nobody: real sockets, the venue's real servers."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psutil
from websockets.sync.client import connect

from tests.support.rawsocket import RawSocket
from tests.support.traders import Trader
from tests.support.venue import Venue
from tests.support.waiting import until

READERS = 8
REQUESTS = 500
LEVELS = 300
MIB = 1024 * 1024
BOOK = {"channel": "book", "symbol": "AAPL-USD", "depth": 0}
CUT_S_MAX = 30.0
PINGS = 200_000
OP_PONG = 0xA


def resident(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(psutil.Process(pid).memory_info().rss)


@contextmanager
def peak_of(pid: int) -> Iterator[list[int]]:
    """Return the most resident memory a process had meanwhile."""
    peak, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(0.005):
            peak[0] = max(peak[0], resident(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        stop.set()
        looking.join()


def book_fill(trader: Trader) -> None:
    prices = [f"{price // 100}.{price % 100:02d}" for price in range(18_500, 18_500 + LEVELS)]
    for start in range(0, LEVELS, 100):
        orders = [
            {"op": "submit", "symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": price, "quantity": "1"}
            for price in prices[start : start + 100]
        ]
        status, body = trader.call("POST", "orders/batch/", json={"orders": orders})
        assert status == 200, body


def ask_for_books(reader: RawSocket) -> None:
    for number in range(REQUESTS):
        if not reader.send(request(number)):
            return


def books_read(url: str) -> int:
    """Ask for books and read them all; give their bytes."""
    with connect(url, max_size=None) as connection:

        def ask() -> None:
            for number in range(REQUESTS):
                connection.send(json.dumps(request(number)))

        sending = threading.Thread(target=ask)
        sending.start()
        # Each request is answered, and each answer is followed by a book.
        size = sum(len(connection.recv(timeout=30)) for _ in range(2 * REQUESTS))
        sending.join()
    return size


def request(number: int) -> dict[str, Any]:
    return {"id": number, "op": "subscribe", **BOOK}


def test_stalled_readers_are_cut_below_their_bound_and_others_go_on(
    running_venue: Venue, traders: tuple[Trader, Trader]
) -> None:
    book_fill(traders[0])
    web = running_venue.child("embedded_web")
    with traders[1].socket(authenticated=False) as healthy, ThreadPoolExecutor(2 * READERS) as threads:
        assert healthy.ask("subscribe", **BOOK)["ok"]

        with peak_of(web) as read_peak:
            sizes = list(threads.map(lambda _: books_read(traders[1].socket_url), range(READERS)))
        # Enough went through that a server without a bound would stand out.
        assert min(sizes) > 2 * MIB

        stalled = [RawSocket(running_venue.port) for _ in range(READERS)]
        with peak_of(web) as stalled_peak:
            list(threads.map(ask_for_books, stalled))
            cut = list(threads.map(lambda reader: reader.wait_cut(seconds=CUT_S_MAX), stalled))
        for reader in stalled:
            reader.close()

        assert all(cut)
        assert (stalled_peak[0] - read_peak[0]) / READERS <= MIB
        before = healthy.messages.qsize()
        traders[0].submit(symbol="AAPL-USD", side="buy", type="limit", price="180", quantity="1")
        while healthy.next_message(channel="book", kind="update")["bids"] != [["180", "1", 1]]:
            pass
        assert before > 0
        assert healthy.closed.empty()


def test_pings_of_who_does_not_read_are_not_answered_without_end(running_venue: Venue) -> None:
    reader = RawSocket(running_venue.port)
    try:
        before = resident(running_venue.child("embedded_web"))
        with peak_of(running_venue.child("embedded_web")) as peak:
            reader.send_pings(PINGS, b"x" * 125)
            assert reader.wait_cut(seconds=CUT_S_MAX)
    finally:
        reader.close()

    # Answers to all of them would be 25 MB.
    assert peak[0] - before <= 3 * MIB


def test_who_reads_again_is_answered_the_latest_of_its_pings(running_venue: Venue) -> None:
    reader = RawSocket(running_venue.port)
    try:
        # Far more than venue and system hold for it.
        assert reader.send_pings(8_000, b"x" * 125)
        assert reader.send_pings(1, b"latest")
        # They are more than may come at once, so that it takes the venue a few seconds.
        until(reader.all_taken)
        payload, answered = b"", 0
        while payload != b"latest":
            opcode, payload = next(reader.frames())
            answered += opcode == OP_PONG
    finally:
        reader.close()

    assert 0 < answered < 8_000
