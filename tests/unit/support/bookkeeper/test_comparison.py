"""The comparison finds each lie of a venue, and nothing where there is none: it is what `make faults` rests on."""

import copy
from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.support.bookkeeper.comparison import Comparison
from tests.support.bookkeeper.memory import FINAL_S, Fate, Kept, Memory, Sent
from tests.support.bookkeeper.trader import BookedTrader

TOKEN = (100, "token")
FRESH = 12
"""More outcomes found out at once than a sample would ask for."""


class ScriptedVenue:
    """One trader's venue: its lists, its look-ups by the client's id, its balances, all as a test says."""

    email = "t@example.com"

    def __init__(self) -> None:
        self.memory = Memory()
        self.memory.token = TOKEN
        self.orders: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.balances = {"USD": ["1000000", "0"], "AAPL": ["1000", "0"]}
        self.looked_up: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []

    async def read(self, path: str, **params: Any) -> tuple[int, Any]:
        kind, _, named = path.strip("/").partition("/")
        if kind == "balances":
            rows = [{"asset": asset, "total": total, "held": held} for asset, (total, held) in self.balances.items()]
            return 200, {"results": rows, "next": None}
        rows = self.fills if kind == "fills" else self.orders
        if not named:
            rows = [row for row in rows if params.get("status", row.get("status")) == row.get("status")]
            return 200, {"results": sorted(copy.deepcopy(rows), key=lambda row: -int(row["id"])), "next": None}
        if named.startswith("by-client-order-id/"):
            name = named.partition("/")[2]
            self.asked.append(name)
            if name in self.looked_up:
                return self.looked_up[name]
            found = [row for row in self.orders if row["client_order_id"] == name]
            return (200, copy.deepcopy(found[-1])) if found else (404, {"code": "not_found"})
        found = [row for row in self.orders if row["id"] == named]
        return (200, copy.deepcopy(found[0])) if found else (404, {"code": "not_found"})

    # -- what a client sent, and what the venue made of it ------------------------------------------------------------

    def sent(self, name: str, fate: Fate = Fate.UNKNOWN, **params: Any) -> Kept:
        """A client sent an order; it was acknowledged, refused, or not answered, long ago."""
        given = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "quantity": "5", "price": "190.50"}
        given |= {**params, "client_order_id": name}
        sent = Sent("submit", "rest", given, at=-FINAL_S)
        kept = self.memory.begin(given, sent)
        kept.busy = False
        self._told(kept, sent, fate)
        return kept

    def sent_more(self, kept: Kept, kind: str, fate: Fate = Fate.UNKNOWN, **params: Any) -> None:
        """It sent a change or a cancel of it."""
        sent = Sent(kind, "socket", params, at=-FINAL_S)
        kept.sent.append(sent)
        self._told(kept, sent, fate)

    def _told(self, kept: Kept, sent: Sent, fate: Fate) -> None:
        sent.fate = fate
        if fate is Fate.UNKNOWN:
            self.memory.lose(kept, sent, "cut")

    def has(self, kept: Kept, **changed: Any) -> dict[str, Any]:
        """The venue has an order, as it was sent but for what is changed."""
        params = kept.params
        number = len(self.orders) + 1
        row = {
            "id": str(number), "sequence": number, "client_order_id": kept.client_order_id, "symbol": params["symbol"],
            "side": params["side"], "type": params["type"], "time_in_force": "gtc", "post_only": False,
            "self_trade_prevention": "cancel_newest", "quantity": params["quantity"], "price": "190.5",
            "status": "canceled", "filled_quantity": "0", "leaves_quantity": "0", "fee": "0", "reason": "no_liquidity",
            "created_at": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        row |= changed
        self.orders.append(row)
        return row

    async def compared(self, *, before: Callable[[], None] = lambda: None) -> list[str]:
        comparison = Comparison(cast("BookedTrader", self))
        await comparison.begin()
        before()
        return [f"{each.kind}: {each.detail}" for each in await comparison.compare(whole=False)]


@pytest.fixture
def venue() -> ScriptedVenue:
    return ScriptedVenue()


def told(row: dict[str, Any]) -> dict[str, Any]:
    return dict(copy.deepcopy(row))


async def test_of_an_honest_venue_nothing_is_said_and_every_fresh_outcome_is_asked_for(venue: ScriptedVenue) -> None:
    for number in range(FRESH):
        venue.sent(f"never-{number}")
        venue.has(venue.sent(f"found-{number}"))
    amended = venue.sent("amended", Fate.ACKNOWLEDGED)
    venue.sent_more(amended, "amend", price="191")
    amended.told = told(venue.has(amended, price="190.5", status="new", sequence=40, reason=None))
    venue.orders[-1] |= {"price": "191", "sequence": 50, "leaves_quantity": "5"}
    venue.balances["USD"][1] = "955"
    refused = venue.sent("refused", Fate.REFUSED)
    venue.has(refused, status="rejected")

    assert await venue.compared() == []
    assert {f"{kind}-{number}" for kind in ("never", "found") for number in range(FRESH)} <= set(venue.asked)
    fates = {name: kept.submit.fate for name, kept in venue.memory.orders.items()}
    assert {fate for name, fate in fates.items() if name.startswith("never")} == {Fate.NEVER}
    assert {fate for name, fate in fates.items() if name.startswith("found")} == {Fate.FOUND}
    assert amended.sent[1].fate is Fate.FOUND


@pytest.mark.parametrize("number", range(FRESH))
async def test_an_order_that_never_happened_and_is_looked_up_all_the_same(venue: ScriptedVenue, number: int) -> None:
    kept = [venue.sent(f"never-{each}") for each in range(FRESH)]
    shown = ScriptedVenue().has(kept[number])
    venue.looked_up[f"never-{number}"] = (200, shown)

    (found,) = await venue.compared()
    assert found.startswith(f"unresolved: t@example.com: never-{number} was found to have never happened")


async def test_one_that_never_happened_leaves_no_rejected_order_either(venue: ScriptedVenue) -> None:
    venue.looked_up["n"] = (200, ScriptedVenue().has(venue.sent("n"), status="rejected"))

    assert len(await venue.compared()) == 1


async def test_one_that_was_refused_before_anybody_was_told_is_in_the_list_and_need_not_be_looked_up(
    venue: ScriptedVenue,
) -> None:
    venue.has(venue.sent("r"), status="rejected", reason="quantity_too_large")
    venue.looked_up["r"] = (404, {"code": "not_found"})

    assert await venue.compared() == []


@pytest.mark.parametrize("number", range(FRESH))
async def test_an_order_that_happened_and_is_not_looked_up(venue: ScriptedVenue, number: int) -> None:
    for each in range(FRESH):
        venue.has(venue.sent(f"found-{each}"))
    venue.looked_up[f"found-{number}"] = (404, {"code": "not_found"})

    (found,) = await venue.compared()
    assert "unresolved" in found
    assert f"found-{number} is listed as" in found
    assert "looked up as 404" in found


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("symbol", "BTC-USD"),
        ("side", "sell"),
        ("type", "market"),
        ("time_in_force", "ioc"),
        ("post_only", True),
        ("quantity", "6"),
        ("price", "190.4"),
        ("price", None),
    ],
)
async def test_an_order_that_happened_otherwise_than_it_was_sent(venue: ScriptedVenue, term: str, value: Any) -> None:
    venue.has(venue.sent("o"), **{term: value})

    found = await venue.compared()
    assert any(each.startswith("changed: t@example.com: o ") and term in each for each in found)


@pytest.mark.parametrize(("kind", "params"), [("cancel", {}), ("amend", {"price": "191"})])
async def test_a_change_that_happened_to_an_order_that_is_not_looked_up(
    venue: ScriptedVenue, kind: str, params: dict[str, Any]
) -> None:
    kept = venue.sent("m", Fate.ACKNOWLEDGED)
    venue.sent_more(kept, kind, **params)
    row = venue.has(
        kept, sequence=9, status="canceled", reason="user_requested" if kind == "cancel" else None, **params
    )
    kept.told = told(row) | {"sequence": 8, "status": "new", "price": "190.5"}
    venue.looked_up["m"] = (404, {"code": "not_found"})

    found = await venue.compared()
    assert kept.sent[1].fate is Fate.FOUND
    assert any(each.startswith("unresolved: t@example.com: m is listed") for each in found)


async def test_a_change_shown_by_a_message_alone_is_lost_in_list_and_look_up(venue: ScriptedVenue) -> None:
    kept = venue.sent("m", Fate.ACKNOWLEDGED)
    venue.sent_more(kept, "amend", price="191")
    kept.told = told(ScriptedVenue().has(kept, price="191", status="new", sequence=9))

    found = await venue.compared()
    assert any("m was found to have happened, and looked up there is none" in each for each in found)
    assert any(each.startswith("lost") for each in found)


@pytest.mark.parametrize("status", [500, 503, 403])
async def test_a_look_up_that_is_answered_neither_way(venue: ScriptedVenue, status: int) -> None:
    venue.sent("o")
    venue.looked_up["o"] = (status, {"code": "x"})

    (found,) = await venue.compared()
    assert found.startswith(f"unresolved: t@example.com: o is answered {status}")


async def test_older_orders_are_looked_at_again_whether_they_are_open_or_have_ended(venue: ScriptedVenue) -> None:
    comparison = Comparison(cast("BookedTrader", venue))
    kept = [venue.sent(f"old-{number}", Fate.ACKNOWLEDGED, side="sell") for number in range(3)]
    for each in kept:
        each.told = told(venue.has(each, status="new", leaves_quantity="5", reason=None))
    venue.balances["AAPL"][1] = "15"
    await comparison.begin()
    assert await comparison.compare(whole=False) == []

    venue.orders[0] |= {"status": "canceled", "leaves_quantity": "0", "reason": "user_requested", "sequence": 30}
    venue.orders[1] |= {"post_only": True}
    del venue.orders[2]
    found = [f"{each.kind}: {each.detail}" for each in await comparison.compare(whole=False)]
    assert any(each.startswith("changed") and "old-0 is canceled, and nobody asked for it" in each for each in found)
    assert any(each.startswith("changed") and "old-1 was told as" in each for each in found)
    assert any(each.startswith("lost") and "old-2" in each for each in found)


async def test_an_acknowledged_order_that_is_gone_or_stands_before_what_was_told(venue: ScriptedVenue) -> None:
    gone, back = venue.sent("gone", Fate.ACKNOWLEDGED), venue.sent("back", Fate.ACKNOWLEDGED)
    gone.told = told(ScriptedVenue().has(gone, id="77"))
    back.told = told(venue.has(back)) | {"sequence": 9}

    found = await venue.compared()
    assert sorted(each.partition(" was")[0] for each in found if each.startswith("lost")) == [
        "lost: t@example.com: back",
        "lost: t@example.com: gone",
    ]


async def test_an_order_that_is_there_twice_or_that_nobody_sent(venue: ScriptedVenue) -> None:
    kept = venue.sent("twice", Fate.ACKNOWLEDGED)
    venue.has(kept)
    kept.told = told(venue.has(kept))
    venue.has(Kept({**kept.params, "client_order_id": "nobody"}))

    found = [each for each in await venue.compared() if each.startswith("doubled")]
    assert len(found) == 2
    assert any("nobody sent" in each for each in found)


async def test_a_refused_order_that_is_there(venue: ScriptedVenue) -> None:
    venue.has(venue.sent("r", Fate.REFUSED))

    found = await venue.compared()
    assert any(each.startswith("doubled: t@example.com: r was refused") for each in found)


async def test_a_cancel_or_a_mass_cancel_nobody_asked_for(venue: ScriptedVenue) -> None:
    for reason in ("user_requested", "mass_cancel"):
        kept = venue.sent(reason, Fate.ACKNOWLEDGED)
        kept.told = told(venue.has(kept, reason=reason))

    found = await venue.compared()
    assert [each.partition(":")[0] for each in found] == ["changed", "changed"]


async def test_fills_and_balances_that_are_not_what_was_told(venue: ScriptedVenue) -> None:
    kept = venue.sent("f", Fate.ACKNOWLEDGED)
    kept.told = told(venue.has(kept, status="filled", filled_quantity="5", reason=None))
    fill = {
        "id": "1",
        "order_id": "1",
        "symbol": "AAPL-USD",
        "side": "buy",
        "quantity": "5",
        "price": "190",
        "fee": "0",
    }
    venue.memory.fills["1"] = fill
    assert [each.partition(":")[0] for each in await venue.compared()] == ["fills", "fills"]

    venue.memory.unsettled["f"] = kept
    venue.memory.fills["1"] = fill
    venue.fills.append({**fill, "price": "189"})
    found = await venue.compared()
    assert [each.partition(":")[0] for each in found] == ["fills", "balances", "balances"]

    venue.memory.unsettled["f"] = kept
    venue.fills[0] = fill

    def moved() -> None:
        venue.balances = {"USD": ["999050", "0"], "AAPL": ["1005", "0"]}

    assert await venue.compared(before=moved) == []
    assert await venue.compared() != []


async def test_funds_held_for_nothing_or_not_held_for_an_open_order(venue: ScriptedVenue) -> None:
    venue.balances["AAPL"][1] = "3"
    (found,) = await venue.compared()
    assert "3 AAPL are held, the open orders need 0" in found

    kept = venue.sent("open", Fate.ACKNOWLEDGED, side="sell")
    kept.told = told(venue.has(kept, status="new", leaves_quantity="5", reason=None))
    (found,) = await venue.compared()
    assert "3 AAPL are held, the open orders need 5" in found
