"""What clients see of orders, fills and positions: strings for numbers and ids, RFC 3339 for times."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from apps.accounts.codes import SelfTradePrevention
from apps.accounts.events import PositionChanged
from apps.marketdata.reference import InstrumentReference
from apps.marketdata.shapes import SIDE_NAMES, SideText
from apps.orders.codes import FLAG_POST_ONLY, Liquidity, OrderType, TimeInForce
from apps.orders.commands import SubmitOrder
from apps.orders.lifecycle import OrderStatus
from apps.orders.models import Position
from apps.orders.reasons import Reason
from apps.orders.state import FillState, OrderState
from cift.texts import AssetText, ClientIdText, DecimalText, IdText, SymbolText, TimeText, TokenText, words
from cift.times import time_format

ORDER_TYPES = {member.name.lower(): member for member in OrderType}
TIMES_IN_FORCE = {member.name.lower(): member for member in TimeInForce}
STATUSES = {member.name.lower(): member for member in OrderStatus}
SELF_TRADE_PREVENTIONS = {member.name.lower(): member for member in SelfTradePrevention if member}

ORDER_TYPE_NAMES: Mapping[int, str] = {member: name for name, member in ORDER_TYPES.items()}
TIME_IN_FORCE_NAMES: Mapping[int, str] = {member: name for name, member in TIMES_IN_FORCE.items()}
STATUS_NAMES: Mapping[int, str] = {member: name for name, member in STATUSES.items()}
SELF_TRADE_PREVENTION_NAMES: Mapping[int, str] = {member: name for name, member in SELF_TRADE_PREVENTIONS.items()}
LIQUIDITY_NAMES: Mapping[int, str] = {member: member.name.lower() for member in Liquidity}


ORDERS_ANSWERED_MAX = 100
"""The most orders a mass cancel is answered with."""

StatusText = Annotated[str, words(STATUSES)]
TypeText = Annotated[str, words(ORDER_TYPES)]
TimeInForceText = Annotated[str, words(TIMES_IN_FORCE)]
SelfTradePreventionText = Annotated[str, words(SELF_TRADE_PREVENTIONS)]
LiquidityText = Annotated[str, words(LIQUIDITY_NAMES.values())]
ReasonText = Annotated[str, words(reason.code for reason in Reason)]
PositionSideText = Annotated[str, words(("long", "short", "flat"))]
OrderEventText = Annotated[str, words(("accepted", "rejected", "fill", "amended", "reduced", "canceled"))]
EventToldText = Annotated[
    str, msgspec.Meta(description="What it did to the order.", examples=["traded 5 at 150.05 as taker, 3 left"])
]
WhyTexts = Annotated[
    list[str],
    msgspec.Meta(
        description="Why it did or did not trade, in sentences; null too for an order with very many events.",
        examples=[["When it came the best ask was 150.05, with 5 of 2 orders.", "It traded 5 at once, at 150.05."]],
    ),
]


class FillBody(msgspec.Struct, gc=False):
    """A fill; `sequence` is the trade's."""

    id: IdText
    order_id: IdText
    symbol: SymbolText
    side: SideText
    price: DecimalText
    quantity: DecimalText
    fee: DecimalText
    fee_asset: AssetText
    liquidity: LiquidityText
    executed_at: TimeText
    sequence: int


class OrderBody(msgspec.Struct, gc=False):
    """An order as it stands; `sequence` is that of the last event that moved it.

    Of an order by quote amount, what is canceled or left is counted in the quote asset.
    """

    id: IdText
    client_order_id: ClientIdText
    symbol: SymbolText
    side: SideText
    type: TypeText
    time_in_force: TimeInForceText
    post_only: bool
    self_trade_prevention: SelfTradePreventionText | None
    quantity: DecimalText | None
    quote_amount: DecimalText | None
    price: DecimalText | None
    status: StatusText
    filled_quantity: DecimalText
    canceled_quantity: DecimalText
    leaves_quantity: DecimalText
    average_price: DecimalText | None
    fee: DecimalText
    fee_asset: AssetText
    reason: ReasonText | None
    created_at: TimeText
    updated_at: TimeText
    sequence: int


class OrderAnswer(OrderBody, gc=False, kw_only=True):
    """An order after a command, with the fills the command made."""

    fills: list[FillBody]
    consistency_token: TokenText


class OrdersAnswer(msgspec.Struct, gc=False):
    """Orders that a mass cancel ended at once: how many, and the first of them."""

    count: Annotated[int, msgspec.Meta(ge=0, description="How many orders are canceled so far.", examples=[2])]
    more: Annotated[
        bool,
        msgspec.Meta(
            description="There may be more: they are canceled by and by, and each is told on the `account` channel."
        ),
    ]
    results: Annotated[
        list[OrderBody],
        msgspec.Meta(max_length=ORDERS_ANSWERED_MAX, description="The first of those; the others are in the lists."),
    ]
    consistency_token: TokenText


class OrderEventBody(msgspec.Struct, gc=False, kw_only=True):
    """What happened to an order, once; null: that event does not say it.

    `quantity` is the order's when it was entered or amended, and what was taken off when it was canceled or reduced.
    """

    event: OrderEventText
    sequence: int
    at: TimeText
    price: DecimalText | None = None
    quantity: DecimalText | None = None
    quote_amount: DecimalText | None = None
    leaves_quantity: DecimalText | None = None
    reason: ReasonText | None = None
    fill: FillBody | None = None
    batch: Annotated[int, msgspec.Meta(description="The number of its batch in the journal.", examples=[1205])]
    text: EventToldText


class OrderCommandBody(msgspec.Struct, gc=False):
    """The command an order came by, as it was given: alone, or as one of a batch.

    `self_trade_prevention` is null where the account's own was to be taken, `deadline` where it had none.
    """

    client_order_id: ClientIdText
    symbol: SymbolText
    side: SideText
    type: TypeText
    time_in_force: TimeInForceText
    post_only: bool
    self_trade_prevention: SelfTradePreventionText | None
    quantity: DecimalText | None
    quote_amount: DecimalText | None
    price: DecimalText | None
    deadline: TimeText | None
    in_batch: bool


LevelRow = tuple[DecimalText, DecimalText, Annotated[int, msgspec.Meta(ge=1)]]


class BookMetBody(msgspec.Struct, gc=False):
    """The book before the event with `before_sequence`; levels are price, quantity, orders, the best first."""

    before_sequence: int
    last_price: DecimalText | None
    bids: list[LevelRow]
    asks: list[LevelRow]


class OrderLifeBody(msgspec.Struct, gc=False):
    """What an order's first page of events has beside them; null on the others."""

    command: Annotated[OrderCommandBody | None, msgspec.Meta(description="The command it came by.")] = None
    book: Annotated[BookMetBody | None, msgspec.Meta(description="The book it met, its best levels.")] = None
    why: WhyTexts | None = None


class PositionBody(msgspec.Struct, gc=False):
    """A position: what was bought less what was sold, negative where it is short; money in the quote asset.

    Beside it what the account has of the base asset, by deposits too: `base_total`, and of that `base_held` for open
    sells and requested withdrawals.
    """

    symbol: SymbolText
    side: PositionSideText
    quantity: DecimalText
    average_price: DecimalText | None
    cost: DecimalText
    realised_profit: DecimalText
    fees: DecimalText
    quote_asset: AssetText
    base_asset: AssetText
    base_total: DecimalText
    base_held: DecimalText


def order_fields(state: OrderState, reference: InstrumentReference) -> dict[str, Any]:
    """Return the fields of an order's shape."""
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
        "side": SIDE_NAMES[state.side],
        "type": ORDER_TYPE_NAMES[state.type],
        "time_in_force": TIME_IN_FORCE_NAMES[state.tif],
        "post_only": bool(state.flags & FLAG_POST_ONLY),
        "self_trade_prevention": SELF_TRADE_PREVENTION_NAMES.get(state.stp),
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
    """Return an order's shape."""
    return OrderBody(**order_fields(state, reference))


def order_command_body(submit: SubmitOrder, reference: InstrumentReference, *, in_batch: bool) -> OrderCommandBody:
    """Return the shape of the command an order came by."""
    return OrderCommandBody(
        client_order_id=submit.id,
        symbol=reference.symbol,
        side=SIDE_NAMES[submit.side],
        type=ORDER_TYPE_NAMES[submit.type],
        time_in_force=TIME_IN_FORCE_NAMES[submit.tif],
        post_only=bool(submit.flags & FLAG_POST_ONLY),
        self_trade_prevention=SELF_TRADE_PREVENTION_NAMES.get(submit.stp),
        quantity=None if submit.quote_amount else reference.quantity_format(submit.quantity),
        quote_amount=reference.amount_format(submit.quote_amount) if submit.quote_amount else None,
        price=reference.price_format(submit.price) if submit.type is OrderType.LIMIT else None,
        deadline=time_format(submit.deadline) if submit.deadline else None,
        in_batch=in_batch,
    )


def order_answer(
    state: OrderState, reference: InstrumentReference, *, fills: list[FillState], consistency_token: str
) -> OrderAnswer:
    """Return the shape of an order after a command."""
    made = [fill_body(fill, reference) for fill in fills]
    return OrderAnswer(fills=made, consistency_token=consistency_token, **order_fields(state, reference))


def fill_body(fill: FillState, reference: InstrumentReference) -> FillBody:
    """Return a fill's shape."""
    return FillBody(
        id=str(fill.id),
        order_id=str(fill.order_id),
        symbol=reference.symbol,
        side=SIDE_NAMES[fill.side],
        price=reference.price_format(fill.price),
        quantity=reference.quantity_format(fill.quantity),
        fee=reference.amount_format(fill.fee),
        fee_asset=reference.quote,
        liquidity=LIQUIDITY_NAMES[fill.liquidity],
        executed_at=time_format(fill.executed_at),
        sequence=fill.sequence,
    )


def position_body(
    position: Position | PositionChanged, reference: InstrumentReference, *, base_total: int, base_held: int
) -> PositionBody:
    """Return a position's shape; beside it what there is of the base asset."""
    average = None
    if position.quantity:
        average = reference.average_price_format(notional=position.cost, quantity=position.quantity)
    return PositionBody(
        symbol=reference.symbol,
        side=position_side(position.quantity),
        quantity=reference.quantity_format(position.quantity),
        average_price=average,
        cost=reference.amount_format(position.cost),
        realised_profit=reference.amount_format(position.realised),
        fees=reference.amount_format(position.fees),
        quote_asset=reference.quote,
        base_asset=reference.base,
        base_total=reference.quantity_format(base_total),
        base_held=reference.quantity_format(base_held),
    )


def position_row_body(row: Position, reference: InstrumentReference) -> PositionBody:
    """Return the shape of a position that was read `with_base`."""
    return position_body(row, reference, base_total=row.base_total, base_held=row.base_held)


def position_side(quantity: int) -> str:
    """Name the side of a position."""
    if quantity == 0:
        return "flat"
    return "long" if quantity > 0 else "short"
