"""What a trader sends next: orders that rest and that trade, changes, cancels, batches, and the same once more."""

import random
from dataclasses import dataclass
from typing import Any

from tests.support.bookkeeper.memory import Kept, Memory, Sent

SYMBOLS = {"AAPL-USD": (19_000, 1, "1"), "BTC-USD": (6_000_000, 100, "0.0001")}
"""What is traded: about which price, in which ticks (both in cents) and lots."""

OPEN_MAX = 40
_SPREAD = 40
_PARTS = 5


@dataclass(slots=True)
class Request:
    """One request, and the commands in it with the orders they are about."""

    op: str
    params: dict[str, Any]
    parts: list[tuple[Kept | None, Sent]]


class Flow:
    """Chooses for one trader; the same seed, told the same, chooses the same."""

    def __init__(self, memory: Memory, *, name: str, seed: int) -> None:
        """Name the trader's orders."""
        self._memory = memory
        self._name = name
        self._dice = random.Random(seed)  # noqa: S311 - a test's dice
        self._count = 0
        self._recent: list[Kept] = []

    def next(self, way: str) -> Request:
        """Choose; what is chosen is busy until it is answered."""
        free = [kept for kept in self._recent[-2 * OPEN_MAX :] if kept.is_open and not kept.busy]
        dice = self._dice.random()
        if len(free) > OPEN_MAX:
            return self._cancel(way, free[0])
        if free and dice < 0.32:
            about = self._amend if dice < 0.13 else self._cancel if dice < 0.28 else self._again
            return about(way, self._dice.choice(free))
        if 0.32 <= dice < 0.40:
            return self._batch(way, free)
        return self._cancel_all(way) if 0.40 <= dice < 0.405 else self.submit(way)

    def submit(self, way: str) -> Request:
        """Enter an order."""
        kept, sent = self._submit(way)
        return Request("order.submit", kept.params, [(kept, sent)])

    def again(self, way: str, kept: Kept) -> Request:
        """Send an order once more, as it was, or for the first time as far as the venue knows."""
        kept.busy = True
        sent = Sent("submit", way, kept.params)
        kept.sent.append(sent)
        return Request("order.submit", kept.params, [(kept, sent)])

    def _again(self, way: str, kept: Kept) -> Request:
        if self._dice.random() < 0.5:
            return self.again(way, kept)
        # The same id with another payload: refused, whatever else happens.
        other = {**kept.params, "quantity": self._lots(kept.params["symbol"], 31, 40)}
        sent = Sent("other", way, other)
        return Request("order.submit", other, [(kept, sent)])

    def _submit(self, way: str) -> tuple[Kept, Sent]:
        dice = self._dice
        self._count += 1
        symbol = dice.choice(tuple(SYMBOLS))
        side = dice.choice(("buy", "sell"))
        params: dict[str, Any] = {
            "symbol": symbol, "side": side, "type": "limit", "quantity": self._lots(symbol, 1, 30),
            "price": self._price(symbol, side), "client_order_id": f"{self._name}-{self._count}",
        }  # fmt: skip
        kind = dice.random()
        if kind < 0.08:
            params |= {"type": "market"}
            del params["price"]
        elif kind < 0.16:
            params |= {"time_in_force": dice.choice(("ioc", "fok"))}
        elif kind < 0.24:
            params |= {"post_only": True}
        elif kind < 0.26:
            # Off the tick, or more than there is: refused for certain.
            params |= dice.choice(({"price": "1.001"}, {"quantity": self._lots(symbol, 10**8, 10**8)}))
        sent = Sent("submit", way, params)
        kept = self._memory.begin(params, sent)
        self._recent.append(kept)
        if len(self._recent) > 8 * OPEN_MAX:
            self._recent = [each for each in self._recent if each.busy or each.is_open]
        return kept, sent

    def _amend(self, way: str, kept: Kept) -> Request:
        params, sent = self._amend_part(way, kept)
        return Request("order.amend", params, [(kept, sent)])

    def _amend_part(self, way: str, kept: Kept) -> tuple[dict[str, Any], Sent]:
        assert kept.told is not None
        params = {"id": kept.told["id"]}
        symbol, side = kept.params["symbol"], kept.params["side"]
        if self._dice.random() < 0.5:
            params["price"] = self._price(symbol, side)
        else:
            params["quantity"] = self._lots(symbol, 1, 60)
        return params, self._about("amend", way, params, kept)

    def _cancel(self, way: str, kept: Kept) -> Request:
        params, sent = self._cancel_part(way, kept)
        return Request("order.cancel", params, [(kept, sent)])

    def _cancel_part(self, way: str, kept: Kept) -> tuple[dict[str, Any], Sent]:
        assert kept.told is not None
        by_own = self._dice.random() < 0.5
        params = {"client_order_id": kept.client_order_id} if by_own else {"id": kept.told["id"]}
        return params, self._about("cancel", way, params, kept)

    def _cancel_all(self, way: str) -> Request:
        params = {"symbol": self._dice.choice(tuple(SYMBOLS)), "side": self._dice.choice(("buy", "sell"))}
        sent = Sent("cancel_all", way, params)
        self._memory.mass_cancels.append(sent)
        return Request("order.cancel_all", params, [(None, sent)])

    def _batch(self, way: str, free: list[Kept]) -> Request:
        atomic = self._dice.random() < 0.5
        parts: list[tuple[Kept | None, Sent]] = []
        orders: list[dict[str, Any]] = []
        for _ in range(self._dice.randint(2, _PARTS)):
            if free and self._dice.random() < 0.3:
                kept = free.pop(self._dice.randrange(len(free)))
                change = self._dice.choice((self._amend_part, self._cancel_part))
                params, sent = change(way, kept)
            else:
                kept, sent = self._submit(way)
                params = kept.params
            orders.append({"op": sent.kind, **params})
            parts.append((kept, sent))
        return Request("order.batch", {"orders": orders, "atomic": atomic}, parts)

    def _about(self, kind: str, way: str, params: dict[str, Any], kept: Kept) -> Sent:
        sent = Sent(kind, way, params)
        kept.sent.append(sent)
        kept.busy = True
        return sent

    def _price(self, symbol: str, side: str) -> str:
        middle, tick, _ = SYMBOLS[symbol]
        away = tick * self._dice.randint(-_SPREAD // 5, _SPREAD)
        cents = middle - away if side == "buy" else middle + away
        return f"{cents // 100}.{cents % 100:02}"

    def _lots(self, symbol: str, least: int, most: int) -> str:
        lot = SYMBOLS[symbol][2]
        count = self._dice.randint(least, most)
        return str(count) if lot == "1" else f"{count // 10_000}.{count % 10_000:04}"
