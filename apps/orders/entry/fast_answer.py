"""The answer to a plain order that was taken, written as text straight from its events.

What it writes is, byte for byte, what `shapes.order_answer` comes to: a test holds the two against each other.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from apps.marketdata.reference import InstrumentReference
from apps.marketdata.shapes import SIDE_NAMES
from apps.orders.codes import FLAG_POST_ONLY, Liquidity, OrderType
from apps.orders.events import AnyEvent, OrderAccepted, Trade
from apps.orders.ids import fill_id
from apps.orders.lifecycle import OrderStatus
from apps.orders.shapes import LIQUIDITY_NAMES, SELF_TRADE_PREVENTION_NAMES, STATUS_NAMES, TIME_IN_FORCE_NAMES
from cift.times import time_format

_NEW = STATUS_NAMES[OrderStatus.NEW]
_FILLED = STATUS_NAMES[OrderStatus.FILLED]
_PARTIALLY_FILLED = STATUS_NAMES[OrderStatus.PARTIALLY_FILLED]
_TAKER = LIQUIDITY_NAMES[Liquidity.TAKER]

_STP_TEXTS = {0: "null", **{number: f'"{name}"' for number, name in SELF_TRADE_PREVENTION_NAMES.items()}}


def taken_text(
    order: OrderAccepted, caused: Sequence[AnyEvent], reference: InstrumentReference, *, at: int, token: str
) -> msgspec.Raw | None:
    """Write the answer to a limit order and what it caused; None: it was ended otherwise than by fills."""
    if order.type is not OrderType.LIMIT:
        return None
    sequence, leaves, fee, average, fills = order.sequence, order.quantity, 0, "null", ""
    status = _NEW
    for event in caused:
        if isinstance(event, Trade) and event.taker_order_id == order.order_id:
            fills += ("," if fills else "") + _fill_text(event, reference, at=at)
            sequence, leaves, fee = event.sequence, event.taker_leaves, event.taker_fee_total
            filled = order.quantity - leaves
            price = reference.average_price_format(notional=event.taker_filled_notional, quantity=filled)
            average, status = f'"{price}"', _PARTIALLY_FILLED if leaves else _FILLED
        elif getattr(event, "order_id", 0) == order.order_id:
            return None
    quantity_format = reference.quantity_format
    quantity, filled_text = quantity_format(order.quantity), quantity_format(order.quantity - leaves)
    time = time_format(at)
    # A plain order's id has none but plain characters; names are the operator's.
    return msgspec.Raw(
        f'{{"id":"{order.order_id}","client_order_id":"{order.id}","symbol":{_quoted(reference.symbol)},'
        f'"side":"{SIDE_NAMES[order.side]}","type":"limit","time_in_force":"{TIME_IN_FORCE_NAMES[order.tif]}",'
        f'"post_only":{"true" if order.flags & FLAG_POST_ONLY else "false"},'
        f'"self_trade_prevention":{_STP_TEXTS[order.stp]},'
        f'"quantity":"{quantity}","quote_amount":null,"price":"{reference.price_format(order.price)}",'
        f'"status":"{status}","filled_quantity":"{filled_text}","canceled_quantity":"0",'
        f'"leaves_quantity":"{quantity if status is _NEW else quantity_format(leaves)}","average_price":{average},'
        f'"fee":"{reference.amount_format(fee)}","fee_asset":{_quoted(reference.quote)},"reason":null,'
        f'"created_at":"{time}","updated_at":"{time}","sequence":{sequence},'
        f'"fills":[{fills}],"consistency_token":"{token}"}}'.encode()
    )


@lru_cache(maxsize=1_024)
def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()


def _fill_text(trade: Trade, reference: InstrumentReference, *, at: int) -> str:
    return (
        f'{{"id":"{fill_id(trade.sequence, Liquidity.TAKER)}","order_id":"{trade.taker_order_id}",'
        f'"symbol":{_quoted(reference.symbol)},"side":"{SIDE_NAMES[trade.taker_side]}",'
        f'"price":"{reference.price_format(trade.price)}","quantity":"{reference.quantity_format(trade.quantity)}",'
        f'"fee":"{reference.amount_format(trade.taker_fee)}","fee_asset":{_quoted(reference.quote)},"liquidity":"{_TAKER}",'
        f'"executed_at":"{time_format(at)}","sequence":{trade.sequence}}}'
    )
