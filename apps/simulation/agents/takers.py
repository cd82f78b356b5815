"""Takers: noise, momentum and mean reversion, who come in bursts and take at once what stands there.

They know the touch and its past. One stream of arrivals an instrument decides when somebody comes and from which side;
who has an opinion of the public past acts on it, the others follow the stream, and everybody minds the stock.
"""

import math
from collections.abc import Iterator

from apps.simulation.agents.agent import NS, Agent, Scene, Stock
from apps.simulation.agents.arrivals import Arrivals
from apps.simulation.agents.crowd import Crowd
from apps.simulation.agents.messages import BUY, SELL, Action, Submit

NOISE, MOMENTUM, REVERSION = "noise", "momentum", "reversion"

_STOCK_WORTH = 1_500_000.0
_SIZE_SIGMA = 0.8
_ROUND = 0.7
_MOMENTUM_SHARE, _REVERSION_SHARE = 0.20, 0.12
_TREND_SPREADS, _STRETCH_SPREADS = 1.2, 3.0
_WHOLE_TOUCH = 0.3
"""Of takers larger than the touch, the share that walks through it; the others take what is there."""
_SLIP_STEPS = 3.0
_AGAIN, _AGAIN_S = 0.40, 10.0
"""Of takers that come so soon behind another, the share that is the same one again."""


class Takers(Agent):
    """The takers of one instrument."""

    def __init__(self, scene: Scene, *, arrivals: Arrivals) -> None:
        """Wait for the first arrival."""
        super().__init__(scene)
        self._arrivals = arrivals
        self._crowd = Crowd(scene.random)
        self._stocks = {
            name: Stock(self.terms, limit_worth=_STOCK_WORTH, price=scene.price)
            for name in (NOISE, MOMENTUM, REVERSION)
        }
        self.wake_at, self._side = arrivals.next()
        self._took, self._took_at = (NOISE, BUY), 0

    @property
    def stocks(self) -> dict[str, Stock]:
        """One for each kind."""
        return self._stocks

    def accounts(self) -> Iterator[str]:
        """One for each kind."""
        yield from self._stocks

    def act(self, now: int) -> list[Action]:
        """Take, if there is something to take."""
        side = self._side
        self.wake_at, self._side = self._arrivals.next(activity=self.public.activity)
        # A process that slept does not make up for it.
        self.wake_at = max(self.wake_at, now + NS // 100)
        touch = self.public.touch
        if not touch.bid or not touch.ask:
            return []
        if now - self._took_at >= _AGAIN_S * NS or self._random.random() >= _AGAIN:
            self._took = self._who(self._crowd.side(side, at=now))
        self._took_at = now
        return [self._take(*self._took)]

    def _who(self, side: int) -> tuple[str, int]:
        draw = self._random.random()
        spread = self.half_spread * 2
        if draw < _MOMENTUM_SHARE and abs(self.public.trend) > _TREND_SPREADS * spread:
            wanted = BUY if self.public.trend > 0 else SELL
            if self._minds(MOMENTUM, wanted):
                return MOMENTUM, wanted
        elif draw > 1 - _REVERSION_SHARE and abs(self.public.stretch) > _STRETCH_SPREADS * spread:
            wanted = SELL if self.public.stretch > 0 else BUY
            if self._minds(REVERSION, wanted):
                return REVERSION, wanted
        return NOISE, side if self._minds(NOISE, side) else 1 - side

    def _minds(self, account: str, side: int) -> bool:
        """Return whether the stock lets somebody trade this side: the more there is already, the less likely."""
        excess = self._stocks[account].excess * (1 if side == BUY else -1)
        return excess <= 0 or self._random.random() > min(excess, 1.0) * 0.95

    def _take(self, account: str, side: int) -> Submit:
        touch = self.public.touch
        price, there = (touch.ask, touch.ask_quantity) if side == BUY else (touch.bid, touch.bid_quantity)
        worth = self.profile.taker_worth * math.exp(self._random.gauss(0, _SIZE_SIGMA))
        quantity = self.terms.lots_worth(worth, price=price)
        if self._random.random() < _ROUND:
            quantity = self.terms.rounded(quantity)
        slip = 0.0
        if quantity > there:
            if self._random.random() < _WHOLE_TOUCH:
                slip = self.half_spread + self.profile.step * self._random.uniform(0, _SLIP_STEPS)
            else:
                quantity = max(there, self.terms.lots_worth(0.0, price=price))
        limit = price * (1 + slip) if side == BUY else price * (1 - slip)
        return Submit(
            account,
            self.keys.take(),
            self.terms.symbol,
            side,
            self.terms.on_tick(limit, up=side == SELL) if slip else price,
            quantity,
            immediate=True,
        )
