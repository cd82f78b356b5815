"""REST's reads of what happened: an order's events, trades, the ticker, the account and its ledger."""

import json
import os
import re
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.support.traders import WAIT_S_MAX, Trader
from tests.support.venue import ROOT, Venue

SELL = {"symbol": "ETH-USD", "side": "sell", "type": "limit", "price": "2500.5", "quantity": "3"}


def pages(trader: Trader, path: str, **query: str) -> list[list[dict[str, Any]]]:
    """Read a list from its newest page to its oldest."""
    found, answer = [], trader.rest.get(path, params=query)
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append(page["results"])
        if page["next"] is None:
            return found
        answer = trader.rest.get(page["next"])


def rows(trader: Trader, path: str, **query: str) -> list[dict[str, Any]]:
    return [row for page in pages(trader, path, **query) for row in page]


def traded(traders: tuple[Trader, Trader]) -> tuple[dict[str, Any], dict[str, Any]]:
    """An offer amended, bought from twice, and canceled; gives it, and the last buyer's order."""
    seller, buyer = traders
    offer = seller.submit(**SELL)
    assert seller.call("PATCH", f"orders/{offer['id']}/", json={"quantity": "4", "price": "2501"})[0] == 200
    for quantity in ("1", "2"):
        bought = buyer.submit(**{**SELL, "side": "buy", "price": "2501", "quantity": quantity})
    status, canceled = seller.call("DELETE", f"orders/{offer['id']}/")
    assert status == 200
    return canceled, bought


def test_an_order_s_events_tell_its_life(traders: tuple[Trader, Trader]) -> None:
    offer, bought = traded(traders)
    token = offer["consistency_token"]

    events = rows(traders[0], f"orders/{offer['id']}/events/", at_least=token)

    told = [(event["event"], event["price"], event["quantity"], event["leaves_quantity"]) for event in reversed(events)]
    assert told == [
        ("accepted", "2500.5", "3", "3"),
        ("amended", "2501", "4", "4"),
        ("fill", None, None, "3"),
        ("fill", None, None, "1"),
        ("canceled", None, "1", "0"),
    ]
    assert events[0]["reason"] == "user_requested"
    assert events[0]["sequence"] == offer["sequence"]
    fills = rows(traders[0], "fills/", symbol="ETH-USD", limit="2")[:2]
    assert [event["fill"] for event in events if event["fill"]] == fills
    assert bought["fills"][0]["sequence"] == fills[0]["sequence"]
    assert events[-1]["at"] == offer["created_at"]


def test_an_order_s_events_are_paged_both_ways(traders: tuple[Trader, Trader]) -> None:
    offer, _ = traded(traders)
    path, token = f"orders/{offer['id']}/events/", offer["consistency_token"]
    whole = rows(traders[0], path, at_least=token)

    assert pages(traders[0], path, limit="2") == [whole[:2], whole[2:4], whole[4:]]
    last = traders[0].rest.get(path, params={"limit": "4"}).json()["next"]
    oldest = traders[0].rest.get(last).json()
    assert traders[0].rest.get(oldest["previous"]).json()["results"] == whole[:4]


def explained(venue: Venue, order_id: str) -> dict[str, Any]:
    """What an operator is told of an order."""
    run = subprocess.run(
        [sys.executable, "manage.py", "explain", order_id, "--json"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "cift.settings.embedded", "CIFT_DATA_DIR": str(venue.folder)},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def test_an_order_s_events_are_what_explain_tells(traders: tuple[Trader, Trader], running_venue: Venue) -> None:
    rival = traders[1].submit(**{**SELL, "side": "buy", "price": "2400", "quantity": "1"})
    offer, bought = traded(traders)
    for trader, order in ((traders[0], offer), (traders[1], bought)):
        path, token = f"orders/{order['id']}/events/", offer["consistency_token"]
        answer = trader.rest.get(path, params={"limit": "2", "at_least": token})
        first, events = answer.json(), rows(trader, path, limit="2")

        told = explained(running_venue, order["id"])

        assert events[::-1] == told["events"]
        assert {name: first[name] for name in ("command", "book", "why")} == {
            name: told[name] for name in ("command", "book", "why")
        }
        assert first["command"]["client_order_id"] == order["client_order_id"]
        assert (first["command"]["price"], first["command"]["quantity"]) == (
            ("2500.5", "3") if order is offer else ("2501", "2")
        )
        # The book is of nobody: of others' orders it has levels alone.
        others = {rival["id"], offer["id"], bought["id"]} - {order["id"]}
        assert not [each for each in others if each in answer.text]
    assert first["book"]["asks"] == [["2501", "3", 1]]
    assert first["book"]["bids"] == [["2400", "1", 1]]
    assert first["why"][1] == "It traded 2 at once, at 2501, with 1 order."


def test_only_the_first_page_has_the_command_the_book_and_why(traders: tuple[Trader, Trader]) -> None:
    offer, _ = traded(traders)
    query = {"limit": "2", "at_least": offer["consistency_token"]}
    first = traders[0].rest.get(f"orders/{offer['id']}/events/", params=query).json()
    second = traders[0].rest.get(first["next"]).json()
    back = traders[0].rest.get(second["previous"]).json()

    assert all(first[name] for name in ("command", "book", "why"))
    assert [page[name] for page in (second, back) for name in ("command", "book", "why")] == [None] * 6


def test_a_rejected_order_has_its_event(traders: tuple[Trader, Trader]) -> None:
    status, refused = traders[0].call("POST", "orders/", json={**SELL, "quantity": "0.000001"})
    assert status == 422, refused
    order = traders[0].rest.get(f"orders/by-client-order-id/{refused['client_order_id']}/").json()

    events = _until(lambda: traders[0].rest.get(f"orders/{order['id']}/events/"))["results"]

    assert [(event["event"], event["reason"]) for event in events] == [("rejected", refused["code"])]


def _until(ask: Any) -> Any:
    """Ask until the tables have it: a refusal brings no token."""
    give_up_at = time.monotonic() + WAIT_S_MAX
    while (answer := ask()).status_code != 200:
        assert time.monotonic() < give_up_at, answer.text
        time.sleep(0.02)
    return answer.json()


def test_another_s_order_tells_no_events(traders: tuple[Trader, Trader]) -> None:
    order = traders[0].submit(**SELL)

    for order_id in (order["id"], "77", "x"):
        status, told = traders[1].call("GET", f"orders/{order_id}/events/", params={"limit": "1"})
        assert (status, told["code"]) == (404, "not_found")
        assert not {"results", "command", "book", "why"} & set(told)


def test_trades_are_public(traders: tuple[Trader, Trader]) -> None:
    offer, bought = traded(traders)
    query = {"limit": "2", "at_least": offer["consistency_token"]}

    page = httpx.get(f"{traders[0].base}instruments/ETH-USD/trades/", params=query).json()

    fill = bought["fills"][0]
    assert page["results"][0] == {
        "id": str(fill["sequence"]),
        "price": "2501",
        "quantity": "2",
        "taker_side": "buy",
        "executed_at": fill["executed_at"],
        "sequence": fill["sequence"],
    }
    assert page["results"][1]["quantity"] == "1"
    older = httpx.get(page["next"]).json()["results"] if page["next"] else []
    assert not {row["id"] for row in older} & {row["id"] for row in page["results"]}


def test_a_candle_has_the_trades_a_token_names(traders: tuple[Trader, Trader]) -> None:
    offer, bought = traded(traders)
    base, token = traders[0].base, offer["consistency_token"]
    begins = bought["fills"][0]["executed_at"][:10]

    page = httpx.get(f"{base}instruments/ETH-USD/candles/", params={"interval": "1d", "at_least": token}).json()
    tickers = httpx.get(f"{base}tickers/", params={"at_least": token}).json()["results"]

    newest = next(row for row in page["results"] if row["begins_at"] == f"{begins}T00:00:00.000000Z")
    trades = httpx.get(f"{base}instruments/ETH-USD/trades/", params={"start": f"{begins}T00:00:00Z"}).json()
    if trades["next"] is None:
        assert Decimal(newest["volume"]) == sum(Decimal(row["quantity"]) for row in trades["results"])
        assert newest["trades"] == len(trades["results"])
    assert (newest["close"], newest["closed"]) == ("2501", False)
    ticker = next(row for row in tickers if row["symbol"] == "ETH-USD")
    assert (ticker["last_price"], ticker["day"]["high"] >= "2501") == ("2501", True)
    assert Decimal(ticker["day"]["volume"]) >= 3


def test_a_candle_reads_as_the_page_shows_it(traders: tuple[Trader, Trader]) -> None:
    traded(traders)
    page = (ROOT / "docs" / "reference" / "rest.md").read_text()
    (shown,) = re.findall(r'^\{"begins_at".+\}$', page, re.MULTILINE)
    told = httpx.get(f"{traders[0].base}instruments/ETH-USD/candles/", params={"interval": "1s"}).json()["results"][-1]

    assert {name: type(value) for name, value in json.loads(shown).items()} == {
        name: type(value) for name, value in told.items()
    }
    assert list(json.loads(shown)) == list(told)


def test_the_ticker_is_the_book_s_top(traders: tuple[Trader, Trader]) -> None:
    traded(traders)
    order = traders[0].submit(**SELL)
    book = httpx.get(f"{traders[0].base}instruments/ETH-USD/book/").json()

    ticker = httpx.get(f"{traders[0].base}instruments/ETH-USD/ticker/").json()

    day = ticker.pop("day")
    assert day["trades"] >= 2
    assert {"begins_at", "open", "high", "low", "change", "change_percent", "volume", "quote_volume"} < day.keys()
    assert ticker == {
        "symbol": "ETH-USD",
        "status": "continuous",
        "sequence": book["sequence"],
        "bid": None,
        "ask": ["2500.5", "3", 1],
        "last_price": "2501",
    }
    assert book["asks"][0] == ticker["ask"]
    assert order["status"] == "new"


def test_the_account_tells_its_terms(traders: tuple[Trader, Trader]) -> None:
    first, second = (trader.rest.get("account/").json() for trader in traders)

    assert first["id"] != second["id"]
    assert first | {"id": "", "opened_at": "", "sequence": 0} == {
        "id": "",
        "status": "active",
        "killed": False,
        "fee_tier": 0,
        "open_orders_max": first["open_orders_max"],
        "self_trade_prevention": first["self_trade_prevention"],
        "simulated": False,
        "opened_at": "",
        "sequence": 0,
    }


def test_the_ledger_sums_to_the_balances(traders: tuple[Trader, Trader]) -> None:
    offer, _ = traded(traders)
    token = offer["consistency_token"]
    for trader in traders:
        entries = rows(trader, "ledger/", limit="3", at_least=token)
        keys = [(entry["sequence"], entry["leg"]) for entry in entries]
        assert keys == sorted(set(keys), reverse=True)
        balances = {row["asset"]: Decimal(row["total"]) for row in rows(trader, "balances/")}
        sums = {
            asset: sum(Decimal(entry["amount"]) for entry in entries if entry["asset"] == asset) for asset in balances
        }
        assert sums == balances


@pytest.mark.parametrize("path", ["orders/", "fills/", "ledger/", "instruments/ETH-USD/trades/"])
def test_a_span_keeps_what_happened_in_it(traders: tuple[Trader, Trader], path: str) -> None:
    offer, bought = traded(traders)
    moment = {"orders/": "created_at", "ledger/": "created_at"}.get(path, "executed_at")
    trader = traders[1]
    query = {"start": offer["created_at"], "at_least": offer["consistency_token"]}

    since = rows(trader, path, **query)
    before = rows(trader, path, **query, end=bought["created_at"])

    assert since
    assert all(row[moment] >= offer["created_at"] for row in since)
    assert before == [row for row in since if row[moment] < bought["created_at"]]
    assert len(before) < len(since)
    assert rows(trader, path, start="2099-01-01T00:00:00Z") == []


def test_the_venue_s_clock_needs_no_login_and_goes_on(traders: tuple[Trader, Trader]) -> None:
    sold = traders[0].submit(**{**SELL, "price": "2600"})
    told = [httpx.get(f"{traders[0].base}time/") for _ in range(2)]
    times = [answer.json()["time"] for answer in told]

    assert [answer.status_code for answer in told] == [200, 200]
    assert all(list(answer.json()) == ["time"] for answer in told)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", moment) for moment in times)
    assert sold["created_at"] <= times[0] <= times[1]
    assert "no-store" in told[0].headers["Cache-Control"]
    refused = httpx.get(f"{traders[0].base}time/", params={"zone": "UTC"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "unknown_field")
    assert httpx.post(f"{traders[0].base}time/", headers=traders[0].headers).status_code == 405


@pytest.mark.parametrize("path", ["account/", "ledger/", "orders/1/events/"])
def test_private_reads_need_a_login(traders: tuple[Trader, Trader], path: str) -> None:
    answer = httpx.get(traders[0].base + path)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", ["ticker/", "trades/", "candles/?interval=1m"])
def test_an_instrument_that_is_not_there_has_no_market(traders: tuple[Trader, Trader], path: str) -> None:
    for symbol in ("NO-SUCH", "x", "%00"):
        assert traders[0].call("GET", f"instruments/{symbol}/{path}")[0] == 404


@pytest.mark.parametrize("accept", ["application/json", "text/html", "image/png"])
def test_what_a_call_allows_is_the_same_for_whoever_asks(traders: tuple[Trader, Trader], accept: str) -> None:
    for headers in ({}, traders[0].headers, {"Authorization": "Bearer none"}):
        answer = httpx.options(f"{traders[0].base}orders/", headers={**headers, "Accept": accept}, timeout=30)

        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Allow"] == "GET, POST, DELETE, HEAD, OPTIONS"
        assert "Content-Type" not in answer.headers


def test_a_short_position_reads_as_one_with_what_is_held_beside_it_by_every_way(
    traders: tuple[Trader, Trader],
) -> None:
    seller, buyer = traders
    terms = {"symbol": "SPY-USD", "type": "limit", "price": "520"}
    balance = {each["asset"]: each for each in rows(seller, "balances/")}["SPY"]
    had = next((each for each in rows(seller, "positions/") if each["symbol"] == "SPY-USD"), {"quantity": "0"})
    sold = max(int(had["quantity"]), 0) + 2
    with seller.socket() as socket:
        assert socket.ask("subscribe", channel="account")["ok"]
        buyer.submit(**terms, side="buy", quantity=str(sold))
        seller.submit(**terms, side="sell", quantity=str(sold))
        told = socket.next_message(channel="account", kind="position")["position"]
    read = next(each for each in rows(seller, "positions/") if each["symbol"] == "SPY-USD")

    assert read == told
    assert (read["side"], int(read["quantity"])) == ("short", int(had["quantity"]) - sold)
    assert (read["base_asset"], read["base_held"]) == ("SPY", balance["held"])
    assert int(read["base_total"]) == int(balance["total"]) - sold

    seller.submit(**{**terms, "price": "530"}, side="sell", quantity="3")
    held = next(each for each in rows(seller, "positions/") if each["symbol"] == "SPY-USD")
    assert held == {**read, "base_held": str(int(balance["held"]) + 3)}
    with seller.socket() as socket:
        assert socket.ask("subscribe", channel="account")["ok"]
        snapshot = socket.next_message(channel="account", kind="snapshot")
    assert held in snapshot["positions"]
