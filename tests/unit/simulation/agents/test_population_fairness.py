"""Agents know of others what anybody knows, and treat all alike: a stranger trades by price and time alone."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.accounts.codes import CashKind
from apps.accounts.commands import MoveCash, OpenAccount
from apps.marketdata.codes import Side
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.commands import SubmitOrder
from apps.orders.events import (
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderReduced,
    Trade,
    section_decode,
)
from apps.orders.matching.engine import sections
from apps.simulation.agents.messages import Action, OrderSeen, Touch
from apps.simulation.agents.population import ACCOUNTS, Population
from apps.simulation.facts.ownvenue import BEGIN_NS
from cift.wire.base import Command
from tests.support.simulated import Study, market

SECONDS = 30
STRANGERS = 2
FIRST_STRANGER = 3 + len(ACCOUNTS)
EVERY_NS = 400_000_000
AAPL = 1


@dataclass
class Watched:
    """The agents of a market in which strangers trade, and all the agents are told; `whose`: which stranger sends."""

    whose: int
    study: Study = field(init=False)
    told: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    acted: list[tuple[int, list[Action]]] = field(default_factory=list)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = field(default_factory=list)
    touch: Touch | None = None

    def run(self) -> "Watched":
        self.study = Study(*market(seed=9, rate=100))
        self._next, self._count = BEGIN_NS + EVERY_NS, 0
        population = self.study.population
        self._act = population.act
        for name in ("on_touch", "on_balance", "on_order", "on_done"):
            self._watch(population, name)
        setattr(population, "act", self.act)  # noqa: B010 - a method of one object
        self.study.venue.run(population, seconds=SECONDS, observe=self.study.take)
        return self

    def _watch(self, population: Population, name: str) -> None:
        method = getattr(population, name)

        def watched(*words: Any, **more: Any) -> None:
            self.told.append((name, words, more))
            self.calls.append((name, words, more, None))
            if name == "on_touch" and words[0] == "AAPL-USD":
                self.touch = words[1]
            method(*words, **more)

        setattr(population, name, watched)

    def act(self, now: int, *, asleep: frozenset[str] = frozenset()) -> list[Action]:
        """Let the agents act, behind a stranger whose turn it is."""
        if now >= self._next:
            self._next += EVERY_NS
            commands = self._stranger() if self._count else self._entrance()
            self._count += 1
            self._enter(commands, now)
        actions = self._act(now, asleep=asleep)
        self.acted.append((now, actions))
        self.calls.append(("act", (now,), {"asleep": asleep}, actions))
        return actions

    def _enter(self, commands: list[Command], now: int) -> None:
        """Carry out what a stranger sends, and tell everybody what is theirs to know."""
        venue, population = self.study.venue, self.study.population
        batch = venue._apply(commands, now)
        self.study.take(batch)
        for section in sections(batch.events)[:-1]:
            for event in section_decode(section):
                for seen in venue._seen(event):
                    population.on_order(seen, at=now)
        venue._tell_public(population, batch, now)

    def _entrance(self) -> list[Command]:
        commands: list[Command] = []
        for number in range(STRANGERS):
            account = FIRST_STRANGER + number
            commands.append(OpenAccount(id=f"stranger-{number}", owner=0))
            commands += [
                MoveCash(account=account, id=f"in-{asset}", kind=CashKind.DEPOSIT, asset=asset, amount=amount)
                for asset, amount in ((1, 10**13), (2, 10**6))
            ]
        return commands

    def _stranger(self) -> list[Command]:
        """Join the best price of one side, or take, by turns."""
        touch = self.touch
        if touch is None or not touch.bid or not touch.ask:
            return []
        side = Side(self._count % 2)
        takes = self._count % 3 == 0
        own, other = (touch.bid, touch.ask) if side is Side.BUY else (touch.ask, touch.bid)
        order = SubmitOrder(
            account=FIRST_STRANGER + self.whose,
            id=f"s-{self._count}",
            instrument=AAPL,
            side=side,
            type=OrderType.LIMIT,
            tif=TimeInForce.IOC if takes else TimeInForce.GTC,
            price=other if takes else own,
            quantity=3,
        )
        return [order]


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched(whose=0).run()


def test_agents_are_told_the_touch_and_what_is_their_own(watched: Watched) -> None:
    own: dict[str, set[str]] = defaultdict(set)
    for _, actions in watched.acted:
        for action in actions:
            own[action.account].add(getattr(action, "key", ""))

    for name, words, more in watched.told:
        assert set(more) == {"at"}
        if name == "on_touch":
            assert isinstance(words[1], Touch)
            assert len(words) == 2
        elif name == "on_order":
            seen = words[0]
            assert isinstance(seen, OrderSeen)
            assert seen.key in own[seen.account]
        else:
            assert (words[0] if name == "on_balance" else words[0].account) in ACCOUNTS


def test_agents_do_the_same_whoever_the_stranger_is(watched: Watched) -> None:
    assert Watched(whose=1).run().acted == watched.acted


def test_what_agents_do_follows_from_what_they_are_told_alone(watched: Watched) -> None:
    _, population = market(seed=9, rate=100)

    for name, words, more, result in watched.calls:
        assert getattr(population, name)(*words, **more) == result


def test_strangers_make_and_take(watched: Watched) -> None:
    trades = [event for event in watched.study.events if isinstance(event, Trade)]

    assert any(event.maker_account >= FIRST_STRANGER for event in trades)
    assert any(event.taker_account >= FIRST_STRANGER for event in trades)
    assert any(event.maker_account < FIRST_STRANGER for event in trades if event.taker_account >= FIRST_STRANGER)


def test_every_trade_is_with_the_best_price_and_who_was_there_first(watched: Watched) -> None:
    books: dict[tuple[int, int], dict[int, tuple[int, int]]] = defaultdict(dict)
    sides: dict[int, tuple[int, int]] = {}
    trades = 0
    for event in watched.study.events:
        if isinstance(event, OrderAccepted):
            sides[event.order_id] = (event.instrument, int(event.side))
            books[sides[event.order_id]][event.order_id] = (event.price, event.sequence)
        elif isinstance(event, OrderAmended):
            book = books[sides[event.order_id]]
            placed = book[event.order_id][1] if event.kept_place else event.sequence
            book[event.order_id] = (event.price, placed)
        elif isinstance(event, Trade):
            trades += 1
            _first_is(books, sides, event)
        elif isinstance(event, OrderCanceled):
            books[sides[event.order_id]].pop(event.order_id, None)
        else:
            assert not isinstance(event, OrderReduced)

    assert trades > 20


def _first_is(
    books: dict[tuple[int, int], dict[int, tuple[int, int]]], sides: dict[int, tuple[int, int]], event: Trade
) -> None:
    instrument, side = sides[event.maker_order_id]
    book = books[instrument, side]
    better = -1 if side == Side.BUY else 1
    first = min(book, key=lambda order: (better * book[order][0], book[order][1]))
    assert first == event.maker_order_id
    assert event.price == book[first][0]
    for order, leaves in ((event.maker_order_id, event.maker_leaves), (event.taker_order_id, event.taker_leaves)):
        if not leaves:
            books[sides[order]].pop(order, None)
