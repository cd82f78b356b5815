"""The venue's public protocol (`docs/reference/websocket.md`) as the agents speak it: they read only what they need."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from apps.simulation.agents.messages import Action, Cancel, OrderSeen, Submit, Touch
from apps.simulation.agents.profiles import Terms
from cift.decimals import decimal_format, decimal_parse

SIDES = ("buy", "sell")
_ENDED = frozenset({"filled", "canceled", "expired", "rejected"})


class ErrorBody(msgspec.Struct):
    """Why something was refused; `index`: the member of a batch it was refused for."""

    code: str
    index: int | None = None


class OrderBody(msgspec.Struct):
    """An order as it stands."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    price: str | None
    status: str
    filled_quantity: str
    leaves_quantity: str
    sequence: int


class BalanceBody(msgspec.Struct):
    """A balance."""

    asset: str
    total: str


class Item(msgspec.Struct):
    """The answer to one command of a batch."""

    order: OrderBody | None
    error: ErrorBody | None


class BatchBody(msgspec.Struct):
    """The answers to a batch."""

    results: list[Item]


class BalancesBody(msgspec.Struct):
    """A page of balances."""

    results: list[BalanceBody]


Level = tuple[str, str, int]


class Message(msgspec.Struct):
    """Whatever the socket says: an answer has an `id`, a feed's message a `channel`."""

    id: int | str | None = None
    ok: bool | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: ErrorBody | None = None
    channel: str = ""
    type: str = ""
    symbol: str = ""
    previous: int = 0
    sequence: int = 0
    bids: list[Level] = []
    asks: list[Level] = []
    order: OrderBody | None = None
    balance: BalanceBody | None = None


_messages = msgspec.json.Decoder(Message | list[Message])
_encoder = msgspec.json.Encoder()
decode_batch = msgspec.json.Decoder(BatchBody).decode
decode_balances = msgspec.json.Decoder(BalancesBody).decode


def frame_read(frame: str | bytes) -> Sequence[Message]:
    """Read a frame: one message, or several.

    Raises:
        msgspec.MsgspecError: it is not what the venue says.

    """
    read = _messages.decode(frame)
    return read if isinstance(read, list) else (read,)


def request_text(number: int, op: str, **fields: Any) -> str:
    """Write a request."""
    return _encoder.encode({"id": number, "op": op, **fields}).decode()


def member_of(action: Action, terms: Mapping[str, Terms], *, deadline: str) -> dict[str, Any]:
    """Write an action as a member of a batch."""
    grid = terms[action.symbol]
    if isinstance(action, Submit):
        return {
            "op": "submit",
            "symbol": action.symbol,
            "side": SIDES[action.side],
            "type": "limit",
            "time_in_force": "ioc" if action.immediate else "gtc",
            "post_only": not action.immediate,
            "price": decimal_format(action.price, scale=grid.price_scale),
            "quantity": decimal_format(action.quantity, scale=grid.base_scale),
            "client_order_id": action.key,
            "deadline": deadline,
        }
    if isinstance(action, Cancel):
        return {"op": "cancel", "id": action.order, "deadline": deadline}
    moved: dict[str, Any] = {
        "op": "amend",
        "id": action.order,
        "price": decimal_format(action.price, scale=grid.price_scale),
        "deadline": deadline,
    }
    if action.quantity:
        moved["quantity"] = decimal_format(action.quantity, scale=grid.base_scale)
    return moved


def order_seen(account: str, body: OrderBody, terms: Mapping[str, Terms]) -> OrderSeen | None:
    """Read an order; None where it is of an instrument the agents do not trade."""
    grid = terms.get(body.symbol)
    if grid is None:
        return None
    return OrderSeen(
        account=account,
        order=body.id,
        key=body.client_order_id,
        symbol=body.symbol,
        side=SIDES.index(body.side),
        price=decimal_parse(body.price or "0", scale=grid.price_scale),
        leaves=decimal_parse(body.leaves_quantity, scale=grid.base_scale),
        filled=decimal_parse(body.filled_quantity, scale=grid.base_scale),
        is_open=body.status not in _ENDED,
        sequence=body.sequence,
    )


class BookTop:
    """The best levels of an instrument, kept by a book channel's messages."""

    def __init__(self, terms: Terms) -> None:
        """Begin empty; the snapshot comes first."""
        self._terms = terms
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._sequence = 0

    def take(self, message: Message) -> bool:
        """Take a snapshot or an update; False: something was missed."""
        if message.type == "snapshot":
            self._bids.clear()
            self._asks.clear()
        elif message.previous != self._sequence:
            return False
        self._sequence = message.sequence
        for side, levels in ((self._bids, message.bids), (self._asks, message.asks)):
            for price, quantity, _orders in levels:
                at = decimal_parse(price, scale=self._terms.price_scale)
                if quantity == "0":
                    side.pop(at, None)
                else:
                    side[at] = decimal_parse(quantity, scale=self._terms.base_scale)
        return True

    @property
    def touch(self) -> Touch:
        """The best bid and offer."""
        bid, ask = max(self._bids, default=0), min(self._asks, default=0)
        return Touch(bid, self._bids.get(bid, 0), ask, self._asks.get(ask, 0))
