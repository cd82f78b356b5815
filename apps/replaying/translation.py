"""Steps of a recorded flow as this venue's commands: on the instrument's scales, from accounts made for the replay.

A recording names no owners. Resting orders are spread over a few makers' accounts and incoming ones over takers', by
the order's name alone, so that a rerun makes the same commands and no incoming order meets one of its own account.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol
from zlib import crc32

from apps.marketdata.codes import Side
from apps.marketdata.feeds.lobster import PRICE_SCALE
from apps.marketdata.feeds.plan import BUY, Add, Delete, Execute, Reduce, Step
from apps.orders.codes import FLAG_POST_ONLY, OrderType, TimeInForce
from apps.orders.commands import AmendOrder, CancelOrder, SubmitOrder

MAKERS: Final = 8
TAKERS: Final = 4
# The wire's numbers have 63 bits.
AMOUNT_MAX: Final = 2**63 - 1
# What accounts get over what they can need: room for any fee.
FUNDS_FACTOR: Final = 2

StepCommand = SubmitOrder | AmendOrder | CancelOrder


class GridMismatchError(ValueError):
    """The instrument's scales or grid cannot express the recording's numbers; `line` is set where a plan was read."""

    line: int | None = None


class Grid(Protocol):
    """What of an instrument decides how numbers are written; the table's row has it, and so has the listing's event."""

    @property
    def symbol(self) -> str: ...  # noqa: D102
    @property
    def price_scale(self) -> int: ...  # noqa: D102
    @property
    def tick_size(self) -> int: ...  # noqa: D102
    @property
    def lot_size(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Scaler:
    """Turns the recording's prices (USD times 10,000) and shares into the instrument's integers."""

    instrument: int
    grid: Grid
    base_scale: int
    quote_scale: int

    def price(self, price: int) -> int:
        """Return a price at the instrument's scale.

        Raises:
            GridMismatchError: not a whole number there, not on the tick, or more than the wire holds.

        """
        scaled, rest = divmod(price * _power(self.grid.price_scale), _power(PRICE_SCALE))
        if rest or scaled % self.grid.tick_size:
            raise GridMismatchError(f"{self.grid.symbol}: price {price} / 10,000 is not on the instrument's grid")
        return self._fitting(scaled, f"price {price} / 10,000")

    def quantity(self, shares: int) -> int:
        """Return a quantity at the base asset's scale.

        Raises:
            GridMismatchError: not a multiple of the lot, or more than the wire holds.

        """
        scaled = shares * _power(self.base_scale)
        if scaled % self.grid.lot_size:
            raise GridMismatchError(f"{self.grid.symbol}: {shares} shares are not on the instrument's grid")
        return self._fitting(scaled, f"{shares} shares")

    def _fitting(self, number: int, said: str) -> int:
        if number > AMOUNT_MAX:
            raise GridMismatchError(f"{self.grid.symbol}: {said} is more than a venue keeps")
        return number

    def notional(self, price: int, shares: int) -> int:
        """Return what shares cost in the quote asset's smallest unit, rounded up."""
        return -(-price * shares * _power(self.quote_scale) // _power(PRICE_SCALE))


def _power(scale: int) -> int:
    return int(10**scale)


def maker_of(order: str) -> int:
    """Say which maker a resting order belongs to."""
    return crc32(order.encode()) % MAKERS


def taker_of(order: str) -> int:
    """Say which taker an incoming order comes from."""
    return crc32(order.encode()) % TAKERS


@dataclass(slots=True)
class Translator:
    """Makes each step's command; `order_ids` learns the ids of accepted orders, which amends are made with."""

    scaler: Scaler
    makers: tuple[int, ...]
    takers: tuple[int, ...]
    order_ids: dict[str, int] = field(default_factory=dict)

    def ready(self, step: Step) -> bool:
        """Say whether the id is known that an amend needs; it never will be if the order was refused."""
        return not isinstance(step, Reduce) or step.order in self.order_ids

    def command(self, step: Step, *, deadline: int = 0) -> StepCommand:
        """Make the step's command."""
        match step:
            case Add():
                return self._submit(step, self.makers[maker_of(step.order)], deadline, TimeInForce.GTC, FLAG_POST_ONLY)
            case Execute():
                return self._submit(step, self.takers[taker_of(step.order)], deadline, TimeInForce.IOC, 0)
            case Delete():
                self.order_ids.pop(step.order, None)
                return CancelOrder(account=self.makers[maker_of(step.order)], id=step.order, deadline=deadline)
            case Reduce():
                return AmendOrder(
                    account=self.makers[maker_of(step.order)],
                    deadline=deadline,
                    order_id=self.order_ids.get(step.order, 0),
                    quantity=self.scaler.quantity(step.quantity),
                )

    def _submit(self, step: Add | Execute, account: int, deadline: int, tif: TimeInForce, flags: int) -> SubmitOrder:
        return SubmitOrder(
            account=account,
            id=step.order,
            deadline=deadline,
            instrument=self.scaler.instrument,
            side=Side.BUY if step.side == BUY else Side.SELL,
            type=OrderType.LIMIT,
            tif=tif,
            flags=flags,
            price=self.scaler.price(step.price),
            quantity=self.scaler.quantity(step.quantity),
        )


@dataclass(slots=True)
class Needs:
    """What a plan asks of the venue; funds are upper bounds by account (makers first, then takers), before fees."""

    steps: int = 0
    price_first: int = 0
    price_min: int = 0
    price_max: int = 0
    traded_min: int = 0
    traded_max: int = 0
    quantity_max: int = 0
    cash: Counter[int] = field(default_factory=Counter)
    shares: Counter[int] = field(default_factory=Counter)


def needs_of(steps: Iterable[Step], scaler: Scaler) -> Needs:
    """Go through a plan once before anything is sent, so that nothing in it can fail halfway.

    Raises:
        GridMismatchError: the instrument cannot take it; and what the plan's source raises.

    """
    needs = Needs()
    for step in steps:
        needs.steps += 1
        try:
            _need(needs, step, scaler)
        except GridMismatchError as error:
            error.line = step.line
            raise
    return needs


def _need(needs: Needs, step: Step, scaler: Scaler) -> None:
    if isinstance(step, Delete):
        return
    quantity = scaler.quantity(step.quantity)
    if isinstance(step, Reduce):
        return
    price = scaler.price(step.price)
    needs.quantity_max = max(needs.quantity_max, quantity)
    needs.price_first = needs.price_first or price
    needs.price_min = min(needs.price_min or price, price)
    needs.price_max = max(needs.price_max, price)
    owner = maker_of(step.order)
    if isinstance(step, Execute):
        owner = MAKERS + taker_of(step.order)
        needs.traded_min = min(needs.traded_min or price, price)
        needs.traded_max = max(needs.traded_max, price)
    if step.side == BUY:
        needs.cash[owner] += scaler.notional(step.price, step.quantity)
    else:
        needs.shares[owner] += quantity
    if max(needs.cash[owner] * FUNDS_FACTOR, needs.shares[owner]) > AMOUNT_MAX:
        raise GridMismatchError(f"{scaler.grid.symbol}: its orders come to more money or shares than an account holds")
