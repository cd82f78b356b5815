"""What a trader knows held against what the venue has: nothing acknowledged is lost, nothing happened twice or unasked.

Everything is asked for as any client asks: lists, look-ups by the client's id, balances. The trader does not trade
meanwhile, and the tables have what it knows of (`at_least`).
"""

import time
from collections import defaultdict
from decimal import Decimal
from typing import Any, NamedTuple

from tests.support.bookkeeper.memory import FINAL_S, Fate, Kept, Sent
from tests.support.bookkeeper.trader import BookedTrader

_PAGE = 500
_SAMPLE = 5
_TERMS = (
    "client_order_id", "symbol", "side", "type", "time_in_force", "post_only", "self_trade_prevention", "created_at",
    "id",
)  # fmt: skip
_SENT = ("symbol", "side", "type", "time_in_force", "post_only")
"""What is sent as it is told again, besides price and quantity."""

_OPEN = ("new", "partially_filled")
_HIGHEST_FEE = Decimal("0.002")
_QUOTE = "USD"


class Violation(NamedTuple):
    """What does not agree: `lost`, `doubled`, `changed`, `unresolved`, `fills`, `balances`, `stream`, `audit`."""

    kind: str
    detail: str


class Comparison:
    """Compares one trader, again and again: what was settled before is looked at again only in a whole one."""

    def __init__(self, trader: BookedTrader) -> None:
        """Begin with nothing compared."""
        self.trader = trader
        self.resolved: list[dict[str, str]] = []
        self.fresh = 0
        self._memory = trader.memory
        self._floor = self._fills_floor = 0
        self._totals: dict[str, Decimal] = {}
        self._moved: dict[str, Decimal] = defaultdict(Decimal)
        self._filled: dict[str, Decimal] = defaultdict(Decimal)
        self._fees: dict[str, Decimal] = defaultdict(Decimal)
        self._listed: dict[str, str] = {}
        self._found: list[Violation] = []

    async def begin(self) -> None:
        """Note the balances before the first order."""
        self._totals = {asset: Decimal(row["total"]) for asset, row in (await self._balances()).items()}

    async def compare(self, *, whole: bool) -> list[Violation]:
        """Hold what is known against the venue; `whole`: from the first order on."""
        self._found = [Violation("changed", each) for each in self._memory.surprises]
        self._memory.surprises.clear()
        if whole:
            self._floor = self._fills_floor = 0
            for totals in (self._moved, self._filled, self._fees):
                totals.clear()
            self._listed.clear()
            self._memory.unsettled = dict(self._memory.orders)
        orders = await self._orders()
        await self._fills()
        fresh = self._resolve(orders)
        await self._look_up(orders, fresh)
        for kept in tuple(self._memory.unsettled.values()):
            self._hold(kept, orders.get(kept.client_order_id))
        await self._money(orders)
        return self._found

    def _say(self, kind: str, detail: str) -> None:
        self._found.append(Violation(kind, f"{self.trader.email}: {detail}"))

    # -- orders -------------------------------------------------------------------------------------------------------

    async def _orders(self) -> dict[str, dict[str, Any]]:
        """Return the venue's orders of this trader that may have changed, by the client's id; find doubled ones."""
        found: dict[str, dict[str, Any]] = {}
        highest = self._floor
        for order in await self._list("orders/", self._floor):
            highest = max(highest, int(order["id"]))
            name = order["client_order_id"]
            if name not in self._memory.orders:
                self._say("doubled", f"the venue has order {order['id']} as {name}, which nobody sent")
            if order["status"] == "rejected":
                found.setdefault(name, order)
                continue
            if self._listed.setdefault(name, order["id"]) != order["id"]:
                self._say("doubled", f"{name} is order {order['id']} and order {self._listed[name]}")
            found[name] = order
        await self._older(found)
        self._floor = highest
        return found

    async def _older(self, found: dict[str, dict[str, Any]]) -> None:
        """Add older orders that may have changed since: the open ones from their lists, the others one by one."""
        older = {
            kept.told["id"]: kept.client_order_id
            for kept in self._memory.unsettled.values()
            if kept.told is not None and kept.client_order_id not in found and int(kept.told["id"]) <= self._floor
        }
        for status in _OPEN if older else ():
            for order in await self._list("orders/", 0, status=status):
                if order["id"] in older:
                    found[older.pop(order["id"])] = order
        for order_id, name in older.items():
            code, body = await self.trader.read(f"orders/{order_id}/")
            if code == 200:
                found[name] = body

    async def _list(self, path: str, above: int, **filters: str) -> list[dict[str, Any]]:
        """Read a list, newest first, down to an id."""
        rows: list[dict[str, Any]] = []
        ask: str | None = path
        params: dict[str, Any] = {"limit": _PAGE, "at_least": self._memory.token[1], **filters}
        while ask is not None:
            status, page = await self.trader.read(ask, **params)
            assert status == 200, page
            ask, params = page["next"], {}
            for row in page["results"]:
                if int(row["id"]) <= above:
                    return rows
                rows.append(row)
        return rows

    def _hold(self, kept: Kept, order: dict[str, Any] | None) -> None:
        """Hold one order against the venue's."""
        told, name = kept.told, kept.client_order_id
        if order is None:
            self._hold_missing(kept, told)
            return
        if order["status"] == "rejected":
            if told is not None and told["status"] != "rejected":
                self._say("lost", f"{name} was told as {told['status']}, and is rejected")
        elif not any(sent.may_have_happened for sent in kept.sent if sent.kind == "submit"):
            self._say(
                "doubled", f"{name} was {kept.submit.fate} ({kept.submit.why}), and is there as {order['status']}"
            )
        if told is not None:
            self._hold_told(kept, told, order)
        self._hold_unasked(kept, order)
        self._hold_filled(name, order)
        kept.told = order
        if order["status"] not in {"new", "partially_filled"} and not kept.is_waited_for:
            del self._memory.unsettled[name]

    def _hold_missing(self, kept: Kept, told: dict[str, Any] | None) -> None:
        name = kept.client_order_id
        if told is not None:
            self._say("lost", f"{name} was told as {told['status']} at {told['sequence']}, and is not there")
        elif any(sent.fate is Fate.FOUND for sent in kept.sent):
            self._say("lost", f"{name} was found once, and is not there")
        elif not kept.is_waited_for:
            del self._memory.unsettled[name]

    def _hold_filled(self, name: str, order: dict[str, Any]) -> None:
        filled, fees = self._filled[order["id"]], self._fees[order["id"]]
        if (filled, fees) != (Decimal(order["filled_quantity"]), Decimal(order["fee"])):
            detail = f"{name} says {order['filled_quantity']} filled for {order['fee']}"
            self._say("fills", f"{detail}; its fills say {filled} for {fees}")

    def _hold_told(self, kept: Kept, told: dict[str, Any], order: dict[str, Any]) -> None:
        name = kept.client_order_id
        if order["sequence"] < told["sequence"]:
            self._say("lost", f"{name} was told at {told['sequence']}, and stands at {order['sequence']}")
        elif (order["sequence"] == told["sequence"] and order != told) or any(order[t] != told[t] for t in _TERMS):
            self._say("changed", f"{name} was told as {told}, and is {order}")
        elif Decimal(order["filled_quantity"]) < Decimal(told["filled_quantity"]):
            self._say("lost", f"{name} had {told['filled_quantity']} filled, and has {order['filled_quantity']}")
        elif not kept.is_open and order["sequence"] != told["sequence"]:
            self._say("changed", f"{name} had ended as {told['status']} at {told['sequence']}, and is {order}")
        last = max((sent.sequence for sent in kept.sent), default=0)
        if order["sequence"] < last:
            self._say("lost", f"{name}: {last} was acknowledged, it stands at {order['sequence']}")

    def _hold_unasked(self, kept: Kept, order: dict[str, Any]) -> None:
        """Find changes no command of its client's can have made."""
        name, reason = kept.client_order_id, order["reason"]
        possible = {sent.kind for sent in kept.sent if sent.may_have_happened}
        if reason == "user_requested" and "cancel" not in possible:
            self._say("changed", f"{name} is canceled, and nobody asked for it")
        if reason == "mass_cancel" and not any(
            sent.may_have_happened and sent.params == {"symbol": order["symbol"], "side": order["side"]}
            for sent in self._memory.mass_cancels
        ):
            self._say("changed", f"{name} went with a mass cancel nobody asked for")
        for term in ("price", "quantity"):
            wanted = kept.wanted(term)
            if order[term] is not None and order[term] not in {_shortest(each) for each in wanted}:
                self._say("changed", f"{name} has the {term} {order[term]}; asked for was one of {sorted(wanted)}")

    # -- outcomes nobody was told -------------------------------------------------------------------------------------

    def _resolve(self, orders: dict[str, dict[str, Any]]) -> list[Kept]:
        """Find out what became of commands without an answer; what is not seen is final only behind its deadline.

        Gives the orders of those found out now.
        """
        left: list[tuple[Kept, Sent]] = []
        fresh: list[Kept] = []
        for kept, sent in self._memory.unknown:
            order = orders.get(kept.client_order_id) or kept.told
            if _shows(order, sent):
                sent.fate = Fate.FOUND
            elif time.monotonic() - sent.at > FINAL_S:
                sent.fate = Fate.NEVER
            else:
                left.append((kept, sent))
                continue
            self.fresh += 1
            fresh.append(kept)
            self.resolved.append(
                {"id": kept.client_order_id, "kind": sent.kind, "way": sent.way, "why": sent.why, "found": sent.fate}
            )
        self._memory.unknown = left
        return fresh

    async def _look_up(self, orders: dict[str, dict[str, Any]], fresh: list[Kept]) -> None:
        """Ask the writer by the client's ids: for all that was found out now or is not known, for some of the rest."""
        asked = {kept.client_order_id: kept for kept in (*fresh, *(kept for kept, _ in self._memory.unknown))}
        for name in list(orders)[:_SAMPLE]:
            if name in self._memory.orders:
                asked.setdefault(name, self._memory.orders[name])
        for name, kept in asked.items():
            status, body = await self.trader.read(f"orders/by-client-order-id/{name}/")
            listed = orders.get(name)
            if status not in {200, 404}:
                self._say("unresolved", f"{name} is answered {status} {body}")
            elif status == 404 and listed is not None and listed["status"] == "rejected":
                # The writer remembers the ids of what had an effect; a refusal had none.
                continue
            elif listed is not None and (status, body) != (200, listed):
                self._say("unresolved", f"{name} is listed as {listed}, and looked up as {status} {body}")
            elif status == 200:
                self._hold_found(kept, body)
            elif any(sent.fate is Fate.FOUND for sent in kept.sent):
                self._say("unresolved", f"{name} was found to have happened, and looked up there is none")

    def _hold_found(self, kept: Kept, body: dict[str, Any]) -> None:
        """Hold what a look-up shows against what was sent, and against what is known to have never happened."""
        name = kept.client_order_id
        submits = [sent for sent in kept.sent if sent.kind == "submit"]
        # A refusal leaves a rejected order behind; what never came leaves nothing.
        refused = body["status"] == "rejected" and any(sent.fate is Fate.REFUSED for sent in submits)
        if not refused and not any(sent.may_have_happened for sent in submits):
            self._say("unresolved", f"{name} was {submits[-1].fate}, and looked up it is {body}")
        sent = {"client_order_id": name, **{term: kept.params[term] for term in _SENT if term in kept.params}}
        sent.setdefault("time_in_force", "gtc" if kept.params["type"] == "limit" else "ioc")
        sent.setdefault("post_only", False)
        for term, value in sent.items():
            if body[term] != value:
                self._say("changed", f"{name} was sent with the {term} {value}, and looked up it has {body[term]}")
        for term in ("price", "quantity"):
            wanted = kept.wanted(term)
            if (body[term] or "None") not in {_shortest(each) for each in wanted}:
                self._say("changed", f"{name} has the {term} {body[term]}; asked for was one of {sorted(wanted)}")

    # -- fills and money ----------------------------------------------------------------------------------------------

    async def _fills(self) -> None:
        """Read the fills since the last time; all that were told must be among them."""
        told = self._memory.fills
        for fill in await self._list("fills/", self._fills_floor):
            self._fills_floor = max(self._fills_floor, int(fill["id"]))
            known = told.pop(fill["id"], None)
            if known is not None and known != fill:
                self._say("fills", f"fill {fill['id']} was told as {known}, and is {fill}")
            quantity, price = Decimal(fill["quantity"]), Decimal(fill["price"])
            sign = 1 if fill["side"] == "buy" else -1
            self._moved[fill["symbol"].partition("-")[0]] += sign * quantity
            self._moved[_QUOTE] -= sign * quantity * price + Decimal(fill["fee"])
            self._filled[fill["order_id"]] += quantity
            self._fees[fill["order_id"]] += Decimal(fill["fee"])
        # One that was told again, after it was compared.
        for fill_id in [
            each for each in told if int(each) <= self._fills_floor and told[each]["order_id"] in self._fees
        ]:
            del told[fill_id]
        for fill_id in told:
            self._say("fills", f"fill {fill_id} was told, and is not there")

    async def _balances(self) -> dict[str, dict[str, str]]:
        status, page = await self.trader.read("balances/", limit=_PAGE, at_least=self._memory.token[1] or None)
        assert status == 200, page
        return {row["asset"]: row for row in page["results"]}

    async def _money(self, orders: dict[str, dict[str, Any]]) -> None:
        """Hold the balances against the fills, and what is held against the open orders."""
        held: dict[str, Decimal] = defaultdict(Decimal)
        for kept in self._memory.unsettled.values():
            order = orders.get(kept.client_order_id)
            if order is None or order["status"] not in {"new", "partially_filled"}:
                continue
            leaves = Decimal(order["leaves_quantity"])
            if order["side"] == "sell":
                held[order["symbol"].partition("-")[0]] += leaves
            else:
                held[_QUOTE] += leaves * Decimal(order["price"])
        for asset, row in (await self._balances()).items():
            total, holds = Decimal(row["total"]), Decimal(row["held"])
            if total != self._totals[asset] + self._moved[asset]:
                self._say(
                    "balances",
                    f"{total} {asset}; it began with {self._totals[asset]}, fills moved {self._moved[asset]}",
                )
            most = held[asset] * (1 + _HIGHEST_FEE) + 1 if asset == _QUOTE else held[asset]
            if not held[asset] <= holds <= most:
                self._say("balances", f"{holds} {asset} are held, the open orders need {held[asset]}")


def _shows(order: dict[str, Any] | None, sent: Sent) -> bool:
    """Return whether an order shows the effect of a command."""
    if order is None:
        return False
    match sent.kind:
        case "submit":
            return True
        case "cancel":
            return bool(order["reason"] == "user_requested")
        case "amend":
            wanted = {term: sent.params[term] for term in ("price", "quantity") if term in sent.params}
            return all(order[term] == _shortest(value) for term, value in wanted.items())
    return False


def _shortest(decimal: str) -> str:
    """Write a decimal as the venue does."""
    return f"{Decimal(decimal).normalize():f}" if decimal != "None" else decimal
