"""An order service of the simulation's own: the venue's engine in this process, faster than the clock.

The agents are the ones that trade over the socket, the engine is the venue's, the events are those of its journal; only
the way between them is shorter. Nothing is written anywhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from apps.accounts.codes import CashKind
from apps.accounts.commands import MoveCash, OpenAccount
from apps.accounts.events import BalanceChanged, CashMoved
from apps.marketdata.codes import Side
from apps.marketdata.commands import ListAsset, ListInstrument
from apps.marketdata.messages import book_block_decode
from apps.orders.codes import FLAG_POST_ONLY, OrderType, TimeInForce
from apps.orders.commands import AmendOrder, CancelOrder, OpenEpoch, OpenVenue, SubmitOrder
from apps.orders.events import (
    AnyEvent,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderRejected,
    Trade,
    section_decode,
)
from apps.orders.matching.engine import Batch, Engine, ask, sections
from apps.simulation.agents.funds import funds_of, moves_due
from apps.simulation.agents.messages import Action, Amend, OrderSeen, Submit, Touch
from apps.simulation.agents.population import ACCOUNTS, Population
from apps.simulation.agents.profiles import Terms
from cift.wire.base import Command, command_encode, frame_pack
from cift.wire.outcomes import CommandRejected
from cift.wire.queries import AccountFound, AccountQuery, BookFound, BookQuery

BEGIN_NS = 1_700_000_000_000_000_000
"""When a study begins: the same moment every time, so that the same seed gives the same bytes."""

TURN_NS = 50_000_000
"""How long what agents send waits to be sent together: as over the socket."""

SETTLE_NS = 3_600 * 10**9
"""How often funds that are far off are looked for."""

_FIRST_ACCOUNT = 3
_OPEN_ORDERS_MAX = 1 << 16
_IDS_MAX = 1 << 20
_IDS_WINDOW_NS = 86_400 * 10**9

Observer = Callable[[Batch], None]


class _Order:
    """An order of an agent's, followed by its events."""

    __slots__ = ("account", "filled", "key", "leaves", "price", "quantity", "side", "symbol")

    def __init__(self, account: str, event: OrderAccepted, symbol: str) -> None:
        self.account = account
        self.key = event.id
        self.symbol = symbol
        self.side = int(event.side)
        self.price = event.price
        self.quantity = self.leaves = event.quantity
        self.filled = 0


class OwnVenue:
    """The engine with the simulated instruments listed and the agents' accounts funded."""

    def __init__(
        self,
        assets: Sequence[ListAsset],
        instruments: Sequence[ListInstrument],
        *,
        settle_ns: int = SETTLE_NS,
        due: Callable[[Mapping[str, int], Mapping[str, int]], dict[str, int]] = moves_due,
    ) -> None:
        """List and fund; `instruments` name their assets by place in `assets`, from 1.

        `due` says what is moved of what an account holds, given what it began with; it is asked every `settle_ns`.
        """
        self._settle_ns = settle_ns
        self._due = due
        self._engine = Engine(open_orders_max=_OPEN_ORDERS_MAX, ids_max=_IDS_MAX, ids_window_ns=_IDS_WINDOW_NS)
        self._number = 0
        self._assets = dict(enumerate(assets, start=1))
        self.terms = [self._terms(instrument) for instrument in instruments]
        self._instruments = {each.symbol: number for number, each in enumerate(self.terms, start=1)}
        self._symbols = {number: symbol for symbol, number in self._instruments.items()}
        self._accounts = {name: number for number, name in enumerate(ACCOUNTS, start=_FIRST_ACCOUNT)}
        self._names = {number: name for name, number in self._accounts.items()}
        self._orders: dict[int, _Order] = {}
        self._instrument_rows = instruments
        self._asset_numbers = {asset.symbol: number for number, asset in self._assets.items()}
        self.funds = funds_of(self.terms)
        self.commands = 0
        self.moves: list[tuple[str, int]] = []

    def _terms(self, listed: ListInstrument) -> Terms:
        base, quote = self._assets[listed.base], self._assets[listed.quote]
        return Terms(
            symbol=listed.symbol,
            base=base.symbol,
            quote=quote.symbol,
            price_scale=listed.price_scale,
            base_scale=base.scale,
            quote_scale=quote.scale,
            tick_size=listed.tick_size,
            lot_size=listed.lot_size,
            quantity_min=listed.quantity_min,
            quantity_max=listed.quantity_max,
            notional_min=listed.notional_min,
            reference_price=listed.reference_price,
            maker_ppm=listed.maker_ppm,
        )

    def run(self, population: Population, *, seconds: int, observe: Observer) -> None:
        """Let the agents trade for so long of the venue's time, from its opening."""
        opening = self._apply(list(self._opening()), BEGIN_NS)
        observe(opening)
        self._tell_balances(population, opening, BEGIN_NS)
        now, end, settle_at = BEGIN_NS, BEGIN_NS + seconds * 10**9, BEGIN_NS + self._settle_ns
        while now < end:
            # The next turn in which anybody acts.
            now = max(now + TURN_NS, -(-population.next_at // TURN_NS) * TURN_NS)
            if now >= settle_at:
                settle_at += self._settle_ns
                self._book(population, self._settle(now), now, observe)
            actions = population.act(now)
            if not actions:
                continue
            self.commands += len(actions)
            batch = self._apply([self._command(action) for action in actions], now)
            observe(batch)
            self._tell(population, actions, batch, now)

    def _book(self, population: Population, moves: Sequence[MoveCash], now: int, observe: Observer) -> None:
        if not moves:
            return
        batch = self._apply(moves, now)
        booked = [event for section in sections(batch.events)[:-1] for event in section_decode(section)]
        self.moves += [(self._names[each.account], each.amount) for each in booked if isinstance(each, CashMoved)]
        observe(batch)
        self._tell_balances(population, batch, now)

    def levels(self, symbol: str) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Return the bids and asks of a book, best first: price, quantity, orders."""
        found = self._book_of(symbol, depth=0)
        return found.bids, found.asks

    def last_price(self, symbol: str) -> int:
        """Return the last price of an instrument, or the one it was listed at."""
        last = self._book_of(symbol, depth=1).last_price
        return last or self.terms[self._instruments[symbol] - 1].reference_price

    def _opening(self) -> Iterator[Command]:
        yield OpenVenue(hash_key=bytes(16))
        yield OpenEpoch(epoch=1)
        yield from self._assets.values()
        yield from self._instrument_rows
        for name in self._accounts:
            yield OpenAccount(id=name, owner=0)
        for name in self._accounts:
            for asset, amount in self.funds.items():
                yield self._move(name, asset, amount, kind=CashKind.DEPOSIT, day="opening")

    def _move(self, name: str, asset: str, amount: int, *, kind: CashKind, day: str) -> MoveCash:
        number = self._asset_numbers[asset]
        return MoveCash(account=self._accounts[name], id=f"{asset}-{day}", kind=kind, asset=number, amount=amount)

    def _settle(self, now: int) -> list[MoveCash]:
        """Move funds that are far off, as at a venue: at most once a day for each account and asset."""
        day = f"{datetime.fromtimestamp(now // 10**9, tz=UTC):%Y%m%d}"
        return [
            self._move(name, asset, amount, kind=CashKind.DEPOSIT if amount > 0 else CashKind.ADJUSTMENT, day=day)
            for name in self._accounts
            for asset, amount in self._due(self.held(name), self.funds).items()
        ]

    def held(self, name: str) -> dict[str, int]:
        """Return what an agent's account has, in smallest units by asset."""
        return {self._assets[each.asset].symbol: each.total for each in self._account(name).balances}

    def open_orders(self, name: str) -> int:
        """Return how many orders of an agent's account are in the books."""
        return self._account(name).open_orders

    def _account(self, name: str) -> AccountFound:
        found = ask(self._engine, AccountQuery(self._accounts[name]))
        if found is None:
            raise LookupError(f"the account of {name} is not open")
        return found

    def _book_of(self, symbol: str, *, depth: int) -> BookFound:
        found = ask(self._engine, BookQuery(self._instruments[symbol], depth))
        if found is None:
            raise LookupError(f"{symbol} is not listed")
        return found

    def _apply(self, commands: Sequence[Command], at: int) -> Batch:
        self._number += 1
        return self._engine.apply(frame_pack(map(command_encode, commands)), number=self._number, at=at)

    def _command(self, action: Action) -> Command:
        account = self._accounts[action.account]
        if isinstance(action, Submit):
            return SubmitOrder(
                account=account,
                id=action.key,
                instrument=self._instruments[action.symbol],
                side=Side(action.side),
                type=OrderType.LIMIT,
                tif=TimeInForce.IOC if action.immediate else TimeInForce.GTC,
                flags=0 if action.immediate else FLAG_POST_ONLY,
                price=action.price,
                quantity=action.quantity,
            )
        if isinstance(action, Amend):
            return AmendOrder(
                account=account, order_id=int(action.order), price=action.price, quantity=action.quantity or None
            )
        return CancelOrder(account=account, order_id=int(action.order))

    def _tell(self, population: Population, actions: Sequence[Action], batch: Batch, at: int) -> None:
        """Send the agents the results of their actions, and everybody what is public."""
        for action, section in zip(actions, sections(batch.events), strict=False):
            code = ""
            for event in section_decode(section):
                if isinstance(event, OrderRejected | CommandRejected):
                    code = event.reason.code
                for seen in self._seen(event):
                    population.on_order(seen, at=at)
            population.on_done(action, code, at=at)
        self._tell_public(population, batch, at)

    def _tell_public(self, population: Population, batch: Batch, at: int) -> None:
        self._tell_balances(population, batch, at)
        for instrument, encoded in batch.books():
            block = book_block_decode(encoded)
            bid, ask = block.best_bid or (0, 0), block.best_ask or (0, 0)
            population.on_touch(self._symbols[instrument], Touch(*bid, *ask), at=at)

    def _tell_balances(self, population: Population, batch: Batch, at: int) -> None:
        for event in section_decode(sections(batch.events)[-1]):
            if isinstance(event, BalanceChanged) and event.account in self._names:
                population.on_balance(self._names[event.account], self._assets[event.asset].symbol, event.total, at=at)

    def _seen(self, event: AnyEvent) -> Iterator[OrderSeen]:
        """Follow the agents' orders through an event; others may trade here as well."""
        if isinstance(event, OrderAccepted):
            if event.account not in self._names:
                return
            self._orders[event.order_id] = _Order(self._names[event.account], event, self._symbols[event.instrument])
            yield self._state(event.order_id, event.sequence)
        elif isinstance(event, Trade):
            for order_id, leaves in (
                (event.maker_order_id, event.maker_leaves),
                (event.taker_order_id, event.taker_leaves),
            ):
                order = self._orders.get(order_id)
                if order is None:
                    continue
                order.filled += event.quantity
                order.leaves = leaves
                yield self._state(order_id, event.sequence)
        elif isinstance(event, OrderCanceled) and event.order_id in self._orders:
            self._orders[event.order_id].leaves = 0
            yield self._state(event.order_id, event.sequence)
        elif isinstance(event, OrderAmended) and event.order_id in self._orders:
            order = self._orders[event.order_id]
            order.price, order.leaves = event.price, event.leaves
            yield self._state(event.order_id, event.sequence)

    def _state(self, order_id: int, sequence: int) -> OrderSeen:
        order = self._orders[order_id]
        if not order.leaves:
            del self._orders[order_id]
        return OrderSeen(
            account=order.account,
            order=str(order_id),
            key=order.key,
            symbol=order.symbol,
            side=order.side,
            price=order.price,
            leaves=order.leaves,
            filled=order.filled,
            is_open=bool(order.leaves),
            sequence=sequence,
        )
