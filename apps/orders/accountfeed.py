"""One account's events on their way to its sockets: each message is built once, in the account's own sequence.

A message is a hint with its data: who sees that its `previous` is not the one before reads the tables. Nothing is left
out or put together.
"""

import asyncio
import logging
from typing import Any

import msgspec

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
from apps.marketdata.reference import AssetReference, references
from apps.orders.accountmessages import (
    ORDER_EVENT_NAMES,
    AccountMessage,
    FillMessage,
    OrderMessage,
    account_message,
    money_message,
    position_limit_message,
    position_message,
)
from apps.orders.answers import reference_of
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
from apps.orders.lifecycle import TERMINAL
from apps.orders.outbox import Outbox
from apps.orders.selectors import account_sequence_find, orders_current
from apps.orders.shapes import fill_body, order_body
from apps.orders.state import OrderChange, OrderState, fill_of
from cift.bus import buses
from cift.bus.base import Subscription
from cift.errors import ApplicationError
from cift.threads import database_call
from cift.times import time_format

ORDERS_MAX = 20_000
"""The most open orders kept in memory for an account; the tables behind them."""

EVENTS_PER_TURN = 64

logger = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()


class AccountFeed:
    """One account's readers."""

    def __init__(self, account: int) -> None:
        """Begin without readers; `open` connects it."""
        self.account = account
        self.head = 0
        self.readers: dict[Outbox, None] = {}
        self._orders: dict[int, OrderState] = {}
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Listen to the bus and ask the writer where the account's sequence stands.

        Raises:
            ApplicationError: `venue_unavailable`.

        """
        subject = f"account.{self.account}"
        self._subscription = await buses["default"].subscribe(subject, self._message, on_gap=self._gap)
        await self._gap()

    async def close(self) -> None:
        """Stop listening."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()

    async def _gap(self) -> None:
        """Ask where the sequence stands; orders kept in memory may have moved on unseen."""
        self._orders.clear()
        self.head = max(self.head, await account_sequence_find(account=self.account))

    async def _message(self, _subject: str, payload: bytes) -> None:
        block = account_block_decode(payload)
        at = time_format(block.at)
        for place, event in enumerate(block.events, start=1):
            if place % EVENTS_PER_TURN == 0:
                # A batch may bring thousands of events: readers get the chance to take what is there.
                await asyncio.sleep(0)
            account_sequence = _account_sequence(event, self.account)
            if account_sequence <= self.head:
                continue
            self.head = account_sequence
            head = {
                "account_sequence": account_sequence,
                "previous": account_sequence - 1,
                "sequence": event.sequence,
                "at": at,
            }
            try:
                message = await self._told(event, block.at, head)
            except ApplicationError as error:
                # The reader sees the gap by `previous` and reads the tables.
                logger.warning("an event of account %s could not be told: %s", self.account, error.code)
                continue
            text = _encoder.encode(message).decode()
            for reader in self.readers:
                reader.put(text)

    async def _told(self, event: AnyEvent, at: int, head: dict[str, Any]) -> AccountMessage:
        match event:
            case OrderAccepted() | OrderRejected() | Trade() | OrderCanceled() | OrderAmended() | OrderReduced():
                return await self._order_told(event, at, head)
            case BalanceChanged() | CashMoved() | WithdrawalRequested() | WithdrawalSettled():
                return money_message(event, await _asset_of(event.asset), head)
            case PositionChanged():
                return position_message(event, await reference_of(event.instrument), head)
            case PositionLimitSet():
                return position_limit_message(event, await reference_of(event.instrument), head)
            case AccountOpened() | AccountChanged():
                return account_message(event, head)
            case _:
                raise ApplicationError("internal", f"{type(event).__name__} is no event of an account.")

    async def _order_told(
        self, event: OrderAccepted | OrderRejected | OrderChange, at: int, head: dict[str, Any]
    ) -> AccountMessage:
        state = await self._moved(event, at)
        reference = await reference_of(state.instrument)
        order = order_body(state, reference)
        if not isinstance(event, Trade):
            return OrderMessage(event=ORDER_EVENT_NAMES[type(event)], order=order, **head)
        liquidity = Liquidity.TAKER if event.taker_account == self.account else Liquidity.MAKER
        return FillMessage(fill=fill_body(fill_of(event, liquidity=liquidity, at=at), reference), order=order, **head)

    async def _moved(self, event: OrderAccepted | OrderRejected | OrderChange, at: int) -> OrderState:
        """Give the order after an event."""
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


def _account_sequence(event: AnyEvent, account: int) -> int:
    """Give an event's place in an account's sequence; 0: it has none."""
    if isinstance(event, Trade):
        taker = event.taker_account == account
        return event.taker_account_sequence if taker else event.maker_account_sequence
    return getattr(event, "account_sequence", 0)
