"""What all agents have: an account, an instrument, a stock of it, and a time they want to act next."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from apps.simulation.agents.messages import Action, OrderSeen
from apps.simulation.agents.profiles import Profile, Terms
from apps.simulation.agents.public import Public

NS = 1_000_000_000

_FORGET_S = 4 * 3_600.0
_PPM = 1e6


class Stock:
    """What an account has of an instrument's base asset, and how far that is from what it is used to.

    What is usual follows what is there over hours: who was sold much in one day lives with it, and quotes again. What
    changes by more than the limit at once was paid in or out, not traded, and is usual from then on.
    """

    def __init__(self, terms: Terms, *, limit_worth: float, price: int) -> None:
        """Take what would be a lot to have too much of, in whole units of the quote asset."""
        self._limit = terms.lots_worth(limit_worth, price=price)
        self._usual: float | None = None
        self._total = 0.0
        self._at = 0

    def update(self, total: int, *, at: int) -> None:
        """Take what the account has now."""
        if self._usual is None:
            self._usual = float(total)
        else:
            self._usual += (self._total - self._usual) * min((at - self._at) / NS / _FORGET_S, 1.0)
            if abs(total - self._total) > self._limit:
                self._usual += total - self._total
        self._total, self._at = float(total), at

    @property
    def excess(self) -> float:
        """How much too much there is; 1: a lot, -1: a lot too little."""
        return 0.0 if self._usual is None else (self._total - self._usual) / self._limit


class Keys:
    """Client order ids: unique for a run, counted."""

    def __init__(self, prefix: str) -> None:
        """Take what the run's ids begin with."""
        self._prefix = prefix
        self._last = 0

    def take(self) -> str:
        """Return the next."""
        self._last += 1
        return f"{self._prefix}-{self._last:x}"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an agent acts: an instrument, what is public of it, and what the agent alone draws from.

    `price`: where it begins; `pace`: how fast everybody is, 1 at the default rate; `at`: ns.
    """

    terms: Terms
    profile: Profile
    public: Public
    keys: Keys
    random: Random
    price: int
    pace: float
    at: int

    @property
    def half_spread(self) -> float:
        """What makers here want for a trade, relative to the price: their fee, and what they live from."""
        return self.terms.maker_ppm / _PPM + self.profile.edge


class Agent(ABC):
    """One behaviour in one instrument. It is told of its own orders and of what is public, and of nothing else."""

    def __init__(self, scene: Scene) -> None:
        """Begin when the scene does."""
        self.terms = scene.terms
        self.profile = scene.profile
        self.public = scene.public
        self.keys = scene.keys
        self.half_spread = scene.half_spread
        self.wake_at = scene.at
        self.rest_until = 0
        self._random = scene.random

    @property
    @abstractmethod
    def stocks(self) -> dict[str, Stock]:
        """The stocks it looks after, by account."""

    @abstractmethod
    def act(self, now: int) -> list[Action]:
        """Do what there is to do, and set `wake_at` later than `now`."""

    def on_order(self, seen: OrderSeen, *, at: int) -> None:  # noqa: B027 - who takes at once has nothing to follow
        """Hear of an order of its own."""

    def on_done(self, action: Action, code: str, *, at: int) -> None:  # noqa: B027 - as above
        """Hear that an action was answered; `code`: why it was refused, empty if it was not."""

    def forget(self, *, at: int) -> None:  # noqa: B027 - as above
        """Begin again without orders in the book."""

    @abstractmethod
    def accounts(self) -> Iterator[str]:
        """Name the accounts it trades with."""


class Budget:
    """How many commands an account may send: a bucket that fills at a rate, with so much in it at the beginning."""

    def __init__(self, *, per_s: float, begin: float, at: int) -> None:
        """Begin with something to spend at once."""
        self._per_s = per_s
        self._most = max(2 * per_s, 4.0)
        self._level = begin
        self._at = at

    def available(self, now: int) -> int:
        """Return how many there are now."""
        filled = self._level + (now - self._at) / NS * self._per_s
        self._level = max(min(filled, self._most), self._level)
        self._at = now
        return int(self._level)

    def take(self, count: int) -> None:
        """Use some."""
        self._level -= count
