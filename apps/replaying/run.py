"""A replay from start to end: prepare, find out what the journal has already, send the rest, read what came of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from django.db import connections

from apps.marketdata.feeds.lobster import RowInvalidError
from apps.marketdata.selectors import book_find
from apps.orders.matching.errors import JournalUnavailableError
from apps.orders.matching.journal import Journal, read_ahead
from apps.orders.selectors import projected, shard
from apps.replaying.observer import BookObserver, TopOfBook
from apps.replaying.preparation import (
    Listing,
    accounts_fund,
    accounts_open,
    instrument_fit,
    listing_find,
    listing_made,
    must_be_free,
    translator_for,
    was_begun,
)
from apps.replaying.quotes import quotes_read
from apps.replaying.recording import Recording
from apps.replaying.scan import Scan
from apps.replaying.sender import NOTHING_HAPPENED, RETRY_S, InterruptedSendingError, Pace, Sender, VenueGoneError
from apps.replaying.translation import GridMismatchError, Needs, Scaler, Translator, needs_of
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call

T = TypeVar("T")

DRAIN_POLL_S = 0.02
# Every part of the preparation reads, has an id, or makes what the tables show a moment later: it may be tried again.
PASSING = NOTHING_HAPPENED | {"outcome_unknown", "database_busy", "already_exists"}


@dataclass(slots=True)
class Watch:
    """Who watches a replay; all is told from the event loop."""

    on_stage: Callable[[str], None] = lambda _stage: None
    on_start: Callable[[int, int], None] = lambda _steps, _done: None
    on_window: Callable[[int, int], None] = lambda _steps, _trades: None


@dataclass(slots=True)
class Timing:
    """How long the parts took, in seconds, over how many commands."""

    commands: int = 0
    sending_s: float = 0.0
    draining_s: float = 0.0

    @property
    def commands_per_s(self) -> float:
        """Return the rate over sending and draining."""
        spent_s = self.sending_s + self.draining_s
        return self.commands / spent_s if spent_s > 0 else 0


@dataclass(slots=True)
class Replay:
    """One recording through one venue that answers on the bus."""

    recording: Recording
    speed: float | None
    against: Path | None = None
    watch: Watch = field(default_factory=Watch)
    patience_s: float = 60.0
    timing: Timing = field(default_factory=Timing)
    listing_changes: list[str] = field(default_factory=list)
    resumed_at: int = 0
    drained: bool = False
    quotes: list[TopOfBook] = field(default_factory=list)
    _listing: Listing | None = None
    _needs: Needs = field(default_factory=Needs)
    _accounts: tuple[int, ...] = ()
    _before: int = 0

    async def run(self) -> Scan:
        """Send all that the journal does not have yet; return what it has in the end.

        Raises:
            FeedError: the recording cannot be used; nothing was sent.
            BookNotEmptyError, InstrumentClosedError, OtherFlowError: the venue is not fit for it.
            VenueGoneError: the order service has not answered for `patience_s`.
            ApplicationError: the venue refused to prepare.

        """
        await self._prepare()
        scan = await self._position()
        await self._begin(scan.done)
        began = advanced_at = time.monotonic()
        last_number = 0
        while True:
            sender = Sender(scan.translator, Pace(self.speed), self.patience_s, self.watch.on_window)
            try:
                await sender.send(scan.steps)
            except InterruptedSendingError as interrupted:
                self.watch.on_stage(f"{interrupted}: reading the journal to go on behind it")
            else:
                break
            finally:
                self.timing.commands += sender.sent
                last_number = max(last_number, sender.last_number)
            done, scan = scan.done, await self._position()
            if scan.done > done:
                advanced_at = time.monotonic()
            elif time.monotonic() - advanced_at > self.patience_s:
                raise VenueGoneError(f"the order service has executed nothing for {self.patience_s:g} s")
        last_number = max(last_number, scan.number)
        self.timing.sending_s = time.monotonic() - began
        await self._drain(last_number)
        self.watch.on_stage("reading what the journal has")
        return await self._position()

    async def _begin(self, done: int) -> None:
        """Fit the instrument before the first step; tell how much is to be done."""
        self.resumed_at = done
        if not done:
            assert self._listing is not None  # noqa: S101 - made by _prepare
            await must_be_free(self._listing)
            self.listing_changes = await instrument_fit(self._listing, self._needs)
        self.watch.on_start(self._needs.steps, done)

    async def _prepare(self) -> None:
        """See that the instrument can take the recording, then list it and open and fund the accounts it needs.

        Nothing is sent before all is checked that can be.
        """
        await self._tables_current()
        listing = await self._patiently(lambda: database_call(listing_find, self.recording.symbol))
        self._needs = await asyncio.to_thread(self._checked, listing.scaler)
        name = await asyncio.to_thread(self.recording.name)
        if not await self._patiently(lambda: was_begun(name)):
            await self._patiently(lambda: must_be_free(listing))
        self._listing = listing = await self._patiently(lambda: listing_made(listing))
        self.watch.on_stage("opening and funding accounts")
        self._accounts, opened = await self._patiently(lambda: accounts_open(name))
        self._before = opened - 1
        await self._patiently(lambda: accounts_fund(name, self._accounts, self._needs, listing))

    def _checked(self, scaler: Scaler) -> Needs:
        """Go through the plan, and read the quotes it will be compared with.

        Raises:
            FeedError: the instrument cannot take a row, or a file cannot be read.

        """
        recording = self.recording
        try:
            needs = needs_of(recording.plan()[0], scaler)
        except GridMismatchError as error:
            path = recording.messages if error.line or recording.book is None else recording.book
            raise RowInvalidError(path, str(error), line=error.line or 1) from error
        if self.against is not None:
            self.quotes = quotes_read(self.against, scaler)
        return needs

    async def _position(self) -> Scan:
        """Read the journal beside the plan, once all that was sent is in it."""
        listing, translator = self._listing, self._translator()
        assert listing is not None  # noqa: S101 - made by _prepare
        # A query is answered behind all that came before it.
        await self._patiently(lambda: book_find(instrument=listing.scaler.instrument, depth=1))
        scan = Scan(translator, self.recording.plan()[0], BookObserver(listing.scaler.instrument))
        await asyncio.to_thread(self._read, scan)
        return scan

    def _translator(self) -> Translator:
        assert self._listing is not None  # noqa: S101 - made by _prepare
        return translator_for(self._listing, self._accounts)

    def _read(self, scan: Scan) -> None:
        journal = Journal(shard())
        try:
            for rows in read_ahead(journal, self._before):
                scan.read(rows)
        finally:
            connections.close_all()

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try again while the venue does not answer."""
        give_up_at = time.monotonic() + self.patience_s
        while True:
            try:
                return await attempt()
            except (ApplicationError, JournalUnavailableError) as error:
                if isinstance(error, ApplicationError) and error.code not in PASSING:
                    raise
                if time.monotonic() > give_up_at:
                    raise VenueGoneError(f"the order service has not answered for {self.patience_s:g} s") from error
                await asyncio.sleep(RETRY_S)

    async def _drain(self, number: int) -> None:
        """Wait until the tables have the last batch of ours."""
        self.watch.on_stage("waiting for the projection")
        began = time.monotonic()
        self.drained = await self._projected(number)
        self.timing.draining_s = time.monotonic() - began

    async def _tables_current(self) -> None:
        """Wait until the tables show what the journal has: an instrument an earlier run listed, for one.

        Raises:
            VenueGoneError: nobody projects.

        """
        head = await self._patiently(lambda: database_call(_journal_head))
        if not await self._projected(head):
            raise VenueGoneError("the tables are behind the journal and do not move: is a projector running?")

    async def _projected(self, number: int) -> bool:
        """Wait until the tables have a batch; give up when they stand still for `patience_s`."""
        moved_at = time.monotonic()
        reached = (await self._patiently(lambda: database_call(projected))).number
        while reached < number and time.monotonic() - moved_at < self.patience_s:
            await asyncio.sleep(DRAIN_POLL_S)
            before, reached = reached, (await self._patiently(lambda: database_call(projected))).number
            if reached > before:
                moved_at = time.monotonic()
        return reached >= number


def _journal_head() -> int:
    head = Journal(shard()).head()
    return head.number if head else 0
