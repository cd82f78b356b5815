"""A large order worked in slices, as an iceberg's tip: rest a little at the own touch, and cross when nobody comes."""

from collections.abc import Iterator

from apps.simulation.agents.agent import NS, Agent, Scene, Stock
from apps.simulation.agents.messages import BUY, SELL, Action, Cancel, OrderSeen, Submit

SLICER = "slicer"

_STOCK_WORTH = 3_000_000.0
_PAUSE_S_MEAN = 300.0
_TAIL = 1.5
"""The exponent of the large orders' sizes; below 2, so now and then one is very large."""
_WORTH_LEAST, _WORTH_MOST = 12.0, 250.0
"""Of a large order, in takers' median sizes."""
_SLICES = 24
_SLICE_S_MEAN = 4.0
_PATIENCE_S = (3.0, 12.0)
_STUCK_S = 15.0


class Slicer(Agent):
    """One large order after another in one instrument, with pauses."""

    def __init__(self, scene: Scene) -> None:
        """Begin with a pause."""
        super().__init__(scene)
        self._pace = scene.pace
        self._stock = Stock(self.terms, limit_worth=_STOCK_WORTH, price=scene.price)
        self._left = self._slice = 0
        self._side = BUY
        self._key = self._order = ""
        self._filled = 0
        self._asked_at = 0
        self._pause(scene.at)

    @property
    def stocks(self) -> dict[str, Stock]:
        """One."""
        return {SLICER: self._stock}

    def accounts(self) -> Iterator[str]:
        """One."""
        yield SLICER

    def act(self, now: int) -> list[Action]:
        """Put out a slice, or take the last one back and cross."""
        touch = self.public.touch
        self.wake_at = now + NS
        if not touch.bid or not touch.ask:
            return []
        if self._key:
            return self._impatient(now)
        if self._left <= 0:
            self._begin(touch.ask)
        own = touch.bid if self._side == BUY else touch.ask
        return [self._put(own, now, immediate=False)]

    def _begin(self, price: int) -> None:
        tilt = min(max(0.5 - 0.5 * self._stock.excess, 0.05), 0.95)
        self._side = BUY if self._random.random() < tilt else SELL
        sizes = min(_WORTH_LEAST * self._random.paretovariate(_TAIL), _WORTH_MOST)
        self._left = self.terms.lots_worth(sizes * self.profile.taker_worth, price=price)
        self._slice = self.terms.lots_worth(sizes * self.profile.taker_worth / _SLICES, price=price)

    def _put(self, price: int, now: int, *, immediate: bool) -> Submit:
        self._key, self._order, self._filled, self._asked_at = self.keys.take(), "", 0, now
        self.wake_at = now + int(self._random.uniform(*_PATIENCE_S) * NS)
        quantity = max(min(self._slice, self._left), self.terms.lots_worth(0.0, price=price))
        return Submit(SLICER, self._key, self.terms.symbol, self._side, price, quantity, immediate=immediate)

    def _impatient(self, now: int) -> list[Action]:
        if not self._order:
            # The answer is still out; long after any answer must have come, go on without it.
            if now - self._asked_at > _STUCK_S * NS:
                self._key = ""
            return []
        touch, taken = self.public.touch, Cancel(SLICER, self.terms.symbol, self._order)
        if self._left <= 0:
            return [taken]
        return [taken, self._put(touch.ask if self._side == BUY else touch.bid, now, immediate=True)]

    def on_order(self, seen: OrderSeen, *, at: int) -> None:
        """Count what was filled; behind a slice comes the next."""
        if seen.key != self._key:
            return
        self._left -= max(seen.filled - self._filled, 0)
        self._filled = max(seen.filled, self._filled)
        if seen.is_open:
            self._order = seen.order
            return
        self._next(at)

    def on_done(self, action: Action, code: str, *, at: int) -> None:
        """Go on behind a refusal."""
        if code and isinstance(action, Submit) and action.key == self._key:
            self._next(at)

    def _next(self, at: int) -> None:
        self._key = self._order = ""
        if self._left <= 0:
            self._pause(at)
        else:
            self.wake_at = at + int(self._random.expovariate(1 / _SLICE_S_MEAN) * NS) + NS // 10

    def _pause(self, at: int) -> None:
        self.wake_at = at + int(self._random.expovariate(self._pace / _PAUSE_S_MEAN) * NS)

    def forget(self, *, at: int) -> None:
        """Begin again with a pause."""
        self._key, self._left = "", 0
        self._pause(at)
