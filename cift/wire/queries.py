"""What the writer's memory can be asked, and what it answers; numbers as on the wire.

A query names the type of its answer, so `answer_decode` gives that and no other. The queries' numbers, and the order of
the fields, are the engine's. What is a code there, a side or a status, is a plain integer here: the apps name them.
"""

from functools import cache
from typing import Any, Generic, TypeVar, get_args

import msgspec

Answer = TypeVar("Answer")

Level = tuple[int, int, int]
"""Price, quantity, number of orders."""


class Query(msgspec.Struct, Generic[Answer], array_like=True, tag_field="kind", frozen=True, gc=False):
    """A question whose answer is of the type it is parametrised by."""


class Found(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An answer, or a part of one."""


class IdFound(Found, frozen=True, gc=False):
    """What is remembered of an id; `order_id` is 0 where it was no order's, `sequence` its first event's."""

    found: bool
    order_id: int
    sequence: int
    open: bool


class BookFound(Found, frozen=True):
    """An instrument's book, levels best first; `last_price` is 0 before any trade."""

    instrument: int
    instrument_sequence: int
    sequence: int
    bids: list[Level]
    asks: list[Level]
    last_price: int
    status: int


class OrderFound(Found, frozen=True, gc=False):
    """An open order; `hold` is in quote units for a buy, in base units for a sell."""

    order_id: int
    account: int
    instrument: int
    side: int
    price: int
    quantity: int
    leaves: int
    hold: int


class BalanceFound(Found, frozen=True, gc=False):
    """What an account has of an asset."""

    asset: int
    total: int
    held: int


class PositionFound(Found, frozen=True, gc=False):
    """An account's position; money in the quote asset."""

    instrument: int
    quantity: int
    cost: int
    realised: int
    fees: int


class WithdrawalFound(Found, frozen=True, gc=False):
    """A withdrawal that was requested and has not ended; `sequence` is its request's."""

    id: str
    asset: int
    amount: int
    sequence: int


class AccountFound(Found, frozen=True):
    """An account as the engine has it."""

    status: int
    killed: bool
    fee_tier: int
    account_sequence: int
    balances: list[BalanceFound]
    open_orders: int
    positions: list[PositionFound]
    withdrawals: list[WithdrawalFound]


class EngineStats(Found, frozen=True, gc=False):
    """The engine's counts behind batch `number`; `killed` is 1 where the venue's kill switch is on."""

    number: int
    sequence: int
    epoch: int
    accounts: int
    instruments: int
    open_orders: int
    ids: int
    bytes_orders: int
    bytes_ids: int
    engine_version: int
    killed: int


class IdQuery(Query[IdFound], tag=1, frozen=True, gc=False):
    """Whether an account's id was seen."""

    account: int
    id: str


class BookQuery(Query[BookFound | None], tag=2, frozen=True, gc=False):
    """A book, `depth` levels a side, 0 for all; None: no such instrument."""

    instrument: int
    depth: int = 0


class OrderQuery(Query[OrderFound | None], tag=3, frozen=True, gc=False):
    """An open order; None: there is none of this id."""

    order_id: int


class AccountQuery(Query[AccountFound | None], tag=4, frozen=True, gc=False):
    """An account; None: there is no such account."""

    account: int


class StatsQuery(Query[EngineStats], tag=5, frozen=True, gc=False):
    """The engine's counts."""


class OpenOrdersQuery(Query[list[OrderFound]], tag=6, frozen=True, gc=False):
    """All open orders of an instrument, in the order of their book."""

    instrument: int


QUERIES: tuple[type[Query[Any]], ...] = (IdQuery, BookQuery, OrderQuery, AccountQuery, StatsQuery, OpenOrdersQuery)

_encoder = msgspec.msgpack.Encoder()


def query_encode(query: Query[Any]) -> bytes:
    """Encode a query as the writer takes it."""
    return _encoder.encode(query)


def answer_decode(query: Query[Answer], answer: bytes) -> Answer:
    """Decode the answer to a query.

    Raises:
        msgspec.DecodeError: it answers something else.
    """
    decoded: Answer = _decoder_of(type(query)).decode(answer)
    return decoded


@cache
def _decoder_of(kind: type[Query[Any]]) -> msgspec.msgpack.Decoder[Any]:
    """Return the decoder of what a query's class was parametrised by."""
    (base,) = kind.__orig_bases__  # type: ignore[attr-defined]  # typing's, on every class with a generic base
    return msgspec.msgpack.Decoder(get_args(base)[0])
