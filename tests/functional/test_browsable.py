"""The API in a browser: a trader logs in, and places, amends and cancels by what the pages' forms send."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.support.traders import Trader
from tests.support.venue import Venue

HTML = {"Accept": "text/html"}


class Browser:
    """A session, and the pages it sees."""

    def __init__(self, venue: Venue, email: str) -> None:
        base = f"http://127.0.0.1:{venue.port}"
        self.http = httpx.Client(base_url=base, timeout=60, headers={"Referer": base})
        page = self.http.get("/api/login/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        login = {"username": email, "password": venue.logins()[email], "csrfmiddlewaretoken": token.group(1)}
        answer = self.http.post("/api/login/login/?next=/api/v1/orders/", data=login)
        assert (answer.status_code, answer.headers.get("location")) == (302, "/api/v1/orders/")

    def page(self, path: str) -> str:
        answer = self.http.get(path, headers=HTML)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, page: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Send what a form's script sends: JSON, and the token the page holds."""
        token = re.search(r'"csrfToken": "([^"]+)"', page)
        assert token is not None
        return self.http.request(method, path, headers={"X-CSRFToken": token.group(1)}, **options)


@pytest.fixture
def browser(running_venue: Venue, traders: tuple[Trader, Trader]) -> Iterator[Browser]:
    browser = Browser(running_venue, next(iter(running_venue.logins())))
    yield browser
    browser.http.close()


class _Tags(HTMLParser):
    """What of a page could run, and the forms' fields by method."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.assets: list[str] = []
        self.forms: dict[str, list[str]] = {}
        self._method = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline += [name for name in given if name.startswith("on")]
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.inline.append("script")
        if tag in {"script", "link"}:
            self.assets += [address for address in (given.get("src"), given.get("href")) if address]
        if tag == "form":
            self._method = given.get("data-call") or ""
            if self._method:
                self.forms[self._method] = []
        if given.get("data-kind") and self._method:
            self.forms[self._method].append(given.get("name") or "")


def tags(page: str) -> _Tags:
    parser = _Tags()
    parser.feed(page)
    return parser


def test_a_trader_places_amends_and_cancels(browser: Browser) -> None:
    page = browser.page("/api/v1/orders/")
    forms = tags(page).forms
    assert set(forms) == {"POST", "DELETE"}
    assert {"symbol", "side", "type", "quantity", "price", "client_order_id"} <= set(forms["POST"])

    order = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "quantity": "5", "price": "190.5"}
    placed = browser.send(page, "POST", "/api/v1/orders/", json=order)
    assert placed.status_code == 201, placed.text
    address = f"/api/v1/orders/{placed.json()['id']}/"

    page = browser.page(f"{address}?at_least={placed.json()['consistency_token']}")
    assert tags(page).forms == {"PATCH": ["price", "quantity", "deadline"], "DELETE": ["deadline"]}
    amended = browser.send(page, "PATCH", address, json={"quantity": "4"})
    assert (amended.status_code, amended.json()["leaves_quantity"]) == (200, "4")
    canceled = browser.send(page, "DELETE", address)
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")


def test_a_page_names_each_page_on_the_way_to_it_once(browser: Browser) -> None:
    page = browser.page("/api/v1/instruments/AAPL-USD/book/")
    (way,) = re.findall(r'<ul class="breadcrumb">(.*?)</ul>', page, re.DOTALL)

    assert re.findall(r'<a href="([^"]+)">([^<]+)</a>', way) == [
        ("/api/v1/", "API"),
        ("/api/v1/instruments/", "Instruments"),
        ("/api/v1/instruments/AAPL-USD/", "Instrument"),
        ("/api/v1/instruments/AAPL-USD/book/", "Book"),
    ]


def test_without_the_page_s_token_nothing_is_sent(browser: Browser) -> None:
    order = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "quantity": "5", "price": "190.5"}

    answer = browser.http.post("/api/v1/orders/", json=order)

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/api/v1/", "/api/v1/orders/", "/api/v1/ledger/", "/api/login/login/"])
def test_a_page_runs_nothing_our_policy_forbids(browser: Browser, path: str) -> None:
    answer = browser.http.get(path, headers=HTML)
    found = tags(answer.text)

    assert found.inline == []
    assert found.assets
    assert all(address.startswith("/static/") for address in found.assets)
    for address in found.assets:
        assert browser.http.get(address).status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_who_is_not_logged_in_is_offered_it(running_venue: Venue) -> None:
    page = httpx.get(f"http://127.0.0.1:{running_venue.port}/", headers=HTML, timeout=60)

    assert page.status_code == 200
    assert "/api/login/login/" in page.text
    assert "/api/docs/" in page.text
