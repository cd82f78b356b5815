"""The journal's events held against the invariants, one by one, in order.

Memory is bounded by open orders and withdrawals, accounts and instruments; nothing here shares code with the engine.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from apps.accounts.codes import ACCOUNT_EXTERNAL, ACCOUNT_FEES, WithdrawalEnd
from apps.accounts.events import (
    AccountOpened,
    BalanceChanged,
    CashMoved,
    WithdrawalRequested,
    WithdrawalSettled,
)
from apps.marketdata.codes import Side
from apps.marketdata.events import AssetListed, InstrumentListed
from apps.orders.auditing.audit_report import Invariant, ViolationError
from apps.orders.codes import OrderType
from apps.orders.events import (
    AnyEvent,
    EpochOpened,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderReduced,
    Trade,
)
from apps.orders.ids import order_sequence

PPM = 1_000_000


@dataclass(slots=True)
class OpenOrder:
    """An open order as its events leave it; amounts in the units of the wire."""

    account: int
    client_order_id: str
    instrument: int
    side: Side
    is_market: bool
    price: int
    quantity: int
    quote_amount: int
    leaves: int
    maker_ppm: int
    taker_ppm: int
    filled: int = 0
    canceled: int = 0
    notional: int = 0
    notional_taken: int = 0
    fee: int = 0
    hold: int = 0

    def fee_due(self) -> int:
        """Work out the whole fee so far, rounded half up."""
        return (self._fee_numerator() + PPM // 2) // PPM

    def hold_due(self, notional_open: int) -> int:
        """Work out what it must hold: base units of a sell, quote units of a buy with the highest fee, rounded up."""
        if self.side is Side.SELL:
            return self.leaves
        whole = -(-(self._fee_numerator() + notional_open * max(self.maker_ppm, self.taker_ppm)) // PPM)
        return notional_open + whole - self.fee_due()

    def _fee_numerator(self) -> int:
        return self.notional_taken * self.taker_ppm + (self.notional - self.notional_taken) * self.maker_ppm


class EventChecker:
    """Follows the events of one shard from the first."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self.sequence = 0
        self.epoch = 0
        self.open: dict[int, OpenOrder] = {}
        self.touched: set[int] = set()
        self._open_ids: dict[tuple[int, str], int] = {}
        self._withdrawals: dict[int, WithdrawalRequested] = {}
        self._account_sequences: dict[int, int] = {}
        self._instrument_sequences: dict[int, int] = {}
        self._groups: dict[int, int] = {}
        self._scales: dict[int, int] = {}
        self._listed: dict[int, InstrumentListed] = {}
        self._totals: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._held: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._checks: dict[type[AnyEvent], Callable[[Any], None]] = {
            EpochOpened: self._epoch_opened,
            OrderAccepted: self._order_accepted,
            Trade: self._trade,
            OrderCanceled: self._order_canceled,
            OrderAmended: self._order_amended,
            OrderReduced: self._order_reduced,
            AccountOpened: self._account_opened,
            CashMoved: self._cash_moved,
            WithdrawalRequested: self._withdrawal_requested,
            WithdrawalSettled: self._withdrawal_settled,
            BalanceChanged: self._balance_changed,
            AssetListed: self._asset_listed,
            InstrumentListed: self._instrument_listed,
        }

    def take(self, event: AnyEvent) -> None:
        """Check the next event.

        Raises:
            ViolationError: an invariant does not hold at it.

        """
        if event.sequence != self.sequence + 1:
            detail = f"the event after {self.sequence} is {event.sequence}"
            raise ViolationError(Invariant.SEQUENCES_WITHOUT_GAP, self.sequence + 1, detail)
        self.sequence = event.sequence
        for name, counts, key, count in _counted(event, self._account_sequences, self._instrument_sequences):
            expected = counts.get(key, 0) + 1
            if count != expected:
                detail = f"{name} {key}'s own sequence is {count}, not {expected}"
                raise ViolationError(Invariant.SEQUENCES_WITHOUT_GAP, event.sequence, detail)
            counts[key] = count
        check = self._checks.get(type(event))
        if check is not None:
            check(event)

    def balances(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return each account's total and held amount of each asset it ever had."""
        return {key: (self._totals[key], self._held[key]) for key in {*self._totals, *self._held}}

    def instruments(self) -> Iterator[int]:
        """Name the listed instruments."""
        return iter(self._listed)

    def group_of(self, account: int) -> int:
        """Name an account's self-trade group."""
        return self._groups.get(account) or account

    def _notional(self, instrument: int, price: int, quantity: int) -> int:
        listed = self._listed[instrument]
        exponent = self._scales[listed.quote] - listed.price_scale - self._scales[listed.base]
        more, less = 10 ** max(exponent, 0), 10 ** max(-exponent, 0)
        return price * quantity * int(more) // int(less)

    def _find(self, order_id: int, sequence: int) -> OpenOrder:
        order = self.open.get(order_id)
        if order is None:
            detail = f"order {order_id} is not open, and an ended order changes no more"
            raise ViolationError(Invariant.QUANTITY_ACCOUNTED, sequence, detail)
        return order

    def _end(self, order_id: int) -> None:
        order = self.open.pop(order_id)
        self._hold(order, 0)
        self._open_ids.pop((order.account, order.client_order_id), None)

    def _rehold(self, order: OpenOrder) -> None:
        """Set aside what an order needs as it stands; a market order ends before anybody looks."""
        if not order.is_market:
            self._hold(order, order.hold_due(self._notional(order.instrument, order.price, order.leaves)))

    def _hold(self, order: OpenOrder, hold: int) -> None:
        listed = self._listed[order.instrument]
        asset = listed.quote if order.side is Side.BUY else listed.base
        self._held[order.account, asset] += hold - order.hold
        order.hold = hold

    def _epoch_opened(self, event: EpochOpened) -> None:
        if event.epoch <= self.epoch:
            detail = f"epoch {event.epoch} was opened after epoch {self.epoch}"
            raise ViolationError(Invariant.EPOCHS_RISE, event.sequence, detail)
        self.epoch = event.epoch

    def _order_accepted(self, event: OrderAccepted) -> None:
        if order_sequence(event.order_id) != event.sequence:
            detail = f"order {event.order_id} does not carry the sequence it was accepted at"
            raise ViolationError(Invariant.SEQUENCES_WITHOUT_GAP, event.sequence, detail)
        key = (event.account, event.id)
        if key in self._open_ids:
            detail = f"account {event.account} has order {self._open_ids[key]} open under the id {event.id!r} already"
            raise ViolationError(Invariant.ONE_EFFECT_AN_ID, event.sequence, detail)
        self._open_ids[key] = event.order_id
        self.touched.add(event.instrument)
        order = self.open[event.order_id] = OpenOrder(
            account=event.account,
            client_order_id=event.id,
            instrument=event.instrument,
            side=event.side,
            is_market=event.type is OrderType.MARKET,
            price=event.price,
            quantity=event.quantity,
            quote_amount=event.quote_amount,
            leaves=event.quote_amount or event.quantity,
            maker_ppm=event.maker_ppm,
            taker_ppm=event.taker_ppm,
        )
        self._rehold(order)

    def _trade(self, event: Trade) -> None:
        self.touched.add(event.instrument)
        maker = self._find(event.maker_order_id, event.sequence)
        taker = self._find(event.taker_order_id, event.sequence)
        self._check_sides(event, maker, taker)
        self._check_price(event, maker, taker)
        notional = self._notional(event.instrument, event.price, event.quantity)
        maker.leaves -= event.quantity
        taker.notional_taken += notional
        if not taker.quote_amount:
            taker.leaves -= event.quantity
        for order in (maker, taker):
            order.filled += event.quantity
            order.notional += notional
        if taker.quote_amount:
            spent = notional + (event.taker_fee if taker.side is Side.BUY else 0)
            taker.leaves -= spent
        self._check_after(event, maker, taker)
        self._settle(event, notional, maker, taker)
        for order_id, order in ((event.maker_order_id, maker), (event.taker_order_id, taker)):
            if order.leaves:
                self._rehold(order)
            else:
                self._end(order_id)

    def _settle(self, event: Trade, notional: int, maker: OpenOrder, taker: OpenOrder) -> None:
        listed = self._listed[event.instrument]
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        totals, base, quote = self._totals, listed.base, listed.quote
        totals[buyer.account, base] += event.quantity
        totals[seller.account, base] -= event.quantity
        totals[buyer.account, quote] -= notional
        totals[seller.account, quote] += notional
        totals[maker.account, quote] -= event.maker_fee
        totals[taker.account, quote] -= event.taker_fee
        totals[ACCOUNT_FEES, quote] += event.maker_fee + event.taker_fee

    def _check_sides(self, event: Trade, maker: OpenOrder, taker: OpenOrder) -> None:
        detail = ""
        if maker.side is taker.side or taker.side is not event.taker_side:
            detail = f"orders {event.maker_order_id} and {event.taker_order_id} are not on opposite sides"
        elif (maker.account, taker.account) != (event.maker_account, event.taker_account):
            detail = "the accounts are not those of the orders"
        elif {maker.instrument, taker.instrument} != {event.instrument}:
            detail = "the orders are of another instrument"
        elif self.group_of(maker.account) == self.group_of(taker.account):
            detail = f"both sides are of self-trade group {self.group_of(maker.account)}"
        elif event.quantity <= 0:
            detail = f"its quantity is {event.quantity}"
        if detail:
            raise ViolationError(Invariant.FILL_HAS_TWO_SIDES, event.sequence, detail)

    def _check_price(self, event: Trade, maker: OpenOrder, taker: OpenOrder) -> None:
        detail = ""
        if event.price != maker.price:
            detail = f"it traded at {event.price}, the resting order's price is {maker.price}"
        elif not taker.is_market:
            worse = event.price > taker.price if taker.side is Side.BUY else event.price < taker.price
            if worse:
                detail = f"it traded at {event.price}, outside the limit {taker.price}"
        if detail:
            raise ViolationError(Invariant.TRADE_AT_RESTING_PRICE, event.sequence, detail)

    def _check_after(self, event: Trade, maker: OpenOrder, taker: OpenOrder) -> None:
        """Hold quantities, notionals and fees against what the event says they are now."""
        for name, order, leaves, notional, fee, fee_total in (
            ("maker", maker, event.maker_leaves, event.maker_filled_notional, event.maker_fee, event.maker_fee_total),
            ("taker", taker, event.taker_leaves, event.taker_filled_notional, event.taker_fee, event.taker_fee_total),
        ):
            due = order.fee_due()
            if order.leaves != leaves or leaves < 0:
                detail = f"the {name}'s leaves quantity is {leaves}, by its fills it is {order.leaves}"
            elif order.notional != notional:
                detail = f"the {name}'s notional so far is {notional}, by its fills it is {order.notional}"
            elif (fee_total, fee) != (due, due - order.fee):
                detail = f"the {name}'s fee is {fee} of {fee_total}, by its rates it is {due - order.fee} of {due}"
            else:
                order.fee = fee_total
                continue
            raise ViolationError(Invariant.QUANTITY_ACCOUNTED, event.sequence, detail)

    def _order_canceled(self, event: OrderCanceled) -> None:
        self.touched.add(event.instrument)
        order = self._find(event.order_id, event.sequence)
        if event.quantity != order.leaves:
            detail = f"order {event.order_id} is canceled by {event.quantity}, it had {order.leaves} left"
            raise ViolationError(Invariant.QUANTITY_ACCOUNTED, event.sequence, detail)
        if (event.price, event.order_quantity) != (order.price, order.quantity):
            detail = f"order {event.order_id} ends as {event.order_quantity} at {event.price}, it was for "
            raise ViolationError(
                Invariant.QUANTITY_ACCOUNTED, event.sequence, f"{detail}{order.quantity} at {order.price}"
            )
        _check_filled(event, order)
        self._end(event.order_id)

    def _order_amended(self, event: OrderAmended) -> None:
        self.touched.add(event.instrument)
        order = self._find(event.order_id, event.sequence)
        order.price, order.quantity = event.price, event.quantity
        order.leaves = event.quantity - order.filled - order.canceled
        if event.leaves != order.leaves or event.leaves < 0:
            detail = f"order {event.order_id} has {event.leaves} left, by its quantities it has {order.leaves}"
            raise ViolationError(Invariant.QUANTITY_ACCOUNTED, event.sequence, detail)
        _check_filled(event, order)
        self._rehold(order)

    def _order_reduced(self, event: OrderReduced) -> None:
        self.touched.add(event.instrument)
        order = self._find(event.order_id, event.sequence)
        order.leaves -= event.quantity
        order.canceled += event.quantity
        if event.leaves != order.leaves or event.leaves < 0:
            detail = f"order {event.order_id} has {event.leaves} left, by its quantities it has {order.leaves}"
            raise ViolationError(Invariant.QUANTITY_ACCOUNTED, event.sequence, detail)
        self._rehold(order)

    def _account_opened(self, event: AccountOpened) -> None:
        self._groups[event.account] = event.group

    def _cash_moved(self, event: CashMoved) -> None:
        self._totals[event.account, event.asset] += event.amount
        self._totals[ACCOUNT_EXTERNAL, event.asset] -= event.amount

    def _withdrawal_requested(self, event: WithdrawalRequested) -> None:
        self._withdrawals[event.sequence] = event
        self._held[event.account, event.asset] += event.amount

    def _withdrawal_settled(self, event: WithdrawalSettled) -> None:
        asked = self._withdrawals.pop(event.request_sequence, None)
        wanted = (event.account, event.request, event.asset, event.amount)
        if asked is None or (asked.account, asked.id, asked.asset, asked.amount) != wanted:
            detail = f"withdrawal {event.request!r} of account {event.account} is settled, and was not open like that"
            raise ViolationError(Invariant.HELD_IS_WHAT_ORDERS_NEED, event.sequence, detail)
        self._held[event.account, event.asset] -= event.amount
        if event.end is WithdrawalEnd.BOOKED:
            self._totals[event.account, event.asset] -= event.amount
            self._totals[ACCOUNT_EXTERNAL, event.asset] += event.amount

    def _balance_changed(self, event: BalanceChanged) -> None:
        key = (event.account, event.asset)
        if event.total != self._totals[key]:
            detail = f"account {event.account} has {event.total} of asset {event.asset}, its movements sum to "
            raise ViolationError(Invariant.BALANCE_IS_ITS_LEDGER, event.sequence, detail + str(self._totals[key]))
        if event.held != self._held[key]:
            detail = f"account {event.account} holds {event.held} of asset {event.asset}, it needs "
            raise ViolationError(Invariant.HELD_IS_WHAT_ORDERS_NEED, event.sequence, detail + str(self._held[key]))
        if event.account != ACCOUNT_EXTERNAL and not 0 <= event.held <= event.total:
            detail = f"account {event.account} holds {event.held} of {event.total} in asset {event.asset}"
            raise ViolationError(Invariant.BALANCE_IS_ITS_LEDGER, event.sequence, detail)

    def _asset_listed(self, event: AssetListed) -> None:
        self._scales[event.asset] = event.scale

    def _instrument_listed(self, event: InstrumentListed) -> None:
        self._listed[event.instrument] = event


def _check_filled(event: OrderCanceled | OrderAmended, order: OpenOrder) -> None:
    """Hold what an event says an order has traded in all against its fills."""
    said = (event.filled_quantity, event.filled_notional, event.fee_total)
    if said != (filled := (order.filled, order.notional, order.fee)):
        detail = f"order {event.order_id} has traded (quantity, notional, fee) {said}, by its fills {filled}"
        raise ViolationError(Invariant.QUANTITY_ACCOUNTED, event.sequence, detail)


_Counted = tuple[str, dict[int, int], int, int]


def _counted(event: AnyEvent, accounts: dict[int, int], instruments: dict[int, int]) -> Iterator[_Counted]:
    """Name the counts an event moves on: of its instrument, and of its account or of both sides of a trade."""
    if isinstance(event, Trade):
        yield "instrument", instruments, event.instrument, event.instrument_sequence
        yield "account", accounts, event.maker_account, event.maker_account_sequence
        yield "account", accounts, event.taker_account, event.taker_account_sequence
        return
    sequence = getattr(event, "instrument_sequence", 0)
    if sequence:
        yield "instrument", instruments, event.instrument, sequence  # type: ignore[union-attr]
    sequence = getattr(event, "account_sequence", 0)
    if sequence:
        yield "account", accounts, event.account, sequence  # type: ignore[union-attr]
