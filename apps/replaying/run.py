"""A replay from start to end: prepare, find out what the journal has already, send the rest, read what came of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from django.db import DatabaseError, connections

from apps.marketdata.feeds.lobster import FeedError, RowInvalidError
from apps.marketdata.selectors import book_find
from apps.orders.commands import CancelOrders
from apps.orders.matching.errors import JournalUnavailableError, MatchingError
from apps.orders.matching.journal import Journal, read_ahead
from apps.orders.selectors import projected, shard
from apps.orders.services import orders_cancel_all
from apps.replaying.observer import BookObserver, TopOfBook
from apps.replaying.preparation import (
    BookNotEmptyError,
    InstrumentClosedError,
    Listing,
    accounts_fund,
    accounts_open,
    instrument_fit,
    listing_find,
    listing_made,
    must_be_free,
    owner_make,
    translator_for,
    was_begun,
)
from apps.replaying.quotes import quotes_read
from apps.replaying.recording import Recording
from apps.replaying.scan import OtherFlowError, Scan
from apps.replaying.sender import NOTHING_HAPPENED, RETRY_S, InterruptedSendingError, Pace, Sender, VenueGoneError
from apps.replaying.translation import GridMismatchError, Needs, Scaler, Translator, needs_of
from cift.backoffice.acts import VENUE, record
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call

T = TypeVar("T")

FAILURES = (
    FeedError,
    OtherFlowError,
    BookNotEmptyError,
    InstrumentClosedError,
    VenueGoneError,
    ApplicationError,
    MatchingError,
    OSError,
)
"""What may come in the way of a replay that has begun."""

DRAIN_POLL_S = 0.02
# Every part of the preparation reads, has an id, or makes what the tables show a moment later: it may be tried again.
PASSING = NOTHING_HAPPENED | {"outcome_unknown", "database_busy", "already_exists"}


class Done(NamedTuple):
    """What a replay had done when it failed; `orders_canceled` None: what it left in the book is there still."""

    instrument: str
    listed: bool
    accounts: tuple[int, ...]
    commands: int
    orders_canceled: int | None


class ReplayFailedError(Exception):
    """A replay that had begun could not go on; the text names the recording's file and line."""

    def __init__(self, reason: str, done: Done) -> None:
        """Keep what was done."""
        super().__init__(reason)
        self.done = done


def reason_of(error: Exception) -> str:
    """Say why in one line."""
    if isinstance(error, ApplicationError):
        return f"the venue refused: {error.code} {error.detail}".strip()
    return " ".join(str(error).split())


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
    accounts: tuple[int, ...] = ()
    _line: int = 1
    _before: int = 0

    async def run(self) -> Scan:
        """Send all that the journal does not have yet; return what it has in the end.

        Raises:
            FeedError: the recording cannot be used; nothing was done.
            BookNotEmptyError, InstrumentClosedError: the venue is not fit for it; nothing was done.
            VenueGoneError: the order service has not answered for `patience_s`; nothing was done.
            ReplayFailedError: it could not go on; nothing of it rests in the book, if the venue answers.

        """
        listing, name = await self._check()
        asked = await self._record("asked", commands=self._needs.steps)
        try:
            await self._prepare(listing, name)
            scan = await self._sent()
        except FAILURES as error:
            raise await self._failed(error, asked) from error
        await self._record("done", about=asked, accounts=list(self.accounts), commands=scan.done, trades=scan.trades)
        return scan

    async def _sent(self) -> Scan:
        """Send all that the journal does not have yet; return what it has in the end."""
        scan = await self._position()
        if scan.ended_by and scan.done < self._needs.steps:
            message = f"batch {scan.ended_by} canceled its orders when it had failed: give another --instrument"
            raise OtherFlowError(message)
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
                self._line = sender.line or self._line
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

    async def _check(self) -> tuple[Listing, str]:
        """See that the instrument can take the recording; nothing is done before all is checked that can be."""
        await self._tables_current()
        listing = await self._patiently(lambda: database_call(listing_find, self.recording.symbol))
        self._needs = await asyncio.to_thread(self._checked, listing.scaler)
        name = await asyncio.to_thread(self.recording.name)
        if not await self._patiently(lambda: was_begun(name)):
            await self._patiently(lambda: must_be_free(listing))
        return listing, name

    async def _prepare(self, listing: Listing, name: str) -> None:
        """List the instrument, and open and fund the accounts the recording needs."""
        self._listing = made = await self._patiently(lambda: listing_made(listing))
        self.watch.on_stage("opening and funding accounts")
        owner = await self._patiently(lambda: database_call(owner_make))
        self.accounts, opened = await self._patiently(lambda: accounts_open(name, owner=owner))
        self._before = opened - 1
        await self._patiently(lambda: accounts_fund(name, self.accounts, self._needs, made))

    async def _failed(self, error: Exception, asked: int) -> ReplayFailedError:
        """Cancel what rests, and say how far it was; who does not answer can cancel nothing, and may be asked again."""
        canceled: int | None = 0
        if isinstance(error, VenueGoneError):
            canceled = None
        elif self._listing is not None and self.accounts:
            canceled = await self._canceled(self._listing.scaler.instrument)
        done = Done(self.recording.symbol, self._listing is not None, self.accounts, self.timing.commands, canceled)
        outcome = "unknown" if canceled is None else "refused"
        with suppress(ApplicationError, DatabaseError):
            await self._record(outcome, about=asked, **done._asdict(), why=str(error))
        where = "" if isinstance(error, FeedError) else f"{self.recording.messages}:{self._line}: "
        return ReplayFailedError(f"{where}{reason_of(error)}", done)

    async def _canceled(self, instrument: int) -> int | None:
        """Cancel the orders that rest; return how many, None where the venue did not do it."""
        commands = [CancelOrders(account=account, instrument=instrument) for account in self.accounts]
        try:
            return sum([(await self._patiently(partial(orders_cancel_all, each))).event.count for each in commands])
        except (ApplicationError, VenueGoneError):
            return None

    async def _record(self, outcome: str, *, about: int = 0, **after: Any) -> int:
        """Write to the audit records."""
        subject, recording = f"instrument {self.recording.symbol}", str(self.recording.messages)
        return await self._patiently(
            lambda: database_call(
                record,
                VENUE,
                action="replay.run",
                subject=subject,
                outcome=outcome,
                after={"recording": recording, **after},
                about=about,
            )
        )

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
        return translator_for(self._listing, self.accounts)

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
