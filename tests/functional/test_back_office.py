"""Operators at work in a running venue: what they do reaches the engine, and stands in the audit log."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.operators import Operator
from tests.support.traders import Trader
from tests.support.venue import ROOT, Venue, manage, venue_open

SECOND, THIRD, PASSWORD = "second@example.com", "third@example.com", "a-long-passphrase-7"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with venue_open(tmp_path_factory.mktemp("venue") / "var") as opened:
        yield opened


@pytest.fixture(scope="module")
def first(venue: Venue) -> Operator:
    email, password = next(iter(venue.logins().items()))
    return Operator(venue, email, password)


@pytest.fixture(scope="module")
def second(venue: Venue, first: Operator) -> Operator:
    return operator_made(venue, first, SECOND)


@pytest.fixture(scope="module")
def third(venue: Venue, first: Operator) -> Operator:
    return operator_made(venue, first, THIRD)


@pytest.fixture(scope="module")
def trader(venue: Venue) -> Trader:
    return Trader(venue, list(venue.logins())[1])


def operator_made(venue: Venue, by: Operator, email: str) -> Operator:
    by.post("accounts/user/add/", email=email, usable_password="true", password1=PASSWORD, password2=PASSWORD)
    user = number_in(by.get(f"accounts/user/?q={email}").text, r"accounts/user/(\d+)/change")
    page = by.get(f"accounts/user/{user}/change/").text
    role = number_in(page, r'<option value="(\d+)"[^>]*>\s*operator\s*<')
    by.post(f"accounts/user/{user}/change/", email=email, is_active="on", is_staff="on", groups=[str(role)])
    return Operator(venue, email, PASSWORD)


def number_in(page: str, pattern: str) -> int:
    match = re.search(pattern, page)
    assert match is not None, pattern
    return int(match.group(1))


def order(trader: Trader, **more: str) -> tuple[int, str]:
    params = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "180", "quantity": "1"} | more
    status, body = trader.call("POST", "orders/", json=params)
    return status, body.get("code") or body["status"]


def balance(trader: Trader, asset: str = "USD", of: str = "total") -> Decimal:
    rows = trader.call("GET", "balances/")[1]["results"]
    return next(Decimal(row[of]) for row in rows if row["asset"] == asset)


def account_of(operator: Operator) -> int:
    page = operator.get("accounts/account/?q=owner:demo@cift.localhost").text
    return number_in(page, r"accounts/account/(\d+)/change")


def test_an_instrument_is_halted_and_resumed(second: Operator, trader: Trader) -> None:
    assert "1 instrument is halted now." in second.act("marketdata/instrument", "halt", 1)
    assert order(trader) == (422, "instrument_halted")
    assert "1 instrument is cancel only now." in second.act("marketdata/instrument", "cancel_only", 1)
    assert order(trader) == (422, "instrument_cancel_only")
    assert "1 instrument is continuous now." in second.act("marketdata/instrument", "resume", 1)
    assert order(trader) == (201, "new")
    trader.clear()


def test_terms_change_by_a_command_and_a_refusal_is_said_in_words(first: Operator, trader: Trader) -> None:
    terms = {
        "tick_size": "0.01", "lot_size": "1", "quantity_min": "1", "quantity_max": "50", "notional_min": "1",
        "band_ppm": "100000", "slippage_ppm": "50000", "reference_price": "190",
    }  # fmt: skip
    assert "was changed successfully" in first.post("marketdata/instrument/1/change/", **terms)
    assert order(trader, quantity="51") == (422, "quantity_too_large")
    assert order(trader) == (201, "new")

    refused = first.post("marketdata/instrument/1/change/", **(terms | {"tick_size": "0.05"}))
    assert "There are open orders" in refused
    assert "was changed successfully" not in refused
    trader.clear()


def test_an_account_is_suspended_limited_and_freed_again(first: Operator, second: Operator, trader: Trader) -> None:
    account = account_of(first)
    form = {"status": "0", "fee_tier": "0", "open_orders_max": "1", "stp": "1"}

    second.post(f"accounts/account/{account}/change/", **(form | {"status": "1"}))
    assert order(trader) == (422, "account_inactive")
    second.post(f"accounts/account/{account}/change/", **(form | {"killed": "on"}))
    assert order(trader) == (422, "account_killed")
    first.post(f"accounts/account/{account}/change/", **form)
    assert [order(trader), order(trader)] == [(201, "new"), (422, "open_orders_limit")]

    first.post(f"accounts/account/{account}/change/", **(form | {"open_orders_max": "1000"}))
    trader.clear()


def test_an_adjustment_needs_another_operator_and_is_booked_once(
    second: Operator, third: Operator, trader: Trader
) -> None:
    before, account = balance(trader), account_of(third)
    asked = {"kind": "2", "account": account, "asset": "1", "amount": "-12.5", "note": "charged twice"}
    assert "was added successfully" in third.post("accounts/moneyrequest/add/", **asked)
    request = number_in(third.get("accounts/moneyrequest/").text, r"accounts/moneyrequest/(\d+)/change")

    assert "approved by another operator" in third.act("accounts/moneyrequest", "approve", request)
    assert balance(trader) == before
    assert "1 request booked." in second.act("accounts/moneyrequest", "approve", request)
    assert balance(trader) == before - Decimal("12.5")
    for again in ("approve", "complete", "reject"):
        assert "It is booked" in second.act("accounts/moneyrequest", again, request)
    assert balance(trader) == before - Decimal("12.5")


def test_who_made_an_operator_and_that_operator_are_one_pair_of_eyes(
    first: Operator, second: Operator, trader: Trader
) -> None:
    before = balance(trader)
    asked = {"kind": "0", "account": account_of(first), "asset": "1", "amount": "1000000", "note": "for a friend"}
    for asker, approver in ((first, second), (second, first)):
        assert "was added successfully" in asker.post("accounts/moneyrequest/add/", **asked)
        request = number_in(asker.get("accounts/moneyrequest/").text, r"accounts/moneyrequest/(\d+)/change")
        page = approver.act("accounts/moneyrequest", "approve", request)
        assert "Two people are needed, and operator@cift.localhost let both of you in." in page
        assert "1 request rejected." in approver.act("accounts/moneyrequest", "reject", request)
    assert balance(trader) == before


def withdrawal_ask(third: Operator, amount: str) -> tuple[int, str]:
    """Ask for a withdrawal of the demo trader's dollars; give its number, and the page that follows."""
    asked = {"kind": "1", "account": account_of(third), "asset": "1", "amount": amount, "note": "to the bank"}
    page = third.post("accounts/moneyrequest/add/", **asked)
    return number_in(third.get("accounts/moneyrequest/").text, r"accounts/moneyrequest/(\d+)/change"), page


def test_a_withdrawal_without_the_funds_is_refused_in_words(third: Operator, trader: Trader) -> None:
    before = balance(trader)

    _, page = withdrawal_ask(third, "99000000")

    assert "Insufficient funds." in page
    assert "refused" in third.get("accounts/moneyrequest/").text
    assert [balance(trader), balance(trader, of="held")] == [before, 0]


def test_a_withdrawal_holds_from_its_request_until_it_is_rejected_or_booked(
    second: Operator, third: Operator, trader: Trader
) -> None:
    before = balance(trader)
    rejected, page = withdrawal_ask(third, str(before - 100))
    assert "was added successfully" in page
    assert [balance(trader), balance(trader, of="available")] == [before, 100]
    assert order(trader) == (422, "insufficient_funds")
    assert "approved by another operator" in third.act("accounts/moneyrequest", "approve", rejected)

    assert "1 request rejected." in second.act("accounts/moneyrequest", "reject", rejected)
    assert [balance(trader), balance(trader, of="held")] == [before, 0]
    assert order(trader) == (201, "new")
    trader.clear()

    booked, _ = withdrawal_ask(third, "250.25")
    assert "1 request booked." in second.act("accounts/moneyrequest", "approve", booked)
    assert [balance(trader), balance(trader, of="held")] == [before - Decimal("250.25"), 0]
    for again in ("approve", "complete", "reject"):
        assert "It is booked" in second.act("accounts/moneyrequest", again, booked)
    assert balance(trader) == before - Decimal("250.25")


def test_what_a_crash_left_between_a_request_s_row_and_its_command_is_finished(
    venue: Venue, second: Operator, third: Operator, trader: Trader
) -> None:
    before = balance(trader)
    made, _ = withdrawal_ask(third, "10")

    # As a process leaves it that dies between the commit of a decision and its command, or before the answer is noted.
    decided = "status = 1, due = 1, decided_at = 1, decided_by_id = (SELECT id FROM accounts_user WHERE email = ?)"
    for cut_off in ("held = 0", "sequence = 0", "held = 0, sequence = 0"):
        with closing(sqlite3.connect(venue.folder / "db.sqlite3", timeout=10)) as connection:
            row = f"UPDATE accounts_moneyrequest SET {decided}, {cut_off} WHERE id = ?"  # noqa: S608 - from above
            connection.execute(row, [SECOND, made])
            connection.commit()
        # The venue's own sweep may have come first.
        assert manage(venue, "complete_requests") in ("0 completed", "1 completed")
        assert "It is booked" in second.act("accounts/moneyrequest", "complete", made)
    give_up_at = time.monotonic() + 20
    while balance(trader) == before and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert [balance(trader), balance(trader, of="held")] == [before - 10, 0]
    assert audit(venue.folder)["clean"]


def test_orders_are_canceled_for_all_when_that_is_confirmed(first: Operator, second: Operator, trader: Trader) -> None:
    assert [order(trader, price=price) for price in ("180", "181", "182")] == [(201, "new")] * 3
    account = account_of(first)
    scope = {"account": account, "instrument": "", "side": ""}

    assert second.get("orders/venuestate/mass-cancel/").status_code == 403
    asked = first.post("orders/venuestate/mass-cancel/", **scope)
    assert f"Cancel 3 open orders of account {account} in all instruments, both sides?" in asked
    assert len(trader.call("GET", "orders/", params={"status": "new"})[1]["results"]) == 3
    assert "3 orders are canceled." in first.post("orders/venuestate/mass-cancel/", **scope, confirmed="yes")
    assert trader.call("GET", "orders/", params={"status": "new"})[1]["results"] == []


def test_the_kill_switch_stops_new_orders_until_it_is_off_again(first: Operator, trader: Trader) -> None:
    assert "Stop all new orders of the whole venue?" in first.post("orders/venuestate/kill-switch/", switch="on")
    assert order(trader) == (201, "new")
    assert "The kill switch is on." in first.post("orders/venuestate/kill-switch/", switch="on", confirmed="yes")
    assert order(trader) == (422, "venue_killed")
    assert first.get("orders/venuestate/overview/data/").json()["killed"] is True
    assert "The kill switch is off." in first.post("orders/venuestate/kill-switch/", switch="off", confirmed="yes")
    assert order(trader) == (201, "new")
    trader.clear()


def test_an_asset_and_an_instrument_are_listed_and_traded(first: Operator, second: Operator, trader: Trader) -> None:
    assert "was added successfully" in first.post("marketdata/asset/add/", symbol="TSLA", scale="0")
    base = number_in(first.get("marketdata/asset/?q=tsla").text, r"marketdata/asset/(\d+)/change")
    listing = {
        "symbol": "TSLA-USD", "kind": "0", "base": base, "quote": "1", "price_scale": "2", "tick_size": "0.01",
        "lot_size": "1", "quantity_min": "1", "quantity_max": "1000", "notional_min": "1", "band_ppm": "100000",
        "slippage_ppm": "50000", "reference_price": "250", "maker_ppm": "100", "taker_ppm": "200",
    }  # fmt: skip
    assert "was added successfully" in first.post("marketdata/instrument/add/", **listing)
    assert order(trader, symbol="TSLA-USD", price="240") == (201, "new")
    trader.clear()


@pytest.mark.parametrize("symbol", ["abcAAPL-USDx", "aapl-USD", "A-B-USD", "USD", "-USD", "A" * 29 + "-USD"])
def test_an_instrument_is_listed_under_no_symbol_that_clients_cannot_name(first: Operator, symbol: str) -> None:
    listing = {
        "symbol": symbol, "kind": "0", "base": "2", "quote": "1", "price_scale": "2", "tick_size": "0.01",
        "lot_size": "1", "quantity_min": "1", "quantity_max": "1000", "notional_min": "1", "band_ppm": "100000",
        "slippage_ppm": "50000", "reference_price": "250", "maker_ppm": "100", "taker_ppm": "200",
    }  # fmt: skip
    refused = first.post("marketdata/instrument/add/", **listing)
    assert "was added successfully" not in refused
    assert "This must match" in refused or "At most 32 characters" in refused


@pytest.mark.parametrize("symbol", ["tsla", "..", "A-B", "A" * 33])
def test_an_asset_is_listed_under_no_such_symbol_either(first: Operator, symbol: str) -> None:
    assert "was added successfully" not in first.post("marketdata/asset/add/", symbol=symbol, scale="0")


def test_the_overview_counts_what_happens(first: Operator, trader: Trader) -> None:
    before = first.get("orders/venuestate/overview/data/").json()
    assert (before["writer"], before["queue"], before["halt"], before["orders"]) == ("ready", 0, None, None)

    with trader.socket():
        assert [order(trader, price=price) for price in ("180", "181.5")] == [(201, "new")] * 2
        give_up_at = time.monotonic() + 10
        while True:
            now = first.get(f"orders/venuestate/overview/data/?after={before['projected_sequence']}").json()
            if now["orders"] == 2 or time.monotonic() > give_up_at:
                break
        assert (now["orders"], now["open_orders"], now["sockets"]) == (2, before["open_orders"] + 2, 1)
    book = next(book for book in now["books"] if book["symbol"] == "AAPL-USD")
    assert (book["bid"], book["bid_quantity"], book["ask"]) == ("181.5", "1", None)
    trader.clear()


def test_the_journal_is_read_batch_by_batch(first: Operator) -> None:
    newest = first.get("orders/venuestate/journal/").text
    batch = number_in(newest, r"venuestate/journal/(\d+)/")

    assert first.get(f"orders/venuestate/journal/?before={batch}").status_code == 200
    assert "VenueOpened" in first.get("orders/venuestate/journal/1/").text
    assert "venuestate/journal/1/" in first.get("orders/venuestate/journal/?sequence=1").text


def test_every_act_stands_in_the_audit_log_and_the_audit_finds_an_edited_one(venue: Venue, first: Operator) -> None:
    log = first.get("accounts/auditrecord/").text
    for act in ("instrument.list", "venue.kill_switch", "orders.cancel"):
        assert act in log
    clean = audit(venue.folder)
    assert clean["clean"]
    assert int(str(clean["audit_records"])) > 30

    tamper = "UPDATE accounts_auditrecord SET address = '192.0.2.1' WHERE number = 7"
    with closing(sqlite3.connect(venue.folder / "db.sqlite3")) as connection:
        connection.execute(tamper)
        connection.commit()

    found = audit(venue.folder)
    assert not found["clean"]
    violation = found["violation"]
    assert isinstance(violation, dict)
    assert violation["name"] == "audit_records_chained"
    assert "audit record 7" in violation["detail"]


def audit(folder: Path) -> dict[str, object]:
    run = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "audit", "--json"],
        cwd=ROOT,
        env={"CIFT_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "cift.settings.embedded"},
        capture_output=True,
        text=True,
        check=False,
    )
    report: dict[str, object] = json.loads(run.stdout)
    assert (run.returncode == 0) == report["clean"], run.stderr
    return report
