"""What clients see of orders, fills and positions: strings for numbers and ids, RFC 3339 for times."""

from typing import Any

import msgspec

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.reference import InstrumentReference
from apps.orders.codes import FLAG_POST_ONLY, Liquidity, OrderType, Side, TimeInForce
from apps.orders.lifecycle import OrderStatus
from apps.orders.models import Fill, Position
from apps.orders.reasons import Reason
from apps.orders.state import FillState, OrderState
from cift.times import time_format

SIDES = {member.name.lower(): member for member in Side}
ORDER_TYPES = {member.name.lower(): member for member in OrderType}
TIMES_IN_FORCE = {member.name.lower(): member for member in TimeInForce}
STATUSES = {member.name.lower(): member for member in OrderStatus}
SELF_TRADE_PREVENTIONS = {member.name.lower(): member for member in SelfTradePrevention if member}

SIDE_NAMES = {member: name for name, member in SIDES.items()}
ORDER_TYPE_NAMES = {member: name for name, member in ORDER_TYPES.items()}
TIME_IN_FORCE_NAMES = {member: name for name, member in TIMES_IN_FORCE.items()}
STATUS_NAMES = {member: name for name, member in STATUSES.items()}
SELF_TRADE_PREVENTION_NAMES = {member: name for name, member in SELF_TRADE_PREVENTIONS.items()}
LIQUIDITY_NAMES = {member: member.name.lower() for member in Liquidity}


class FillBody(msgspec.Struct, gc=False):
    """A fill; `sequence` is the trade's."""

    id: str
    order_id: str
    symbol: str
    side: str
    price: str
    quantity: str
    fee: str
    fee_asset: str
    liquidity: str
    executed_at: str
    sequence: int


class OrderBody(msgspec.Struct, gc=False):
    """An order as it stands; `sequence` is that of the last event that moved it."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    post_only: bool
    self_trade_prevention: str | None
    quantity: str | None
    quote_amount: str | None
    price: str | None
    status: str
    filled_quantity: str
    canceled_quantity: str
    leaves_quantity: str
    average_price: str | None
    fee: str
    fee_asset: str
    reason: str | None
    created_at: str
    updated_at: str
    sequence: int


class OrderAnswer(OrderBody, gc=False, kw_only=True):
    """An order after a command, with the fills the command made."""

    fills: list[FillBody]
    consistency_token: str


class OrdersAnswer(msgspec.Struct, gc=False):
    """Several orders after one command."""

    results: list[OrderBody]
    consistency_token: str


class PositionBody(msgspec.Struct, gc=False):
    """A position; money in the quote asset."""

    symbol: str
    quantity: str
    average_price: str | None
    cost: str
    realised_profit: str
    fees: str
    quote_asset: str


def order_fields(state: OrderState, reference: InstrumentReference) -> dict[str, Any]:
    """Give the fields of an order's shape."""
    by_amount = state.quote_amount != 0
    # What an order by quote amount has left or canceled is counted in the quote asset.
    rest = reference.amount_format if by_amount else reference.quantity_format
    average = None
    if state.filled_quantity:
        average = reference.average_price_format(notional=state.filled_notional, quantity=state.filled_quantity)
    return {
        "id": str(state.id),
        "client_order_id": state.client_order_id,
        "symbol": reference.symbol,
        "side": SIDE_NAMES[Side(state.side)],
        "type": ORDER_TYPE_NAMES[OrderType(state.type)],
        "time_in_force": TIME_IN_FORCE_NAMES[TimeInForce(state.tif)],
        "post_only": bool(state.flags & FLAG_POST_ONLY),
        "self_trade_prevention": SELF_TRADE_PREVENTION_NAMES.get(SelfTradePrevention(state.stp)),
        "quantity": None if by_amount else reference.quantity_format(state.quantity),
        "quote_amount": reference.amount_format(state.quote_amount) if by_amount else None,
        "price": reference.price_format(state.price) if state.type == OrderType.LIMIT else None,
        "status": STATUS_NAMES[state.status],
        "filled_quantity": reference.quantity_format(state.filled_quantity),
        "canceled_quantity": rest(state.canceled_quantity),
        "leaves_quantity": rest(state.leaves_quantity),
        "average_price": average,
        "fee": reference.amount_format(state.fee),
        "fee_asset": reference.quote,
        "reason": Reason(state.reason).code if state.reason else None,
        "created_at": time_format(state.created_at),
        "updated_at": time_format(state.updated_at),
        "sequence": state.sequence,
    }


def order_body(state: OrderState, reference: InstrumentReference) -> OrderBody:
    """Give an order's shape."""
    return OrderBody(**order_fields(state, reference))


def order_answer(
    state: OrderState, reference: InstrumentReference, *, fills: list[FillState], consistency_token: str
) -> OrderAnswer:
    """Give the shape of an order after a command."""
    made = [fill_body(fill, reference) for fill in fills]
    return OrderAnswer(fills=made, consistency_token=consistency_token, **order_fields(state, reference))


def fill_body(fill: FillState, reference: InstrumentReference) -> FillBody:
    """Give a fill's shape."""
    return FillBody(
        id=str(fill.id),
        order_id=str(fill.order_id),
        symbol=reference.symbol,
        side=SIDE_NAMES[Side(fill.side)],
        price=reference.price_format(fill.price),
        quantity=reference.quantity_format(fill.quantity),
        fee=reference.amount_format(fill.fee),
        fee_asset=reference.quote,
        liquidity=LIQUIDITY_NAMES[Liquidity(fill.liquidity)],
        executed_at=time_format(fill.executed_at),
        sequence=fill.sequence,
    )


def fill_of_row(row: Fill) -> FillState:
    """Give a fill as it is projected."""
    return FillState(
        id=row.id,
        order_id=row.order_id,
        account=row.account_id,
        instrument=row.instrument_id,
        side=row.side,
        price=row.price,
        quantity=row.quantity,
        fee=row.fee,
        liquidity=row.liquidity,
        sequence=row.trade_id,
        executed_at=row.executed_at,
    )


def position_body(row: Position, reference: InstrumentReference) -> PositionBody:
    """Give a position's shape."""
    average = None
    if row.quantity:
        average = reference.average_price_format(notional=row.cost, quantity=row.quantity)
    return PositionBody(
        symbol=reference.symbol,
        quantity=reference.quantity_format(row.quantity),
        average_price=average,
        cost=reference.amount_format(row.cost),
        realised_profit=reference.amount_format(row.realised),
        fees=reference.amount_format(row.fees),
        quote_asset=reference.quote,
    )
