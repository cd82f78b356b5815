"""A bookkeeper on the clients' side: traders that order over REST and sockets, and remember all they were told.

    keeper = Bookkeeper(port=venue.port, logins=venue.logins(), seed=1)
    async with keeper:                     # logs in, connects, notes the balances
        keeper.go()                        # they trade
        …                                  # whatever happens to the venue: they come back to its port by themselves
        found = await keeper.compare()     # they pause, and are held against the venue, which must be ready
        keeper.go()
        found += await keeper.settle()     # waits for the last unknown outcome, then compares from the first order on

A comparison finds what was acknowledged and is lost, what happened twice or unasked, an outcome that cannot be found
out by its id, fills, balances and held funds that are not what was told, and gaps or steps back in the account and book
channels. `keeper.counts()` says how much was done. The accounts must be nobody else's meanwhile; others may trade.
All of it runs in one event loop and nothing of it blocks.
"""

import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

from tests.support.bookkeeper.comparison import Comparison, Violation
from tests.support.bookkeeper.door import Door
from tests.support.bookkeeper.flow import SYMBOLS
from tests.support.bookkeeper.streams import BookStream
from tests.support.bookkeeper.trader import CUT, BookedTrader

WAIT_S_MAX = 120.0
_POLL_S = 0.01
_DEPTH = 5_000
_RETRY_S = 0.02


class Bookkeeper:
    """Keeps the books of all traders."""

    def __init__(self, *, port: int, logins: Mapping[str, str], seed: int, tls: ssl.SSLContext | None = None) -> None:
        """Name the address, and who trades, address to password; `tls`: whom to believe, where the venue speaks it."""
        self.acknowledged_at = self.acknowledged_sent_at = 0.0
        self._socket_url = f"ws{'' if tls is None else 's'}://127.0.0.1:{port}/ws/v1/"
        self._tls = tls
        self._door = Door(port)
        self._acknowledged = asyncio.Event()
        self.traders = [
            BookedTrader(
                port=port, email=email, password=password, name=f"k{seed}.{number}", seed=seed * 1_000 + number,
                heard=self.hear, door=self._door, tls=tls,
            )
            for number, (email, password) in enumerate(logins.items())
        ]  # fmt: skip
        self.comparisons = [Comparison(trader) for trader in self.traders]
        self.books = {symbol: BookStream(symbol) for symbol in SYMBOLS}
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Log in and connect."""
        for trader, comparison in zip(self.traders, self.comparisons, strict=True):
            await trader.login()
            await comparison.begin()
            trader.start()
        self._following = asyncio.create_task(self._follow_books())
        return self

    async def __aexit__(self, *_error: object) -> None:
        """End all connections."""
        for trader in self.traders:
            await trader.stop()
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        await self._door.close()

    def hear(self, sent_at: float) -> None:
        self.acknowledged_sent_at = max(self.acknowledged_sent_at, sent_at)
        self.acknowledged_at = time.monotonic()
        self._acknowledged.set()

    async def acknowledged_behind(self, moment: float, *, seconds: float) -> float:
        """Wait until something sent behind a moment is acknowledged; give when it was.

        Raises:
            TimeoutError: nothing was.

        """
        async with asyncio.timeout(seconds):
            while self.acknowledged_sent_at < moment:
                self._acknowledged.clear()
                await self._acknowledged.wait()
        return self.acknowledged_at

    def go(self) -> None:
        """Let all trade."""
        for trader in self.traders:
            trader.look()
            trader.going.set()

    async def pause(self) -> None:
        """Let nobody begin anything, and wait until what is on its way has come to an end."""
        for trader in self.traders:
            trader.going.clear()
        await self._until(lambda: not any(trader.in_flight for trader in self.traders), "an answer or an end")

    def in_flight(self) -> dict[str, int]:
        """Count the commands on their way, by kind and way."""
        return dict(
            Counter(
                f"{sent.kind} by {sent.way}"
                for trader in self.traders
                for request in trader.in_flight.values()
                for _, sent in request.parts
            )
        )

    def counts(self) -> dict[str, int]:
        """Count what was done so far."""
        memories = [trader.memory for trader in self.traders]
        resolved = [row for comparison in self.comparisons for row in comparison.resolved]
        return {
            "orders": sum(len(memory.orders) for memory in memories),
            "acknowledged": sum(memory.acknowledged for memory in memories),
            "refused": sum(memory.refused for memory in memories),
            "unknown": sum(len(memory.unknown) for memory in memories) + len(resolved),
            "unknown_found": sum(row["found"].endswith("to have happened") for row in resolved),
            "unknown_never": sum(row["found"].endswith("never happened") for row in resolved),
            "account_messages": sum(trader.stream.messages for trader in self.traders),
            "account_resumed": sum(trader.stream.resumed for trader in self.traders),
            "account_gaps_shown": sum(trader.stream.gaps_shown for trader in self.traders),
            "account_snapshots": sum(trader.stream.snapshots for trader in self.traders),
            "book_messages": sum(book.messages for book in self.books.values()),
            "book_snapshots": sum(book.snapshots for book in self.books.values()),
        }

    async def compare(self, *, whole: bool = False) -> list[Violation]:
        """Pause, and hold everything since the last comparison against the venue; `whole`: everything there is.

        Unknown outcomes younger than their deadline are left for the next one; `settle` waits for them.
        """
        await self.pause()
        for trader in self.traders:
            trader.look()
            await trader.login()
            # Whatever of before is durable lies behind this in the journal, so its token covers all of it.
            before = trader.memory.token
            while trader.memory.token == before:
                await trader.send_rest(trader.flow.submit("rest"))
        await self._share_token()
        compared = await asyncio.gather(*(comparison.compare(whole=whole) for comparison in self.comparisons))
        return [violation for found in compared for violation in found] + await self._streams()

    async def settle(self) -> list[Violation]:
        """Compare everything, when the last unknown outcome can be known."""
        found = await self.compare()
        while any(trader.memory.unknown for trader in self.traders):
            await asyncio.sleep(0.25)
            found += await self.compare()
        return found + await self.compare(whole=True)

    async def _share_token(self) -> None:
        """Use the newest token for all: a trader's order may have changed by another's."""
        newest = max(trader.memory.token for trader in self.traders)
        for trader in self.traders:
            trader.memory.token = newest

    async def _streams(self) -> list[Violation]:
        found: list[Violation] = []
        for trader in self.traders:
            await self._caught_up(trader)
            found += [Violation("stream", f"{trader.email}: {gap}") for gap in trader.stream.gaps]
            found += [
                Violation("stream", f"{trader.email}: {sequence} was acknowledged, and no message came for it")
                for sequence in trader.stream.missing()
            ]
            trader.stream.gaps.clear()
        for symbol, book in self.books.items():
            found += await self._book(symbol, book)
        return found

    async def _caught_up(self, trader: BookedTrader) -> None:
        """Wait until the trader's channel is where its account is."""
        give_up_at = time.monotonic() + WAIT_S_MAX
        while True:
            assert time.monotonic() < give_up_at, f"{trader.email} is at {trader.stream.at}"
            trader.look()
            try:
                answer = await trader.ask("ping")
            except CUT:
                await asyncio.sleep(_RETRY_S)
                continue
            if trader.stream.at is not None and answer["result"]["account_sequence"] == trader.stream.at:
                return
            await asyncio.sleep(_POLL_S)

    async def _book(self, symbol: str, book: BookStream) -> list[Violation]:
        """Hold the book as followed against the one that is asked for; what changes no level is told to nobody."""
        give_up_at = time.monotonic() + WAIT_S_MAX
        while True:
            status, asked = await self.traders[0].read(f"instruments/{symbol}/book/", depth=_DEPTH)
            assert status == 200, asked
            late = time.monotonic() > give_up_at
            followed = book.levels() == {side: asked[side] for side in ("bids", "asks")}
            if late or (followed and book.at is not None and book.at <= asked["sequence"]):
                break
            await asyncio.sleep(_POLL_S)
        gaps, book.gaps = book.gaps, []
        if late:
            gaps.append(f"{symbol}: at {book.at} the book as followed is {book.levels()}, the venue's is {asked}")
        return [Violation("stream", gap) for gap in gaps]

    async def _follow_books(self) -> None:
        while True:
            with suppress(*CUT):
                async with connect(
                    self._socket_url, max_size=None, ping_interval=None, close_timeout=1, proxy=None, ssl=self._tls
                ) as socket:
                    await self._books_connected(socket)
            await asyncio.sleep(_RETRY_S)
            await self._door.opened()

    async def _books_connected(self, socket: ClientConnection) -> None:
        for number, book in enumerate(self.books.values()):
            request: dict[str, Any] = {
                "id": number, "op": "subscribe", "channel": "book", "symbol": book.symbol, "depth": 0,
                "from_sequence": book.at,
            }  # fmt: skip
            await socket.send(json.dumps(request))
        async for frame in socket:
            found = json.loads(frame)
            for message in found if isinstance(found, list) else [found]:
                if message.get("channel") == "book":
                    self.books[message["symbol"]].take(message)
                elif message.get("ok") is False:
                    raise ConnectionError(str(message))

    async def _until(self, holds: Any, what: str) -> None:
        give_up_at = time.monotonic() + WAIT_S_MAX
        while not holds():
            assert time.monotonic() < give_up_at, f"no {what} in {WAIT_S_MAX} s"
            await asyncio.sleep(_POLL_S)
