"""The numbers that stand for words on the wire and in the tables."""

from enum import IntEnum

FLAG_POST_ONLY = 1
"""Bit 0 of an order's flags: never take liquidity."""


class OrderType(IntEnum):
    """How an order is priced."""

    LIMIT = 0
    MARKET = 1


class TimeInForce(IntEnum):
    """How long an order lasts."""

    GTC = 0
    IOC = 1
    FOK = 2


class Liquidity(IntEnum):
    """Which side of a trade a fill was."""

    MAKER = 0
    TAKER = 1
