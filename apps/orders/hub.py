"""The feeds of one process: each book and each account is taken once from the bus, for all sockets that want it."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

from apps.marketdata.reference import InstrumentReference
from apps.orders.accountfeed import AccountFeed
from apps.orders.bookfeed import BookFeed
from apps.orders.outbox import Outbox

CONNECTIONS_PER_ACCOUNT_MAX = 4

CLOSE_RESTART = 1012
CLOSE_S_MAX = 0.5

_CLOSE_POLL_S = 0.01


class Feed(Protocol):
    """What the hub opens for its first reader."""

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
        """Give a feed, opening it for its first reader.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        feed = self.get(number)
        if feed is not None:
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


class Hub:
    """One event loop's feeds and sockets."""

    def __init__(self) -> None:
        """Begin without any."""
        self.books: Feeds[BookFeed] = Feeds()
        self.accounts: Feeds[AccountFeed] = Feeds()
        self.sockets: set[Outbox] = set()
        self._connections: dict[int, int] = {}

    async def book(self, reference: InstrumentReference) -> BookFeed:
        """Give an instrument's book.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        return await self.books.opened(reference.id, lambda: BookFeed(reference))

    def book_leave(self, reader: Outbox, reference: InstrumentReference, *, depth: int) -> None:
        """Send a reader no more of a book; a book nobody reads stays connected, for the next."""
        feed = self.books.get(reference.id)
        if feed is not None:
            feed.leave(reader, depth=depth)

    async def account_join(self, reader: Outbox, account: int) -> int:
        """Send a reader an account's events; give the sequence they go on from.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        feed = await self.accounts.opened(account, lambda: AccountFeed(account))
        feed.readers[reader] = None
        return feed.head

    async def account_leave(self, reader: Outbox, account: int) -> None:
        """Send a reader no more of an account; the last one closes the feed."""
        feed = self.accounts.get(account)
        if feed is not None:
            feed.readers.pop(reader, None)
            if not feed.readers:
                del self.accounts[account]
                await feed.close()

    def account_head(self, account: int) -> int | None:
        """Give an account's last sequence, where it is listened to."""
        feed = self.accounts.get(account)
        return None if feed is None else feed.head

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

    async def close(self) -> None:
        """End all feeds and tell all sockets of a restart; waits a moment for them to be told."""
        for socket in self.sockets:
            socket.finish(CLOSE_RESTART, "service_restart")
        feeds: list[Feed] = [*self.books.values(), *self.accounts.values()]
        for feed in feeds:
            await feed.close()
        self.books.clear()
        self.accounts.clear()
        give_up_at = asyncio.get_running_loop().time() + CLOSE_S_MAX
        while self.sockets and asyncio.get_running_loop().time() < give_up_at:  # noqa: ASYNC110 - sockets leave by themselves
            await asyncio.sleep(_CLOSE_POLL_S)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def sockets_open() -> int:
    """Count the sockets of all of this process's hubs."""
    return sum(len(found.sockets) for found in list(_hubs.values()))


def hub() -> Hub:
    """Give the running event loop's hub."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found
