"""An order as its events make it: the same fold for answers, feeds and reads that run ahead of the tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import msgspec

from apps.marketdata.codes import Side
from apps.orders.codes import Liquidity
from apps.orders.events import OrderAccepted, OrderAmended, OrderCanceled, OrderReduced, OrderRejected, Trade
from apps.orders.ids import fill_id
from apps.orders.lifecycle import OrderEvent, OrderStatus, event_of_cancel, event_of_fill, transition

if TYPE_CHECKING:
    from apps.orders.models import Order

OrderChange = Trade | OrderCanceled | OrderAmended | OrderReduced


class OrderTerms(msgspec.Struct, frozen=True, gc=False):
    """What of an order that may rest no event changes; numbers as on the wire, times in ns.

    One by quote amount never rests: it is known by the events of its own command alone.
    """

    account: int
    client_order_id: str
    instrument: int
    side: int
    type: int
    tif: int
    flags: int
    stp: int
    created_at: int

    @classmethod
    def of(cls, order: "OrderAccepted | OrderState", *, client_order_id: str, created_at: int) -> Self:
        """Take them from what has them all but two by the same names."""
        return cls(
            account=order.account,
            client_order_id=client_order_id,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            tif=order.tif,
            flags=order.flags,
            stp=order.stp,
            created_at=created_at,
        )


class OrderState(msgspec.Struct, gc=False):
    """One order as it stands; numbers as on the wire, times in ns."""

    id: int
    account: int
    client_order_id: str
    instrument: int
    side: int
    type: int
    tif: int
    flags: int
    stp: int
    price: int
    quantity: int
    quote_amount: int
    status: OrderStatus
    filled_quantity: int
    canceled_quantity: int
    leaves_quantity: int
    filled_notional: int
    fee: int
    reason: int
    sequence: int
    created_at: int
    updated_at: int

    @classmethod
    def of_event(cls, event: OrderAccepted | OrderRejected, *, at: int) -> Self:
        """Begin with the event an order begins with."""
        rejected = isinstance(event, OrderRejected)
        return cls(
            id=event.order_id,
            account=event.account,
            client_order_id=event.id,
            instrument=event.instrument,
            side=event.side,
            type=event.type,
            tif=event.tif,
            flags=event.flags,
            stp=event.stp,
            price=event.price,
            quantity=event.quantity,
            quote_amount=event.quote_amount,
            status=transition(None, OrderEvent.REJECT if rejected else OrderEvent.ACCEPT),
            filled_quantity=0,
            canceled_quantity=0,
            leaves_quantity=0 if rejected else event.quantity or event.quote_amount,
            filled_notional=0,
            fee=0,
            reason=event.reason if isinstance(event, OrderRejected) else 0,
            sequence=event.sequence,
            created_at=at,
            updated_at=at,
        )

    @classmethod
    def of_change(cls, event: OrderCanceled | OrderAmended, terms: OrderTerms, *, at: int) -> Self:
        """Begin with the event that canceled or amended an order: it says all that `terms` do not."""
        status = OrderStatus.PARTIALLY_FILLED if event.filled_quantity else OrderStatus.NEW
        if isinstance(event, OrderAmended):
            quantity, leaves, reason = event.quantity, event.leaves, 0
            status = transition(status, OrderEvent.AMEND)
        else:
            quantity, leaves, reason = event.order_quantity, 0, int(event.reason)
            status = transition(status, event_of_cancel(reason=event.reason))
        return cls(
            id=event.order_id,
            account=terms.account,
            client_order_id=terms.client_order_id,
            instrument=terms.instrument,
            side=terms.side,
            type=terms.type,
            tif=terms.tif,
            flags=terms.flags,
            stp=terms.stp,
            price=event.price,
            quantity=quantity,
            quote_amount=0,
            status=status,
            filled_quantity=event.filled_quantity,
            canceled_quantity=quantity - event.filled_quantity - leaves,
            leaves_quantity=leaves,
            filled_notional=event.filled_notional,
            fee=event.fee_total,
            reason=reason,
            sequence=event.sequence,
            created_at=terms.created_at,
            updated_at=at,
        )

    @classmethod
    def of_values(cls, values: Sequence[Any]) -> Self:
        """Begin with an order as it is projected: the values of `ORDER_COLUMNS`."""
        state = cls(*values)
        state.status = OrderStatus(state.status)
        return state

    @classmethod
    def of_row(cls, row: "Order") -> Self:
        """Begin with an order as it is projected."""
        return cls.of_values([getattr(row, name) for name in ORDER_COLUMNS])

    def apply(self, event: OrderChange, *, at: int) -> None:
        """Move on by an event of this order; one that is already in is left out.

        Raises:
            TransitionForbiddenError: it cannot happen to an order in this status.

        """
        if event.sequence <= self.sequence:
            return
        match event:
            case Trade():
                self._fill(event)
            case OrderCanceled():
                self.status = transition(self.status, event_of_cancel(reason=event.reason))
                self.canceled_quantity += event.quantity
                self.leaves_quantity = 0
                self.filled_notional, self.fee = event.filled_notional, event.fee_total
                self.reason = event.reason
            case OrderAmended():
                self.status = transition(self.status, OrderEvent.AMEND)
                self.price, self.quantity, self.leaves_quantity = event.price, event.quantity, event.leaves
            case OrderReduced():
                self.status = transition(self.status, OrderEvent.REDUCE)
                self.canceled_quantity += event.quantity
                self.leaves_quantity = event.leaves
        self.sequence = event.sequence
        self.updated_at = at

    def _fill(self, trade: Trade) -> None:
        if trade.taker_order_id == self.id:
            leaves, notional, fee = trade.taker_leaves, trade.taker_filled_notional, trade.taker_fee_total
        else:
            leaves, notional, fee = trade.maker_leaves, trade.maker_filled_notional, trade.maker_fee_total
        self.status = transition(self.status, event_of_fill(leaves=leaves))
        self.filled_quantity += trade.quantity
        self.leaves_quantity, self.filled_notional, self.fee = leaves, notional, fee


_NAMED_OTHERWISE = {
    "account": "account_id",
    "instrument": "instrument_id",
    "tif": "time_in_force",
    "stp": "self_trade_prevention",
}

ORDER_COLUMNS = tuple(_NAMED_OTHERWISE.get(name, name) for name in OrderState.__struct_fields__)
"""The attributes of an `Order` that make a state, in its order."""

TERMS_COLUMNS = tuple(_NAMED_OTHERWISE.get(name, name) for name in OrderTerms.__struct_fields__)
"""The attributes of an `Order` that make its terms, in their order."""


class FillState(msgspec.Struct, frozen=True, gc=False):
    """One order's side of a trade."""

    id: int
    order_id: int
    account: int
    instrument: int
    side: int
    price: int
    quantity: int
    fee: int
    liquidity: int
    sequence: int
    executed_at: int


def fill_of(trade: Trade, *, liquidity: Liquidity, at: int) -> FillState:
    """Return one side of a trade."""
    taker = liquidity is Liquidity.TAKER
    taker_side = trade.taker_side
    return FillState(
        id=fill_id(trade.sequence, liquidity),
        order_id=trade.taker_order_id if taker else trade.maker_order_id,
        account=trade.taker_account if taker else trade.maker_account,
        instrument=trade.instrument,
        side=taker_side if taker else Side(1 - taker_side),
        price=trade.price,
        quantity=trade.quantity,
        fee=trade.taker_fee if taker else trade.maker_fee,
        liquidity=liquidity,
        sequence=trade.sequence,
        executed_at=at,
    )


def order_ids_of(event: OrderChange) -> tuple[int, ...]:
    """Name the orders an event moves."""
    if isinstance(event, Trade):
        return (event.maker_order_id, event.taker_order_id)
    return (event.order_id,)
