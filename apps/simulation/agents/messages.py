"""What agents say and hear. Prices and quantities are integers at the instrument's scales; times are ns."""

from typing import NamedTuple

BUY = 0
SELL = 1


class Submit(NamedTuple):
    """Enter an order: a resting one (`post_only`), or one that takes what it can at once (`immediate`)."""

    account: str
    key: str
    symbol: str
    side: int
    price: int
    quantity: int
    immediate: bool


class Amend(NamedTuple):
    """Move an order; `quantity` is its new total, 0 to leave it."""

    account: str
    symbol: str
    order: str
    price: int
    quantity: int


class Cancel(NamedTuple):
    """Take an order out of the book."""

    account: str
    symbol: str
    order: str


Action = Submit | Amend | Cancel


class OrderSeen(NamedTuple):
    """An order of one's own as it stands; `order` is the venue's id of it, `key` the agent's."""

    account: str
    order: str
    key: str
    symbol: str
    side: int
    price: int
    leaves: int
    filled: int
    is_open: bool
    sequence: int


class Touch(NamedTuple):
    """The best bid and offer; 0 where there is none."""

    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int


EMPTY = Touch(0, 0, 0, 0)
