"""Market makers: a ladder of resting orders on each side of a price of their own.

That price is the hidden fair value, moved against what the maker has too much of. A rung is moved, by an amend, when it
is too far from where it should be; the nearer the touch, the sooner. The budget goes to the most urgent rungs.

An order that was moved often enough is taken out, and a new one stands for the rung: the tables keep all that an open
order went through, and that must have an end.
"""

import math
from collections.abc import Iterator

import msgspec

from apps.simulation.agents.agent import NS, Agent, Budget, Scene, Stock
from apps.simulation.agents.fairvalue import FairValue
from apps.simulation.agents.messages import BUY, SELL, Action, Amend, Cancel, OrderSeen, Submit

_STOCK_WORTH = 800_000.0
_SKEW = 2.5
"""Half spreads the price moves for an excess of 1."""
_EXCESS_MAX = 2.0
_SIZE_SIGMA = 0.7
_RESIZED = 0.05
"""Of the rungs that are moved, the share that gets a new size as well."""
_ROUND = 0.6
"""Of orders, the share of a round size."""
_RESTLESS = 3
_PACE_S_MIN, _PACE_S_MAX = 0.1, 5.0
_BACK_S_MEAN = 2.5
"""How long a rung that was sold out stays away."""
_REFUSED_S = 1.0
_FUNDS_S = 20.0
_GONE = frozenset({"not_found", "order_unknown"})
_POOR = frozenset({"insufficient_funds", "open_orders_limit"})


class Style(msgspec.Struct, frozen=True):
    """How a maker quotes: rungs a side, distances in the profile's half spread and step, and how often it looks.

    `moves_max`: how often an order is amended before another takes its place.
    """

    account: str
    rungs: int
    offset: float
    step: float
    worth: float
    pace_s: float
    share: float
    moves_max: int = 100


STYLES = (
    Style("maker-tight", rungs=7, offset=0.85, step=1.0, worth=0.7, pace_s=0.45, share=0.42),
    Style("maker-broad", rungs=16, offset=1.1, step=1.8, worth=0.75, pace_s=0.8, share=0.33),
    Style("maker-deep", rungs=32, offset=1.7, step=3.4, worth=0.8, pace_s=1.6, share=0.25),
)


class _Rung:
    """A place in the ladder and the order that stands for it."""

    __slots__ = (
        "busy",
        "filled",
        "jitter",
        "key",
        "leaves",
        "level",
        "moves",
        "order",
        "price",
        "quantity",
        "ready",
        "sequence",
        "side",
    )

    def __init__(self, side: int, level: int) -> None:
        self.side = side
        self.level = level
        self.ready = 0
        self.busy = False
        self.clear()

    def clear(self) -> None:
        self.order = ""
        self.key = ""
        self.price = self.quantity = self.leaves = self.filled = self.sequence = self.moves = 0
        self.jitter = 0.0


class Maker(Agent):
    """One maker's ladder in one instrument."""

    def __init__(self, style: Style, scene: Scene, *, fair: FairValue, budget: Budget) -> None:
        """Begin with an empty ladder."""
        super().__init__(scene)
        self.style = style
        self._fair = fair
        self._pace_s = min(max(style.pace_s / scene.pace, _PACE_S_MIN), _PACE_S_MAX)
        self._budget = budget
        price = self.terms.on_tick(fair.value(scene.at), up=False)
        self._stock = Stock(self.terms, limit_worth=_STOCK_WORTH, price=price)
        # By level first: where urgency is equal the rung nearer the touch goes first.
        self._rungs = [_Rung(side, level) for level in range(style.rungs) for side in (BUY, SELL)]
        self._by_key: dict[str, _Rung] = {}
        self._by_order: dict[str, _Rung] = {}

    @property
    def stocks(self) -> dict[str, Stock]:
        """One: its own."""
        return {self.style.account: self._stock}

    def accounts(self) -> Iterator[str]:
        """One."""
        yield self.style.account

    def act(self, now: int) -> list[Action]:
        """Bring the ladder nearer to where it should be."""
        self.wake_at = now + int(self._random.expovariate(1 / self._pace_s) * NS) + NS // 20
        fair = self._fair.value(now)
        calm = self._fair.volatility / self.profile.volatility
        half = self.half_spread * self.style.offset * (0.75 + 0.25 * calm)
        excess = min(max(self._stock.excess, -_EXCESS_MAX), _EXCESS_MAX)
        own = fair * (1 - excess * _SKEW * self.half_spread)
        wanted: list[tuple[float, _Rung, int]] = []
        for rung in self._rungs:
            if rung.busy or now < rung.ready:
                continue
            target = self._target(rung, own, half)
            urgency = self._urgency(rung, target, own, half)
            if urgency >= 1:
                wanted.append((urgency, rung, target))
        wanted.sort(key=lambda each: -each[0])
        room = max(self._budget.available(now), 0)
        actions = [self._move(rung, target, excess) for _, rung, target in wanted[:room]]
        for rung in self._random.sample(self._rungs, min(room - len(actions), _RESTLESS)):
            if rung.order and not rung.busy and now >= rung.ready:
                # Makers come and go without a reason anybody sees.
                rung.jitter = self._jitter(rung)
                actions.append(self._move(rung, self._target(rung, own, half), excess))
        self._budget.take(len(actions))
        return actions

    def _jitter(self, rung: _Rung) -> float:
        return self._random.uniform(-0.5, 0.5) if rung.level else self._random.uniform(0, 0.8)

    def _target(self, rung: _Rung, own: float, half: float) -> int:
        """Return the price a rung should have, never through the touch everybody sees."""
        step = self.profile.step * self.style.step
        distance = half + step * rung.level * (1 + 0.05 * rung.level) + step * rung.jitter
        touch, tick = self.public.touch, self.terms.tick_size
        # Behind a jump the touch is late; rungs held up by it still stand one behind the other.
        apart = tick * (1 + rung.level)
        if rung.side == BUY:
            price = self.terms.on_tick(own * (1 - distance), up=False)
            return min(price, touch.ask - apart) if touch.ask > apart else price
        price = self.terms.on_tick(own * (1 + distance), up=True)
        return max(price, touch.bid + apart) if touch.bid else price

    def _urgency(self, rung: _Rung, target: int, own: float, half: float) -> float:
        """Return how badly a rung is placed; from 1 on it is to be moved."""
        if not rung.order:
            return 3.0 / (1 + rung.level) + 1
        sign = 1 if rung.side == BUY else -1
        if (own - rung.price) * sign < 0.4 * half * own:
            return 100.0
        room = (0.15 * half + 0.30 * self.profile.step * self.style.step * (1 + rung.level)) * own
        return abs(rung.price - target) / max(room, float(self.terms.tick_size))

    def _move(self, rung: _Rung, target: int, excess: float) -> Action:
        rung.busy = True
        fresh = self._size(rung, target, excess)
        if not rung.order:
            rung.key, rung.price, rung.quantity = self.keys.take(), target, fresh
            rung.jitter = self._jitter(rung)
            self._by_key[rung.key] = rung
            return Submit(self.style.account, rung.key, self.terms.symbol, rung.side, target, fresh, immediate=False)
        rung.moves += 1
        if rung.moves > self.style.moves_max:
            return Cancel(self.style.account, self.terms.symbol, rung.order)
        total = rung.filled + fresh if rung.leaves * 2 < fresh or self._random.random() < _RESIZED else 0
        return Amend(self.style.account, self.terms.symbol, rung.order, target, total)

    def _size(self, rung: _Rung, price: int, excess: float) -> int:
        shape = 0.7 + min(rung.level, 10) / 40
        worth = self.profile.level_worth * self.style.worth * shape * math.exp(self._random.gauss(0, _SIZE_SIGMA))
        if (excess > 0) == (rung.side == BUY):
            worth *= 1 - 0.35 * abs(excess)
        quantity = self.terms.lots_worth(worth, price=price)
        return self.terms.rounded(quantity) if self._random.random() < _ROUND else quantity

    def on_order(self, seen: OrderSeen, *, at: int) -> None:
        """Follow an order, in whatever order the news comes."""
        rung = self._by_order.get(seen.order) or self._by_key.get(seen.key)
        if rung is None or rung.key != seen.key or seen.sequence < rung.sequence:
            return
        if not seen.is_open:
            # Who was sold out waits; who took an order out itself has its next one ready.
            away_s = 0.0 if rung.moves > self.style.moves_max else self._random.expovariate(1 / _BACK_S_MEAN)
            self._drop(rung)
            rung.ready = at + int(away_s * NS)
            self.wake_at = min(self.wake_at, at + int(self._random.uniform(0.02, 0.3) * NS))
            return
        rung.order, rung.sequence = seen.order, seen.sequence
        rung.price, rung.leaves, rung.filled = seen.price, seen.leaves, seen.filled
        self._by_order[seen.order] = rung

    def on_done(self, action: Action, code: str, *, at: int) -> None:
        """Let a rung be moved again; one that was refused waits."""
        rung = self._by_key.get(action.key) if isinstance(action, Submit) else self._by_order.get(action.order)
        if rung is None:
            return
        rung.busy = False
        if code:
            rung.ready = at + int((_FUNDS_S if code in _POOR else _REFUSED_S * self._random.uniform(0.2, 1)) * NS)
            if isinstance(action, Submit) or code in _GONE:
                self._drop(rung)

    def forget(self, *, at: int) -> None:
        """Begin again with an empty ladder."""
        for rung in self._rungs:
            self._drop(rung)
            rung.ready = 0
        self.wake_at = at

    def _drop(self, rung: _Rung) -> None:
        self._by_key.pop(rung.key, None)
        self._by_order.pop(rung.order, None)
        rung.clear()
        rung.busy = False
