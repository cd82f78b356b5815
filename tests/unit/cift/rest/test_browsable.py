"""The browsable API's pages: what they are called, and the way to them."""

import re
from html import unescape

import pytest
from django.test import Client, RequestFactory
from rest_framework.request import Request

from cift.rest.browsable import VenueBrowsableRenderer, linked

V1 = "/api/v1/"
API = ("API", V1)
ORDERS = ("Orders", f"{V1}orders/")
INSTRUMENTS = ("Instruments", f"{V1}instruments/")

WAYS: dict[str, list[tuple[str, str]]] = {
    "/": [("API", "/")],
    V1: [API],
    f"{V1}orders/": [API, ORDERS],
    f"{V1}orders/5/": [API, ORDERS, ("Order", f"{V1}orders/5/")],
    f"{V1}orders/5/events/": [API, ORDERS, ("Order", f"{V1}orders/5/"), ("Order Events", f"{V1}orders/5/events/")],
    f"{V1}orders/batch/": [API, ORDERS, ("Order Batch", f"{V1}orders/batch/")],
    # What lies between is no order's page.
    f"{V1}orders/by-client-order-id/x/": [
        API, ORDERS, ("Order By Client Order Id", f"{V1}orders/by-client-order-id/x/"),
    ],
    f"{V1}instruments/BTC-USD/trades/": [
        API,
        INSTRUMENTS,
        ("Instrument", f"{V1}instruments/BTC-USD/"),
        ("Trades", f"{V1}instruments/BTC-USD/trades/"),
    ],
    f"{V1}instruments/BTC-USD/candles/": [
        API,
        INSTRUMENTS,
        ("Instrument", f"{V1}instruments/BTC-USD/"),
        ("Candles", f"{V1}instruments/BTC-USD/candles/"),
    ],
    f"{V1}tickers/": [API, ("Tickers", f"{V1}tickers/")],
    f"{V1}time/": [API, ("Time", f"{V1}time/")],
    f"{V1}account/": [API, ("Account", f"{V1}account/")],
    f"{V1}ledger/": [API, ("Ledger", f"{V1}ledger/")],
    "/api/schema/": [("API", "/"), ("Schema", "/api/schema/")],
}  # fmt: skip


@pytest.mark.parametrize("path", WAYS)
def test_the_way_to_a_page_names_each_page_once(path: str) -> None:
    request = Request(RequestFactory().get(path))

    assert VenueBrowsableRenderer().get_breadcrumbs(request) == WAYS[path]


@pytest.mark.parametrize("order", ["a%3Fb", "a%23b", "%0A", "%25", "%2e%2e", "\u20ac"])
def test_whatever_an_id_is_made_of_there_is_a_way(order: str) -> None:
    request = Request(RequestFactory().get(f"{V1}orders/{order}/"))

    assert [name for name, _ in VenueBrowsableRenderer().get_breadcrumbs(request)] == ["API", "Orders", "Order"]


def test_a_format_asked_for_is_kept_on_the_way() -> None:
    request = Request(RequestFactory().get(f"{V1}orders/?format=api"))

    assert VenueBrowsableRenderer().get_breadcrumbs(request) == [
        ("API", f"{V1}?format=api"),
        ("Orders", f"{V1}orders/?format=api"),
    ]


def test_addresses_in_an_answer_are_links_and_nothing_in_it_is_html() -> None:
    text = (
        '{"next": "http://x/api/?a=1&cursor=b", "id": "<script>", "url": "javascript:x", "n": "http://x/\\"onclick="}'
    )

    told = linked(text)

    assert told.count("<") == 2
    assert '<a href="http://x/api/?a=1&amp;cursor=b" rel="nofollow">http://x/api/?a=1&amp;cursor=b</a>' in told
    assert unescape(re.sub("<[^>]*>", "", told)) == text


def test_a_page_shows_the_answer_with_its_links(client: Client) -> None:
    page = client.get("/api/v1/", headers={"accept": "text/html"}).content.decode()

    assert "<h1>API</h1>" in page
    assert re.search(r'&quot;<a href="http://testserver/api/v1/[a-z]+/" rel="nofollow">', page)
    assert "HTTP 200 OK" in page
