"""One account's events on their way to its sockets: each message is built once, in the account's own sequence.

Nothing is left out or put together. The last messages are kept, for who comes back; what happened before them is read
from the journal's end, and where that is too long ago the account is told whole, from the tables.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import Error as DatabaseFault

from apps.accounts.events import (
    AccountChanged,
    AccountOpened,
    BalanceChanged,
    CashMoved,
    PositionChanged,
    PositionLimitSet,
    WithdrawalRequested,
    WithdrawalSettled,
)
from apps.marketdata.reference import AssetReference, reference_of, references
from apps.marketdata.streams.channel import Joined
from apps.orders.codes import Liquidity
from apps.orders.events import (
    AnyEvent,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderReduced,
    OrderRejected,
    Trade,
    account_block_decode,
)
from apps.orders.feeds.account_messages import (
    ORDER_EVENT_NAMES,
    AccountMessage,
    AccountSnapshot,
    FillMessage,
    Holding,
    OrderMessage,
    account_message,
    money_message,
    position_limit_message,
    position_message,
)
from apps.orders.feeds.reads import AccountEvent, account_events, account_found, account_sequence_of, holding_found
from apps.orders.lifecycle import TERMINAL
from apps.orders.selectors import account_sequence_find, orders_current, sequence_find
from apps.orders.shapes import fill_body, order_body
from apps.orders.state import OrderChange, OrderState, fill_of
from cift.bus import buses
from cift.bus.base import Subscription
from cift.errors.application import ApplicationError
from cift.processes.threads import database_call
from cift.servers.outbox import OWED_BYTES_MAX, Outbox
from cift.times import time_format
from cift.wire.subjects import account_subject

ORDERS_MAX = 20_000
"""The most open orders kept in memory for an account; the tables behind them."""

MESSAGES_KEPT = 1_000
BYTES_KEPT = 1024 * 1024
"""Messages kept for who comes back, whichever comes first."""

MESSAGES_REPAIRED_MAX = 2_000
"""The most messages made up from the journal for one reader."""

ASK_AGAIN_S = 0.25
"""What was missed is asked for again so often while there is nobody to ask."""

EVENTS_PER_TURN = 16
"""So many messages are made in one turn of the event loop; then others get theirs."""

Holdings = dict[str, Holding]
"""By the asset's symbol."""

T = TypeVar("T")

logger = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()


class _Kept(NamedTuple):
    """A message: its place in the account's sequence, its event's sequence, and its text."""

    account_sequence: int
    sequence: int
    text: bytes


class AccountFeed:
    """One account's readers."""

    def __init__(self, account: int, *, repairs: asyncio.Semaphore, owed_bytes_max: int = OWED_BYTES_MAX) -> None:
        """Begin without readers; `open` connects it. `repairs` bounds how many read the journal at once.

        Who missed more than `owed_bytes_max` is told the account whole.
        """
        self._owed_bytes_max = owed_bytes_max
        self.account = account
        self._repairs = repairs
        self.head = 0
        self.readers: dict[Outbox, None] = {}
        self.idle_since: float | None = None
        self._kept: deque[_Kept] = deque()
        self._kept_bytes = 0
        self._known_at = 0
        self._orders: dict[int, OrderState] = {}
        self._opened = asyncio.Event()
        self._subscription: Subscription | None = None

    @property
    def has_readers(self) -> bool:
        """Return whether anybody listens."""
        return bool(self.readers)

    async def open(self) -> None:
        """Listen to the bus and ask the writer where the account's sequence stands.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        subject = account_subject(self.account)
        self._subscription = await buses["default"].subscribe(subject, self._message, on_gap=self._gap)
        await self._ask()
        self._opened.set()

    async def close(self) -> None:
        """Stop listening."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()

    async def join(self, reader: Outbox, from_sequence: int | None) -> Joined:
        """Send a reader what comes; give what it is sent first.

        Raises:
            ApplicationError: `projection_behind`, `database_busy`.

        """
        if from_sequence is not None and from_sequence <= self.head:
            missed = await self._missed(from_sequence)
            if missed is not None:
                self.readers[reader] = None
                return Joined(resumed=True, texts=missed)
        snapshot, rest = await self._snapshot()
        self.readers[reader] = None
        return Joined(resumed=False, texts=[snapshot, *rest])

    async def _missed(self, account_sequence: int) -> list[bytes] | None:
        """Return the messages behind one; None: they are too far back. Nothing is awaited behind the last look."""
        earlier: list[bytes] = []
        first = self.first_kept
        if account_sequence + 1 < first:
            if first - 1 - account_sequence > MESSAGES_REPAIRED_MAX:
                return None
            async with self._repairs:
                events = await database_call(account_events, self.account, after=account_sequence, up_to=first - 1)
                if events is None:
                    return None
                earlier = await self._told_again(events)
            if self.first_kept > first:
                # So much happened meanwhile that what was kept then is gone.
                return None
        later = [kept.text for kept in self._kept if kept.account_sequence > max(account_sequence, first - 1)]
        return self._bounded(earlier + later)

    async def _snapshot(self) -> tuple[bytes, list[bytes]]:
        """Send the whole account, then what came after."""
        first, known_at = self.first_kept, self._known_at
        # With what is kept the account's place can be told for any moment since.
        found = await database_call(account_found, self.account, sequence=known_at)
        place = first - 1
        for kept in self._kept:
            if kept.sequence <= found.sequence:
                place = kept.account_sequence
        if self.first_kept > place + 1:
            raise ApplicationError("projection_behind")
        snapshot = AccountSnapshot(
            account_sequence=place,
            sequence=found.sequence,
            orders=found.orders,
            orders_complete=found.orders_complete,
            balances=found.balances,
            positions=found.positions,
        )
        return _encoder.encode(snapshot), [kept.text for kept in self._kept if kept.account_sequence > place]

    @property
    def first_kept(self) -> int:
        """The account's first sequence that is still in memory, or the next one where none is."""
        return self._kept[0].account_sequence if self._kept else self.head + 1

    async def _ask(self) -> None:
        """Ask where the sequence stands; orders kept in memory may have moved on unseen."""
        self._orders.clear()
        head = await account_sequence_find(account=self.account)
        # Asked later: the tables that have this have all the account's events up to the head.
        known_at = await sequence_find()
        self._known_at = max(self._known_at, known_at)
        if head > self.head:
            self._kept.clear()
            self._kept_bytes = 0
            self.head = head

    async def _gap(self) -> None:
        """Make up from the journal for what was missed; where it is too much, tell readers the account whole.

        Tried until it is done: without a later message nobody would know that something is missing.
        """
        before = self.head
        await self._surely(self._ask)
        readers = list(self.readers)
        if self.head <= before or not readers:
            return
        texts = await self._surely(partial(self._made_up, before))
        for reader in readers:
            if reader in self.readers:
                reader.put_owed(texts)

    async def _made_up(self, before: int) -> list[bytes]:
        texts = None
        if self.head - before <= MESSAGES_REPAIRED_MAX:
            events = await database_call(account_events, self.account, after=before, up_to=self.head)
            texts = None if events is None else self._bounded(await self._told_again(events))
        return [(await self._snapshot())[0]] if texts is None else texts

    async def _surely(self, make: Callable[[], Awaitable[T]]) -> T:
        """Do what needs the order service and the tables, as soon as they are there."""
        said = False
        while True:
            try:
                return await make()
            except (ApplicationError, DatabaseFault) as error:
                if not said:
                    logger.warning("account %s: what was missed cannot be told yet: %s", self.account, error)
                said = True
                await asyncio.sleep(ASK_AGAIN_S)

    async def _told_again(self, events: list[AccountEvent]) -> list[bytes]:
        """Return the messages of events read again; their orders are as they are now."""
        ids = {self._order_id(each.event) for each in events if isinstance(each.event, OrderChange)}
        ids |= {each.event.order_id for each in events if isinstance(each.event, OrderAccepted | OrderRejected)}
        states = await database_call(orders_current, ids) if ids else {}
        holdings: Holdings = {}
        texts = []
        for account_sequence, at, event in events:
            head = _head(event, account_sequence, at)
            if isinstance(event, OrderAccepted | OrderRejected | OrderChange):
                order_id = self._order_id(event) if isinstance(event, OrderChange) else event.order_id
                if order_id not in states:
                    raise ApplicationError("projection_behind")
                message: AccountMessage = await self._order_message(event, states[order_id], at, head)
            else:
                message = await self._told(event, at, head, holdings)
            texts.append(_encoder.encode(message))
        return texts

    def _bounded(self, texts: list[bytes]) -> list[bytes] | None:
        """Return what a reader missed; None: it is too much to send, and the account is told whole instead."""
        return texts if sum(map(len, texts)) <= self._owed_bytes_max else None

    async def _message(self, _subject: str, payload: bytes) -> None:
        # A head that comes to be known between two events of a block would part them: one half kept, the other not.
        await self._opened.wait()
        block = account_block_decode(payload)
        news: list[_Kept] = []
        holdings: Holdings = {}
        for place, event in enumerate(block.events, start=1):
            account_sequence = account_sequence_of(event, self.account)
            if account_sequence <= self.head:
                continue
            try:
                message = await self._told(event, block.at, _head(event, account_sequence, block.at), holdings)
            except (ApplicationError, DatabaseFault):
                # From the journal, this event and all behind it; the rest of the block is known then.
                self._publish(news)
                await self._gap()
                return
            news.append(_Kept(account_sequence, event.sequence, _encoder.encode(message)))
            if place % EVENTS_PER_TURN == 0:
                # A batch may bring thousands of events: others get their turn.
                self._publish(news)
                news = []
                await asyncio.sleep(0)
        self._publish(news)

    def _publish(self, news: list[_Kept]) -> None:
        """Keep messages and send them, in one step: who comes has either those kept or those sent."""
        if not news:
            return
        for kept in news:
            self._keep_text(kept)
        texts = [kept.text for kept in news]
        for reader in self.readers:
            reader.put_all(texts)

    def _keep_text(self, kept: _Kept) -> None:
        if kept.account_sequence != self.head + 1:
            # Messages were lost, and nobody could be asked which: nobody goes on across the hole.
            self._pass_over(kept.account_sequence - 1, kept.sequence - 1)
        self.head = kept.account_sequence
        self._kept.append(kept)
        self._kept_bytes += len(kept.text)
        while len(self._kept) > MESSAGES_KEPT or (self._kept_bytes > BYTES_KEPT and len(self._kept) > 1):
            oldest = self._kept.popleft()
            self._kept_bytes -= len(oldest.text)
            self._known_at = oldest.sequence

    def _pass_over(self, account_sequence: int, sequence: int) -> None:
        """Pass over an event that could not be told: what is kept begins behind it."""
        self._kept.clear()
        self._kept_bytes = 0
        self.head, self._known_at = account_sequence, sequence

    async def _told(self, event: AnyEvent, at: int, head: dict[str, Any], holdings: Holdings) -> AccountMessage:
        """Make an event's message; `holdings` has what the events before it in the batch left of each asset."""
        match event:
            case OrderAccepted() | OrderRejected() | Trade() | OrderCanceled() | OrderAmended() | OrderReduced():
                return await self._order_told(event, at, head)
            case BalanceChanged() | CashMoved() | WithdrawalRequested() | WithdrawalSettled():
                asset = await _asset_of(event.asset)
                if isinstance(event, BalanceChanged):
                    holdings[asset.symbol] = Holding(event.total, event.held)
                return money_message(event, asset, head)
            case PositionChanged():
                reference = await reference_of(event.instrument)
                base = holdings.get(reference.base)
                if base is None:
                    # Told again from within a batch: as with orders, what is beside it is as it is now.
                    base = await database_call(holding_found, self.account, reference.base)
                return position_message(event, reference, base, head)
            case PositionLimitSet():
                return position_limit_message(event, await reference_of(event.instrument), head)
            case AccountOpened() | AccountChanged():
                return account_message(event, head)
            case _:
                raise ApplicationError("internal", f"{type(event).__name__} is no event of an account.")

    async def _order_told(
        self, event: OrderAccepted | OrderRejected | OrderChange, at: int, head: dict[str, Any]
    ) -> AccountMessage:
        return await self._order_message(event, await self._moved(event, at), at, head)

    async def _order_message(
        self, event: OrderAccepted | OrderRejected | OrderChange, state: OrderState, at: int, head: dict[str, Any]
    ) -> AccountMessage:
        reference = await reference_of(state.instrument)
        order = order_body(state, reference)
        if not isinstance(event, Trade):
            return OrderMessage(event=ORDER_EVENT_NAMES[type(event)], order=order, **head)
        liquidity = Liquidity.TAKER if event.taker_account == self.account else Liquidity.MAKER
        return FillMessage(fill=fill_body(fill_of(event, liquidity=liquidity, at=at), reference), order=order, **head)

    async def _moved(self, event: OrderAccepted | OrderRejected | OrderChange, at: int) -> OrderState:
        """Return the order after an event."""
        if isinstance(event, OrderAccepted | OrderRejected):
            state = OrderState.of_event(event, at=at)
        else:
            state = await self._known(self._order_id(event))
            state.apply(event, at=at)
        if state.status in TERMINAL:
            self._orders.pop(state.id, None)
        else:
            self._keep(state)
        return state

    def _order_id(self, event: OrderChange) -> int:
        if isinstance(event, Trade):
            return event.taker_order_id if event.taker_account == self.account else event.maker_order_id
        return event.order_id

    async def _known(self, order_id: int) -> OrderState:
        state = self._orders.get(order_id)
        if state is None:
            state = (await database_call(orders_current, [order_id])).get(order_id)
        if state is None:
            raise ApplicationError("projection_behind")
        return state

    def _keep(self, state: OrderState) -> None:
        if state.id not in self._orders and len(self._orders) >= ORDERS_MAX:
            self._orders.pop(next(iter(self._orders)))
        self._orders[state.id] = state


async def _asset_of(number: int) -> AssetReference:
    asset = await references.find_asset(number)
    if asset is None:
        raise ApplicationError("projection_behind")
    return asset


def _head(event: AnyEvent, account_sequence: int, at: int) -> dict[str, Any]:
    return {
        "account_sequence": account_sequence,
        "previous": account_sequence - 1,
        "sequence": event.sequence,
        "at": time_format(at),
    }
