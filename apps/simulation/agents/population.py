"""All agents of a simulation, and whose turn it is. Pure: the clock and what the venue says are handed in.

The same seed and the same news at the same times give the same actions.
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count

from apps.simulation.agents.agent import NS, Agent, Budget, Keys, Scene, Stock
from apps.simulation.agents.arrivals import Arrivals
from apps.simulation.agents.fairvalue import FairValue
from apps.simulation.agents.makers import STYLES, Maker, Style
from apps.simulation.agents.messages import Action, OrderSeen, Touch
from apps.simulation.agents.profiles import PROFILES, RATE_DEFAULT, Profile, Terms
from apps.simulation.agents.public import Public
from apps.simulation.agents.randomness import stream
from apps.simulation.agents.slicer import SLICER, Slicer
from apps.simulation.agents.takers import MOMENTUM, NOISE, REVERSION, Takers

ACCOUNTS = (*(style.account for style in STYLES), NOISE, MOMENTUM, REVERSION, SLICER)
"""Every agent account's name."""

_TAKERS_SHARE = 0.045
_MAKERS_SHARE = 0.90
_REST_S = 5
_CLOSED = frozenset(
    {
        "instrument_halted",
        "instrument_cancel_only",
        "venue_killed",
        "venue_halted",
        "venue_unavailable",
        "overloaded",
        "account_killed",
        "account_inactive",
        "rate_limited",
    }
)


class Population:
    """The agents of some instruments."""

    def __init__(
        self,
        terms: Sequence[Terms],
        *,
        seed: int,
        rate: int,
        at: int,
        begin: Mapping[str, int],
        prefix: str,
        styles: Sequence[Style] = STYLES,
    ) -> None:
        """Wake up at a time; `rate`: commands/s of all together, `begin`: the price each instrument starts at.

        `prefix` begins every client order id; it must not have been used before. `styles`: how the makers quote.
        """
        self._styles = styles
        profiles = {profile.symbol: profile for profile in PROFILES}
        self._agents: list[Agent] = []
        self._public: dict[str, Public] = {}
        self._owners: dict[tuple[str, str], Agent] = {}
        self._stocks: defaultdict[tuple[str, str], list[Stock]] = defaultdict(list)
        self._order_of = count()
        self._heap: list[tuple[int, int, Agent]] = []
        self._due: dict[Agent, int] = {}
        keys = Keys(prefix)
        chosen = [(each, profiles[each.symbol]) for each in terms if each.symbol in profiles]
        weights = sum(profile.weight for _, profile in chosen)
        budgets = {
            style.account: Budget(
                per_s=rate * _MAKERS_SHARE * style.share, begin=2.0 * style.rungs * len(chosen), at=at
            )
            for style in styles
        }
        for each, profile in chosen:
            self._people(
                each,
                profile,
                price=begin.get(each.symbol) or each.reference_price,
                pace=rate / RATE_DEFAULT,
                rate=rate * profile.weight / weights,
                seed=seed,
                at=at,
                keys=keys,
                budgets=budgets,
            )
        for agent in self._agents:
            self._queue(agent)

    def _people(
        self,
        terms: Terms,
        profile: Profile,
        *,
        price: int,
        pace: float,
        rate: float,
        seed: int,
        at: int,
        keys: Keys,
        budgets: Mapping[str, Budget],
    ) -> None:
        """Make one instrument's agents."""
        symbol = terms.symbol
        public = self._public[symbol] = Public()
        fair = FairValue(
            profile, anchor=float(terms.reference_price), begin=float(price), at=at, random=stream(seed, symbol, "fair")
        )

        def scene(name: str) -> Scene:
            return Scene(terms, profile, public, keys, stream(seed, symbol, name), price, pace, at)

        for style in self._styles:
            self._enter(Maker(style, scene(style.account), fair=fair, budget=budgets[style.account]))
        arrivals = Arrivals(per_s=rate * _TAKERS_SHARE, at=at, random=stream(seed, symbol, "arrivals"))
        self._enter(Takers(scene("takers"), arrivals=arrivals))
        self._enter(Slicer(scene(SLICER)))

    def _enter(self, agent: Agent) -> None:
        self._agents.append(agent)
        for account in agent.accounts():
            self._owners[account, agent.terms.symbol] = agent
        for account, stock in agent.stocks.items():
            self._stocks[account, agent.terms.base].append(stock)

    def _queue(self, agent: Agent) -> None:
        """Put an agent where its time is; whatever was there of it before is passed over."""
        turn = next(self._order_of)
        self._due[agent] = turn
        heapq.heappush(self._heap, (agent.wake_at, turn, agent))

    @property
    def next_at(self) -> int:
        """The time the next agent wants to act."""
        return self._heap[0][0]

    def act(self, now: int, *, asleep: frozenset[str] = frozenset()) -> list[Action]:
        """Let everybody act whose time has come; accounts that are `asleep` send nothing."""
        actions: list[Action] = []
        while self._heap and self._heap[0][0] <= now:
            _, turn, agent = heapq.heappop(self._heap)
            if self._due[agent] != turn:
                continue
            if agent.wake_at > now:
                self._queue(agent)
                continue
            if agent.rest_until > now:
                agent.wake_at = agent.rest_until
            elif asleep and not asleep.isdisjoint(agent.accounts()):
                agent.wake_at = now + NS // 4
            else:
                actions += agent.act(now)
            self._queue(agent)
        return actions

    def on_touch(self, symbol: str, touch: Touch, *, at: int) -> None:
        """Show everybody the best bid and offer."""
        public = self._public.get(symbol)
        if public is not None and touch != public.touch:
            public.update(touch, at=at)

    def on_balance(self, account: str, asset: str, total: int, *, at: int) -> None:
        """Send an account its balances."""
        for stock in self._stocks.get((account, asset), ()):
            stock.update(total, at=at)

    def on_order(self, seen: OrderSeen, *, at: int) -> None:
        """Notify an account of an order of its own."""
        agent = self._owners.get((seen.account, seen.symbol))
        if agent is not None:
            before = agent.wake_at
            agent.on_order(seen, at=at)
            self._requeue(agent, before)

    def on_done(self, action: Action, code: str, *, at: int) -> None:
        """Notify an account that its action was answered."""
        agent = self._owners[action.account, action.symbol]
        before = agent.wake_at
        agent.on_done(action, code, at=at)
        if code in _CLOSED:
            # Halted, killed, suspended or too busy: asking again and again would be nothing but noise.
            agent.rest_until = at + _REST_S * NS
        self._requeue(agent, before)

    def forget(self, account: str, *, at: int) -> None:
        """Notify an account that none of its orders is in a book any more."""
        for agent in self._agents:
            if account in agent.accounts():
                before = agent.wake_at
                agent.forget(at=at)
                self._requeue(agent, before)

    def _requeue(self, agent: Agent, before: int) -> None:
        """Queue an agent that wants to act sooner; one that wants to act later is put back when its time comes."""
        if agent.wake_at < before:
            self._queue(agent)
