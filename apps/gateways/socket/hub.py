"""The feeds and sockets of one process: instruments, accounts and the venue, each taken once from the bus for all."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import Gauge

from apps.gateways.socket.places import SocketPlaces
from apps.marketdata.reference import InstrumentReference, references
from apps.marketdata.streams.instrument import InstrumentFeed
from apps.marketdata.streams.pace import Pace
from apps.marketdata.streams.tickers import TickersFeed
from apps.orders.feeds.account import AccountFeed
from apps.orders.feeds.venue import VenueFeed
from apps.orders.selectors import shard
from cift.servers.outbox import Outbox

CONNECTIONS_PER_ACCOUNT_MAX = 4

FEED_KEPT_S = 60.0
"""How long a feed goes on without readers: who comes back in this time goes on from memory."""

PING_S = 20.0
CHECK_S = 1.0

REPAIRS_MAX = 2
"""Accounts read from the journal at once: each may cost half a second of a core."""

CLOSE_RESTART = 1012
CLOSE_S_MAX = 0.5
LAST_ORDERS_S_MAX = 5.0

_CLOSE_POLL_S = 0.01

logger = logging.getLogger(__name__)


class Feed(Protocol):
    """What the hub opens for its first reader."""

    idle_since: float | None

    @property
    def has_readers(self) -> bool:
        """Return whether anybody listens."""

    async def open(self) -> None:
        """Connect it to the bus."""

    async def close(self) -> None:
        """Leave the bus."""


FeedT = TypeVar("FeedT", bound=Feed)


class Feeds(dict[int, FeedT]):
    """Feeds by number; one that is being opened is waited for, not opened twice."""

    def __init__(self) -> None:
        """Begin without any."""
        super().__init__()
        self._opening: dict[int, asyncio.Task[FeedT]] = {}

    async def opened(self, number: int, make: Callable[[], FeedT]) -> FeedT:
        """Return a feed, opening it for its first reader.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        feed = self.get(number)
        if feed is not None:
            feed.idle_since = None
            return feed
        if number not in self._opening:
            task = asyncio.get_running_loop().create_task(self._open(number, make()))
            self._opening[number] = task
            task.add_done_callback(lambda _: self._opening.pop(number, None))
        return await asyncio.shield(self._opening[number])

    async def _open(self, number: int, feed: FeedT) -> FeedT:
        try:
            await feed.open()
        except BaseException:
            await feed.close()
            raise
        self[number] = feed
        return feed

    def pop_idle(self, now: float) -> list[FeedT]:
        """Take out the feeds nobody has read for long."""
        for feed in self.values():
            if feed.has_readers:
                feed.idle_since = None
            elif feed.idle_since is None:
                feed.idle_since = now
        idle = [number for number, feed in self.items() if now - (feed.idle_since or now) > FEED_KEPT_S]
        return [self.pop(number) for number in idle]


class Socket(Protocol):
    """What the hub knows of a session."""

    outbox: Outbox

    def check(self, now: float) -> None:
        """End the socket if it has been of no use for long; `now`: the loop's time, s."""

    def tick(self) -> None:
        """Send the server's ping."""

    def last_orders(self) -> None:
        """Take no more orders: the process ends."""


class Hub:
    """One event loop's feeds and sockets."""

    def __init__(self) -> None:
        """Begin without any."""
        self.instruments: Feeds[InstrumentFeed] = Feeds()
        self.accounts: Feeds[AccountFeed] = Feeds()
        self.venues: Feeds[VenueFeed] = Feeds()
        self.tickers: Feeds[TickersFeed] = Feeds()
        self.sockets: dict[Socket, float] = {}
        self.places = SocketPlaces()
        self.pace = Pace()
        self._repairs = asyncio.Semaphore(REPAIRS_MAX)
        self._connections: dict[int, int] = {}
        self._watching: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()

    async def instrument(self, reference: InstrumentReference) -> InstrumentFeed:
        """Return an instrument's feed.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        return await self.instruments.opened(reference.id, lambda: InstrumentFeed(reference, changed=self.pace.changed))

    async def account(self, account: int) -> AccountFeed:
        """Return an account's feed.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        return await self.accounts.opened(account, lambda: AccountFeed(account, repairs=self._repairs))

    async def venue(self) -> VenueFeed:
        """Return the venue's own feed.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        return await self.venues.opened(shard(), lambda: VenueFeed(changed=self.pace.changed))

    async def all_tickers(self) -> TickersFeed:
        """Return the feed of all instruments' tickers.

        Raises:
            ApplicationError: `venue_unavailable`, `database_busy`.

        """
        return await self.tickers.opened(shard(), self._tickers_make)

    def _tickers_make(self) -> TickersFeed:
        return TickersFeed(listed=references.listed, opened=self.instrument, changed=self.pace.changed)

    def account_head(self, account: int) -> int | None:
        """Return an account's last sequence, where it is listened to."""
        feed = self.accounts.get(account)
        return None if feed is None else feed.head

    def enter(self, socket: Socket) -> None:
        """Watch over a socket: that its reader keeps up, and its pings."""
        loop = asyncio.get_running_loop()
        self.sockets[socket] = loop.time() + PING_S
        if self._watching is None:
            self._watching = loop.create_task(self._watch())

    def leave(self, socket: Socket) -> None:
        """Watch over it no more."""
        self.sockets.pop(socket, None)

    def connection_enter(self, account: int) -> bool:
        """Count a connection of an account; False: it has its most."""
        count = self._connections.get(account, 0)
        if count >= CONNECTIONS_PER_ACCOUNT_MAX:
            return False
        self._connections[account] = count + 1
        return True

    def connection_leave(self, account: int) -> None:
        """Count a connection out."""
        count = self._connections.pop(account, 0) - 1
        if count > 0:
            self._connections[account] = count

    def errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that outlives the socket it is for; the end of the process waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def last_orders(self) -> None:
        """Let no socket send orders any more, and have the orders canceled that go with their sockets.

        Called while the order service still answers; waits a bounded time.
        """
        for socket in list(self.sockets):
            socket.last_orders()
        if self._errands:
            _, late = await asyncio.wait(tuple(self._errands), timeout=LAST_ORDERS_S_MAX)
            if late:
                logger.warning("%s sockets' orders could not be canceled before the end", len(late))

    async def close(self) -> None:
        """End all feeds and tell all sockets of a restart; waits a moment for them to be told."""
        for socket in list(self.sockets):
            socket.outbox.finish(CLOSE_RESTART, "service_restart")
        feeds: list[Feed] = [*self.tickers.values(), *self.instruments.values()]
        feeds += [*self.accounts.values(), *self.venues.values()]
        for feed in feeds:
            await feed.close()
        self.tickers.clear()
        self.instruments.clear()
        self.accounts.clear()
        self.venues.clear()
        give_up_at = asyncio.get_running_loop().time() + CLOSE_S_MAX
        while self.sockets and asyncio.get_running_loop().time() < give_up_at:  # noqa: ASYNC110 - sockets leave by themselves
            await asyncio.sleep(_CLOSE_POLL_S)
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        """Look after all sockets, and let feeds go that nobody has read for long; one task for all of them."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                self.tick(loop.time())
                await self._close_idle(loop.time())
            except Exception:
                # The next look is for all the others.
                logger.exception("the check of all sockets failed")

    def tick(self, now: float) -> None:
        """Cut sockets too far behind or of no use, and ping those whose turn has come; `now`: the loop's time, s."""
        for socket, ping_at in list(self.sockets.items()):
            socket.outbox.check()
            socket.check(now)
            if now >= ping_at and socket in self.sockets:
                self.sockets[socket] = now + PING_S
                socket.tick()

    async def _close_idle(self, now: float) -> None:
        for instrument in self.instruments.pop_idle(now):
            self.pace.forget(instrument)
            await instrument.close()
        for account in self.accounts.pop_idle(now):
            await account.close()
        for tickers in self.tickers.pop_idle(now):
            self.pace.forget(tickers)
            await tickers.close()
        for venue in self.venues.pop_idle(now):
            self.pace.forget(venue)
            await venue.close()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def sockets_open() -> int:
    """Count the sockets of all of this process's hubs."""
    return sum(len(found.sockets) for found in list(_hubs.values()))


_SOCKETS_OPEN = Gauge("cift_sockets_open", "Sockets open")
_SOCKETS_OPEN.set_function(sockets_open)


def hub() -> Hub:
    """Return the running event loop's hub."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found
