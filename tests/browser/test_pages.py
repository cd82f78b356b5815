"""The pages' own scripts in a real browser: the API's forms and the back office's overview."""

import json
from typing import Any

import pytest
from selenium.webdriver.support.select import Select

from tests.support.browser import Browser
from tests.support.traders import Trader
from tests.support.venue import Venue

DEMO = "demo@cift.localhost"
ORDERS = "/api/v1/orders/"
OVERVIEW = "/admin/orders/venuestate/overview/"


@pytest.fixture
def here(browser: Browser | None, running_venue: Venue) -> Browser | None:
    if browser is not None:
        browser.base = f"http://127.0.0.1:{running_venue.port}"
    return browser


def send(browser: Browser, method: str, **fields: str) -> tuple[str, Any, bool]:
    """Fill in a call's form and send it; give the line and the body shown below it, and whether as a refusal."""
    form = f"form[data-call={method}]"
    for name, value in fields.items():
        field = browser.one(f"{form} [name={name}]")
        if field.tag_name == "select":
            Select(field).select_by_visible_text(value)
        else:
            field.clear()
            field.send_keys(value)
    button, line = browser.one(f"{form} > button"), browser.one(f"{form} .call-answer p")
    before = browser.one(f"{form} .call-answer pre")
    browser.execute("arguments[0].textContent = ''", before)
    button.click()
    browser.wait(lambda: before.text and button.is_enabled(), f"an answer to {method}")
    refused = "failed" in str(browser.one(f"{form} .call-answer").get_attribute("class"))
    return line.text, json.loads(before.text), refused


def test_the_demo_trader_places_amends_and_cancels_by_the_forms(
    here: Browser | None, running_venue: Venue, traders: tuple[Trader, Trader]
) -> None:
    if here is None:
        return
    here.log_in(f"/api/login/login/?next={ORDERS}", DEMO, running_venue.logins()[DEMO])
    assert here.address == ORDERS
    assert f"Log out {DEMO}" in here.text

    limit = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "quantity": "5", "post_only": "true"}
    assert send(here, "POST", **limit, price="500")[0] == "422 The price is outside the band around the reference price"
    line, refused, as_refusal = send(here, "POST", price="190.505")
    assert (line, refused["errors"][0]["field"], as_refusal) == ("400 Invalid request", "price", True)
    line, placed, as_refusal = send(here, "POST", price="190.5")
    assert (line, placed["status"], placed["post_only"], as_refusal) == ("201 Created", "new", True, False)

    here.open(f"{ORDERS}{placed['id']}/?at_least={placed['consistency_token']}")
    assert placed["client_order_id"] in here.text
    line, amended, _ = send(here, "PATCH", quantity="4")
    assert (line, amended["leaves_quantity"], amended["price"]) == ("200 OK", "4", "190.5")
    line, canceled, _ = send(here, "DELETE")
    assert (line, canceled["status"], canceled["canceled_quantity"]) == ("200 OK", "canceled", "4")
    line, refused, as_refusal = send(here, "DELETE")
    assert (line, refused["code"], as_refusal) == (
        "409 Order already filled, canceled or expired",
        "order_terminal",
        True,
    )
    assert here.faults() == []


def test_a_form_that_goes_into_the_query_and_one_that_lacks_something(
    here: Browser | None, running_venue: Venue, traders: tuple[Trader, Trader]
) -> None:
    if here is None:
        return
    demo = next(trader for trader, email in zip(traders, running_venue.logins(), strict=True) if email == DEMO)
    kept = demo.submit(symbol="MSFT-USD", side="sell", type="limit", quantity="1", price="400")
    gone = demo.submit(symbol="AAPL-USD", side="sell", type="limit", quantity="1", price="190.5")
    here.log_in(f"/api/login/login/?next={ORDERS}", DEMO, running_venue.logins()[DEMO])

    here.one("form[data-call=POST] > button").click()
    assert not here.one("form[data-call=POST] .call-answer").is_displayed(), "the browser asks for what is required"

    line, answer, _ = send(here, "DELETE", symbol="AAPL-USD", side="sell")
    assert (line, [order["id"] for order in answer["results"]]) == ("200 OK", [gone["id"]])
    assert demo.call("GET", f"orders/by-client-order-id/{kept['client_order_id']}/")[1]["status"] == "new"
    assert here.faults() == []


def test_who_is_logged_out_meanwhile_is_told_by_the_form(
    here: Browser | None, running_venue: Venue, traders: tuple[Trader, Trader]
) -> None:
    if here is None:
        return
    here.log_in(f"/api/login/login/?next={ORDERS}", DEMO, running_venue.logins()[DEMO])
    here.forget("sessionid")

    line, refused, as_refusal = send(here, "DELETE")

    assert (line, refused["code"], as_refusal) == ("401 Authentication required", "unauthenticated", True)


def test_an_operator_sees_the_overview_live(
    here: Browser | None, running_venue: Venue, traders: tuple[Trader, Trader]
) -> None:
    if here is None:
        return
    operator, password = next(iter(running_venue.logins().items()))
    here.log_in(f"/admin/login/?next={OVERVIEW}", operator, password)
    assert here.address == OVERVIEW

    def row(symbol: str) -> list[str]:
        rows = [found.text.split() for found in here.all("#overview-books tr")]
        return next((found for found in rows if found[0] == symbol), [])

    here.wait(lambda: here.one("[data-tile=writer]").text == "ready", "the order service's state")
    here.wait(lambda: len(here.all("#overview-books tr")) == 5, "a row for each instrument")
    assert not here.one("#overview-alarm").is_displayed()

    traders[1].submit(symbol="AAPL-USD", side="buy", type="limit", quantity="3", price="181.5")
    here.wait(lambda: "181.5" in row("AAPL-USD"), "the new best bid")
    assert here.faults() == []


@pytest.mark.parametrize("page", ["/account/reset/", "/account/confirm/"])
def test_a_mailed_link_s_token_is_put_into_the_form_and_stays_in_no_address(here: Browser | None, page: str) -> None:
    if here is None:
        return
    here.open(f"{page}#MQ.a-token_1")

    here.wait(lambda: here.one("input[name=token]").get_attribute("value") == "MQ.a-token_1", "the token in the form")
    assert here.address == page
    assert here.faults() == []
