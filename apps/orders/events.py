"""Everything the order service tells, in the order of its wire numbers.

`account_sequence` and `instrument_sequence` count an account's and an instrument's events from 1 without a gap.
"""

from collections.abc import Iterator

import msgspec

from apps.accounts.codes import SelfTradePrevention
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
from apps.marketdata.codes import Side
from apps.marketdata.events import AssetListed, FeeTierSet, InstrumentChanged, InstrumentListed
from apps.orders.codes import OrderType, TimeInForce
from cift.wire.base import Event, messages_split
from cift.wire.outcomes import CommandDuplicate, CommandRejected
from cift.wire.reasons import Reason


class VenueOpened(Event, tag=1, frozen=True, kw_only=True):
    """The venue is open; the shard's first event."""


class EpochOpened(Event, tag=2, frozen=True, kw_only=True):
    """A writer's epoch began."""

    epoch: int
    engine_version: int


class OrderAccepted(Event, tag=10, frozen=True, kw_only=True):
    """An order entered; its fee rates (parts per million) are fixed from here on."""

    account_sequence: int
    instrument_sequence: int
    account: int
    order_id: int
    id: str
    instrument: int
    side: Side
    type: OrderType
    tif: TimeInForce
    flags: int
    stp: SelfTradePrevention
    price: int
    quantity: int
    quote_amount: int
    maker_ppm: int
    taker_ppm: int


class OrderRejected(Event, tag=11, frozen=True, kw_only=True):
    """An order was refused; `account_sequence` is 0 where the account is unknown."""

    account_sequence: int
    account: int
    order_id: int
    id: str
    instrument: int
    reason: Reason
    side: Side
    type: OrderType
    tif: TimeInForce
    flags: int
    stp: SelfTradePrevention
    price: int
    quantity: int
    quote_amount: int


class Trade(Event, tag=12, frozen=True, kw_only=True):
    """A resting order (maker) and an arriving one (taker) traded; its sequence is the trade's id.

    `leaves`: base units, quote units for an order by quote amount; `filled_notional`, `fee`, `fee_total`: quote units.
    """

    instrument_sequence: int
    instrument: int
    price: int
    quantity: int
    taker_side: Side
    maker_order_id: int
    maker_account: int
    maker_account_sequence: int
    maker_leaves: int
    maker_filled_notional: int
    maker_fee: int
    maker_fee_total: int
    taker_order_id: int
    taker_account: int
    taker_account_sequence: int
    taker_leaves: int
    taker_filled_notional: int
    taker_fee: int
    taker_fee_total: int


class OrderCanceled(Event, tag=13, frozen=True, kw_only=True):
    """What was left of an order (`quantity`; quote units for one by quote amount) is canceled.

    The rest is the order as it ends: what it has traded in all, and its price and total quantity, last amended (0: it
    had none).
    """

    account_sequence: int
    instrument_sequence: int
    account: int
    order_id: int
    instrument: int
    reason: Reason
    quantity: int
    price: int
    order_quantity: int
    filled_quantity: int
    filled_notional: int
    fee_total: int


class OrderAmended(Event, tag=14, frozen=True, kw_only=True):
    """An order's price and total quantity as they are now, and what it has traded in all before it goes on."""

    account_sequence: int
    instrument_sequence: int
    account: int
    order_id: int
    instrument: int
    price: int
    quantity: int
    leaves: int
    kept_place: bool
    filled_quantity: int
    filled_notional: int
    fee_total: int


class OrderReduced(Event, tag=15, frozen=True, kw_only=True):
    """Self-trade prevention took `quantity` off an order, which lives on."""

    account_sequence: int
    instrument_sequence: int
    account: int
    order_id: int
    instrument: int
    quantity: int
    leaves: int


class OrdersCanceled(Event, tag=16, frozen=True, kw_only=True):
    """The last event of a slice of a mass cancel; `more`: the next slices follow by themselves."""

    account: int
    count: int
    more: bool


class BatchDone(Event, tag=17, frozen=True, kw_only=True):
    """The last event of a batch."""

    account: int
    applied: int
    refused: int


class KillSwitchSet(Event, tag=34, frozen=True, kw_only=True):
    """The venue's kill switch."""

    on: bool


ORDER_EVENTS: tuple[type[Event], ...] = (
    CommandDuplicate,
    CommandRejected,
    OrderAccepted,
    OrderRejected,
    Trade,
    OrderCanceled,
    OrderAmended,
    OrderReduced,
    OrdersCanceled,
    BatchDone,
)
"""What becomes of commands and orders."""

EVENTS: tuple[type[Event], ...] = (
    VenueOpened,
    EpochOpened,
    *ORDER_EVENTS,
    AccountOpened,
    AccountChanged,
    CashMoved,
    BalanceChanged,
    PositionChanged,
    PositionLimitSet,
    WithdrawalRequested,
    WithdrawalSettled,
    AssetListed,
    InstrumentListed,
    InstrumentChanged,
    FeeTierSet,
    KillSwitchSet,
)

AnyEvent = (
    VenueOpened
    | EpochOpened
    | CommandDuplicate
    | CommandRejected
    | OrderAccepted
    | OrderRejected
    | Trade
    | OrderCanceled
    | OrderAmended
    | OrderReduced
    | OrdersCanceled
    | BatchDone
    | AccountOpened
    | AccountChanged
    | CashMoved
    | BalanceChanged
    | PositionChanged
    | PositionLimitSet
    | WithdrawalRequested
    | WithdrawalSettled
    | AssetListed
    | InstrumentListed
    | InstrumentChanged
    | FeeTierSet
    | KillSwitchSet
)


class AccountBlock(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One account's events of one batch, as the private feed carries them."""

    number: int
    at: int
    account: int
    events: list[AnyEvent]


class VenueBlock(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How a batch set the venue's kill switch last; `sequence` is that event's."""

    number: int
    at: int
    sequence: int
    kill_switch: bool


_decoder: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)
_account_block_decoder = msgspec.msgpack.Decoder(AccountBlock)
_venue_block_decoder = msgspec.msgpack.Decoder(VenueBlock)


def event_decode(message: bytes) -> AnyEvent:
    """Decode one event.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _decoder.decode(message)


def section_decode(section: bytes) -> Iterator[AnyEvent]:
    """Decode one section: a command's events, or a batch's own.

    Raises:
        FrameDamagedError: it ends inside an event.
        msgspec.DecodeError: a message is no event.
    """
    return map(_decoder.decode, messages_split(section))


def account_block_decode(block: bytes) -> AccountBlock:
    """Decode a block of the private feed."""
    return _account_block_decoder.decode(block)


def venue_block_decode(block: bytes) -> VenueBlock:
    """Decode a block of the venue's own feed."""
    return _venue_block_decoder.decode(block)
