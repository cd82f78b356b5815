"""What may be said on a socket: every message's shape, held to strictly."""

import json
from typing import Any

import msgspec

from apps.orders.accountmessages import (
    AccountTermsMessage,
    BalanceMessage,
    CashMessage,
    FillMessage,
    OrderMessage,
    PositionLimitMessage,
    PositionMessage,
)
from apps.orders.bookfeed import BookSnapshot, BookUpdate


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    """The server's own."""

    at: str
    account_sequence: int | None


SHAPES: dict[str, Any] = {
    "book": BookSnapshot | BookUpdate,
    "account": (
        OrderMessage
        | FillMessage
        | BalanceMessage
        | PositionMessage
        | CashMessage
        | AccountTermsMessage
        | PositionLimitMessage
    ),
}


def message_check(message: dict[str, Any]) -> None:
    """Fail unless a message has all fields of its shape, each of its type, and no other."""
    shape = SHAPES[message["channel"]] if "channel" in message else Ping
    assert json.loads(msgspec.json.encode(msgspec.convert(message, shape))) == message
