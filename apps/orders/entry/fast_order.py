"""The short way of the most frequent request there is: a socket's plain limit order.

What it takes it reads as the long way does (the tables of `fields`, `reading.submit_read`), in a tenth of the time. It
takes no message it does not understand in every part: whatever else there is, faults first of all, is the long way's.
"""

from typing import Annotated

import msgspec

from apps.accounts.codes import SelfTradePrevention
from apps.marketdata.reference import references
from apps.marketdata.shapes import SIDES
from apps.orders.codes import FLAG_POST_ONLY, OrderType, TimeInForce
from apps.orders.commands import SubmitOrder
from apps.orders.entry.fields import client_order_id_make, deadline_of
from apps.orders.shapes import SELF_TRADE_PREVENTIONS, TIMES_IN_FORCE
from cift.decimals import DecimalError
from cift.fields import CLIENT_ORDER_ID, SYMBOL, FieldInvalidError

_OP = "order.submit"
_TYPE = "limit"
_INTEGER_MAX = 10**15


class _Params(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    symbol: str
    side: str
    type: str
    quantity: str
    price: str
    client_order_id: str | None = None
    time_in_force: str | None = None
    self_trade_prevention: str | None = None
    post_only: bool | None = None


class _Request(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: Annotated[int, msgspec.Meta(gt=-_INTEGER_MAX, lt=_INTEGER_MAX)] | Annotated[str, msgspec.Meta(max_length=64)]
    op: str
    params: _Params


_decode = msgspec.json.Decoder(_Request).decode
_values = msgspec.structs.astuple
_FIELDS = len(_Params.__struct_fields__)


class PlainOrder(msgspec.Struct, gc=False):
    """A request's id, and the order it enters."""

    id: int | str
    order: SubmitOrder


def plain_order(message: str, *, account: int, at: int) -> PlainOrder | None:
    """Read a message; None: it is for the long way."""
    if _OP not in message:
        return None
    try:
        request = _decode(message)
    except msgspec.DecodeError:
        return None
    params = request.params
    if request.op != _OP or params.type != _TYPE or not _is_simple(message, request):
        return None
    reference = references.by_symbol(params.symbol)
    side = SIDES.get(params.side)
    tif = TimeInForce.GTC if params.time_in_force is None else TIMES_IN_FORCE.get(params.time_in_force)
    given_stp = params.self_trade_prevention
    stp = SelfTradePrevention.DEFAULT if given_stp is None else SELF_TRADE_PREVENTIONS.get(given_stp)
    if reference is None or side is None or tif is None or stp is None:
        return None
    try:
        SYMBOL(params.symbol)
        order = SubmitOrder(
            account=account,
            id=client_order_id_make() if params.client_order_id is None else CLIENT_ORDER_ID(params.client_order_id),
            deadline=deadline_of(None, at=at),
            instrument=reference.id,
            side=side,
            type=OrderType.LIMIT,
            tif=tif,
            flags=FLAG_POST_ONLY if params.post_only else 0,
            stp=stp,
            price=reference.price_parse(params.price),
            quantity=reference.quantity_parse(params.quantity),
        )
    except (DecimalError, FieldInvalidError):
        return None
    return PlainOrder(request.id, order)


def _is_simple(message: str, request: _Request) -> bool:
    """Return whether no key repeats, nothing is null and nothing is escaped: so each key and text has two quotes."""
    params = request.params
    given = _FIELDS - _values(params).count(None)
    texts = 2 * given - (params.post_only is not None)
    envelope = 5 if isinstance(request.id, str) else 4
    return message.count('"') == 2 * (texts + envelope) and "\\" not in message
