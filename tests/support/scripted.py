"""An order, and what an order service that is scripted answers."""

from collections.abc import Callable

import msgspec

from cift.wire.base import frame_split

ORDER = {
    "symbol": "AAPL-USD",
    "side": "sell",
    "type": "limit",
    "price": "150.1",
    "quantity": "1",
    "client_order_id": "one",
}


def refusing(code: str) -> Callable[[str, bytes], bytes]:
    return lambda _subject, payload: msgspec.msgpack.encode([[code]] * len(frame_split(payload)))


def raising(error: Exception) -> Callable[[str, bytes], bytes]:
    def respond(_subject: str, _payload: bytes) -> bytes:
        raise error

    return respond
