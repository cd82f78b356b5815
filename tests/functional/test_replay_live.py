"""A recorded order flow into a venue that runs: over its bus, seen on its public feed, through its mishaps."""

import asyncio
import gzip
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Self

import httpx
import pytest

from apps.marketdata.codes import Side
from apps.marketdata.feeds.sample import write_sample
from apps.marketdata.messages import BookBlock, book_block_decode
from apps.orders.events import section_decode
from apps.replaying.observer import BookObserver, Level, TopOfBook
from cift.bus.local import LocalBus
from cift.wire.base import frame_split
from tests.functional.test_replay import ROOT, SECONDS_MAX, Folder, words
from tests.support.shared_data import LobsterHour
from tests.support.traders import Trader
from tests.support.venue import Venue, venue_open

AAPL_R_USD = 6
"""Behind what the venue lists itself."""


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with venue_open(tmp_path / "venue") as opened:
        yield opened


@dataclass
class FeedWatcher:
    """Listens to the public book feed from another process than the venue's, as a gateway would."""

    folder: Path
    blocks: list[BookBlock] = field(default_factory=list)
    gaps: int = 0
    _ready: Event = field(default_factory=Event)

    def __enter__(self) -> Self:
        self._thread = Thread(target=lambda: asyncio.run(self._listen()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _listen(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        bus = LocalBus(socket=self.folder / "bus.sock")

        async def take(_subject: str, payload: bytes) -> None:
            self.blocks.append(book_block_decode(payload))

        async def gap() -> None:
            self.gaps += 1

        await bus.subscribe(f"book.{AAPL_R_USD}", take, on_gap=gap)
        self._ready.set()
        await self._stop.wait()
        await bus.close()


def book_of_feed(blocks: list[BookBlock]) -> Iterator[tuple[int, TopOfBook]]:
    """Apply each block's levels, and yield its batch with the best quotes that gives."""
    levels: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}
    for block in blocks:
        for side, changes in ((Side.BUY, block.bids), (Side.SELL, block.asks)):
            for price, quantity, _ in changes:
                if quantity:
                    levels[side][price] = quantity
                else:
                    # Of a level that came and went within a batch, only its end is told.
                    levels[side].pop(price, None)
        asks, bids = levels[Side.SELL], levels[Side.BUY]
        yield (
            block.number,
            TopOfBook(
                Level(min(asks), asks[min(asks)]) if asks else None,
                Level(max(bids), bids[max(bids)]) if bids else None,
            ),
        )


def book_of_journal(folder: Path) -> Iterator[tuple[int, TopOfBook]]:
    """Yield the best quotes behind each batch, from the journal's events alone."""
    observer = BookObserver(AAPL_R_USD)
    with sqlite3.connect(f"file:{folder / 'journal.sqlite3'}?mode=ro", uri=True) as journal:
        for number, events in journal.execute("SELECT number, events FROM orders_journalbatch ORDER BY number"):
            for section in frame_split(events):
                observer.apply(section_decode(section))
            yield number, observer.top()


def test_the_public_feed_shows_the_book_the_journal_makes(venue: Venue, tmp_path: Path) -> None:
    messages, book = write_sample(tmp_path, messages=5_000, seed=21)
    with FeedWatcher(venue.folder) as watcher:
        report = Folder(venue.folder).replay(messages, "--opening-book", str(book), "--compare", str(book))
        _until(lambda: bool(watcher.blocks) and watcher.blocks[-1].number >= report["journal_number"])
    assert report["venue"] == "running"
    assert report["agreement"]["equal"] == report["agreement"]["theirs"]
    assert watcher.gaps == 0
    expected = dict(book_of_journal(venue.folder))
    before = watcher.blocks[0].previous_sequence
    for block, (number, top) in zip(watcher.blocks, book_of_feed(watcher.blocks), strict=True):
        assert block.previous_sequence == before
        before = block.sequence
        assert top == expected[number], number
        assert (block.best_ask, block.best_bid) == top, number
        assert not (block.best_ask and block.best_bid) or block.best_ask[0] > block.best_bid[0]
    assert sum(len(block.trades) for block in watcher.blocks) == report["trades"]
    Folder(venue.folder).audit()


def test_the_documented_command_replays_beside_a_market_that_has_orders(
    venue: Venue, tmp_path: Path, real_hour: LobsterHour | None
) -> None:
    if real_hour is None:
        return  # the summary says so
    messages = tmp_path / "prefix.csv.gz"
    with gzip.open(real_hour.messages, "rt") as whole, gzip.open(messages, "wt") as prefix:
        prefix.writelines(islice(whole, 2_000))
    trader = Trader(venue, next(iter(venue.logins())))
    order = trader.submit(symbol="AAPL-USD", side="buy", type="limit", price="180", quantity="1")
    named = {"MESSAGES.csv.gz": str(messages), "BOOK.csv": str(real_hour.opening_book)}
    command = re.search(r"manage\.py (replay .*)", (ROOT / "docs/how-to/replay.md").read_text())
    assert command is not None
    folder = Folder(venue.folder)

    done = folder.run(*[named.get(word, word) for word in command[1].split()])

    assert done.returncode == 0, done.stderr
    assert "AAPL.R-USD (running venue)" in done.stdout
    assert trader.call("GET", "instruments/AAPL.R-USD/")[0] == 200
    assert trader.call("GET", f"orders/{order['id']}/")[1]["status"] == "new"
    assert httpx.get(f"{trader.base}instruments/AAPL-USD/trades/", timeout=30).json()["results"] == []
    acts = "SELECT subject, outcome FROM accounts_auditrecord WHERE action = 'replay.run' ORDER BY number"
    assert folder.asked(acts) == [("instrument AAPL.R-USD", "asked"), ("instrument AAPL.R-USD", "done")]
    assert folder.asked("SELECT count(*) FROM accounts_account WHERE id > 2 AND owner_id IS NULL") == [(0,)]


def test_a_venue_killed_under_a_replay_comes_back_and_the_replay_goes_on(venue: Venue, tmp_path: Path) -> None:
    messages, book = write_sample(tmp_path, messages=5_000, seed=5)
    options = ("--opening-book", str(book), "--compare", str(book))
    folder = Folder(venue.folder)
    opened = folder.batches()
    child = folder.start(*words(messages, *options))
    for after in (30, 60):
        _until(lambda after=after: folder.batches() >= opened + after)
        os.kill(venue.child("embedded_web"), signal.SIGKILL)
    _, error = child.communicate(timeout=SECONDS_MAX)
    assert child.returncode == 0, error
    straight = Folder(tmp_path / "whole")
    expected = straight.replay(messages, *options)
    again = folder.replay(messages, *options)
    for name in ("commands", "trades", "states", "crossed", "refused", "agreement"):
        assert again[name] == expected[name], name
    assert again["commands_of_this_run"] == 0
    folder.audit()


def test_a_replay_killed_beside_a_running_venue_goes_on(venue: Venue, tmp_path: Path) -> None:
    messages, book = write_sample(tmp_path, messages=5_000, seed=6)
    folder = Folder(venue.folder)
    opened = folder.batches()
    child = folder.start(*words(messages, "--opening-book", str(book)))
    _until(lambda: folder.batches() >= opened + 45)
    child.kill()
    child.communicate(timeout=SECONDS_MAX)
    report = folder.replay(messages, "--opening-book", str(book), "--compare", str(book))
    assert 0 < report["resumed_at"] < report["commands"] == report["commands_planned"]
    assert report["agreement"]["equal"] == report["agreement"]["theirs"]
    folder.audit()


def _until(condition: object) -> None:
    give_up_at = time.monotonic() + SECONDS_MAX
    assert callable(condition)
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
