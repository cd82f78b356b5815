"""The layout of the engine's ids, which sort as their sequences do; the engine's own is in its pool of orders.

An order's id is the sequence it was accepted or rejected at, and 20 bits of slot. A trade's id is its sequence; its two
fills are numbered two by two, the maker's first.
"""

from apps.orders.codes import Liquidity

ORDER_SLOT_BITS = 20
FILLS_PER_TRADE = 2

SEQUENCE_MAX = 2**42
"""Above every sequence a shard will have; the ids made of it still have 63 bits."""


def order_id_first(sequence: int) -> int:
    """Return the lowest id an order of this sequence can have."""
    return sequence << ORDER_SLOT_BITS


def order_sequence(order_id: int) -> int:
    """Return the sequence of the event an order begins with."""
    return order_id >> ORDER_SLOT_BITS


def fill_id(trade_id: int, liquidity: Liquidity) -> int:
    """Return the id of one side of a trade."""
    return trade_id * FILLS_PER_TRADE + liquidity


def fill_id_first(sequence: int) -> int:
    """Return the lowest id a fill of this sequence can have."""
    return sequence * FILLS_PER_TRADE


def fill_trade(fill_id: int) -> int:
    """Return the id of the trade a fill is a side of."""
    return fill_id // FILLS_PER_TRADE
