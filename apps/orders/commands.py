"""Everything the order service can be asked. Every `deadline` is ns since the epoch, 0 for none."""

from functools import reduce
from operator import or_

import msgspec

from apps.accounts.codes import SelfTradePrevention
from apps.accounts.commands import (
    ChangeAccount,
    MoveCash,
    OpenAccount,
    RequestWithdrawal,
    SetPositionLimit,
    SettleWithdrawal,
)
from apps.marketdata.codes import Side
from apps.marketdata.commands import ChangeInstrument, ListAsset, ListInstrument, SetFeeTier
from apps.orders.codes import OrderType, TimeInForce
from cift.wire.base import Command


class OpenVenue(Command, tag=1, frozen=True, kw_only=True):
    """Open the venue; `hash_key` (16 bytes) keys the table of remembered ids."""

    hash_key: bytes


class OpenEpoch(Command, tag=2, frozen=True, kw_only=True):
    """Begin a writer's epoch; must be above the current one."""

    epoch: int


class SubmitOrder(Command, tag=10, frozen=True, kw_only=True):
    """Enter an order. `price` is 0 for a market order, `quantity` 0 for one by `quote_amount`, else that is 0."""

    account: int
    id: str
    deadline: int = 0
    instrument: int
    side: Side
    type: OrderType
    tif: TimeInForce
    flags: int = 0
    stp: SelfTradePrevention = SelfTradePrevention.DEFAULT
    price: int = 0
    quantity: int = 0
    quote_amount: int = 0


class AmendOrder(Command, tag=11, frozen=True, kw_only=True):
    """Change an open order; `quantity` is its new total, the filled part included."""

    account: int
    deadline: int = 0
    order_id: int
    price: int | None = None
    quantity: int | None = None


class CancelOrder(Command, tag=12, frozen=True, kw_only=True):
    """Cancel one order by `order_id`, or by the client's `id` where that is 0."""

    account: int
    deadline: int = 0
    order_id: int = 0
    id: str = ""


class CancelOrders(Command, tag=13, frozen=True, kw_only=True):
    """Cancel all that fit, a slice of them at once; account 0: everybody's, instrument 0: of all."""

    account: int
    deadline: int = 0
    instrument: int = 0
    side: Side | None = None
    price_min: int | None = None
    price_max: int | None = None


BatchMember = SubmitOrder | AmendOrder | CancelOrder


class Batch(Command, tag=14, frozen=True, kw_only=True):
    """Apply up to 100 commands of one account in order; atomic: all pass risk together or none is applied.

    `id`: under which an atomic batch's one outcome is remembered; empty: it has none of its own.
    """

    account: int
    id: str = ""
    deadline: int = 0
    atomic: bool
    members: list[BatchMember]


class ContinueCancels(Command, tag=15, frozen=True, kw_only=True):
    """Cancel the next slice of a mass cancel that is not over; the writer's own."""


class SetKillSwitch(Command, tag=34, frozen=True, kw_only=True):
    """Stop or allow all new orders of the venue."""

    deadline: int = 0
    on: bool


COMMANDS: tuple[type[Command], ...] = (
    OpenVenue,
    OpenEpoch,
    SubmitOrder,
    AmendOrder,
    CancelOrder,
    CancelOrders,
    Batch,
    ContinueCancels,
    OpenAccount,
    ChangeAccount,
    MoveCash,
    SetPositionLimit,
    RequestWithdrawal,
    SettleWithdrawal,
    ListAsset,
    ListInstrument,
    ChangeInstrument,
    SetFeeTier,
    SetKillSwitch,
)

_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(reduce(or_, COMMANDS))


def command_decode(message: bytes) -> Command:
    """Decode one command.

    Raises:
        msgspec.DecodeError: it is none.

    """
    return _decoder.decode(message)
