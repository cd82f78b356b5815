"""The numbers that stand for words on the wire and in the tables."""

from enum import IntEnum


class InstrumentKind(IntEnum):
    """What an instrument is."""

    SHARE = 0
    COIN = 1
    ETF = 2


class InstrumentStatus(IntEnum):
    """Where an instrument stands."""

    CONTINUOUS = 0
    CANCEL_ONLY = 1
    HALTED = 2


class Side(IntEnum):
    """Which side of the book."""

    BUY = 0
    SELL = 1
