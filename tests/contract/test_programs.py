"""A program's requests are answered before Django, and nobody can tell by the answer."""

import socket
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.traders import DjangoWay, RestWay, Trader
from tests.support.venue import Venue

LIMIT = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "1"}
ONLY_DJANGO_S = {"allow"}
BOTH = (RestWay.headers, DjangoWay.headers)

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "orders/", {"json": LIMIT}),
    ("POST", "orders/", {"json": {**LIMIT, "price": "500"}}),
    ("POST", "orders/", {"json": {"more": 1}}),
    ("POST", "orders/", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", "orders/", {"content": b"", "headers": {"Content-Type": "application/json; charset=utf-8"}}),
    ("POST", "orders/", {"content": b"a=1", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
    ("POST", "orders/", {"content": b"{}"}),
    ("POST", "orders/", {"json": {"x": "y" * 300_000}}),
    ("POST", "orders/batch/", {"json": {"orders": [LIMIT]}}),
    ("POST", "orders/batch/", {"json": {}}),
    ("GET", "orders/batch/", {}),
    ("PATCH", "orders/77/", {"json": {"id": "77"}}),
    ("PATCH", "orders/x/", {"json": {}}),
    ("PATCH", "orders/77/", {"json": [1]}),
    ("DELETE", "orders/", {"params": {"symbol": "AAPL-USD"}}),
    ("DELETE", "orders/?side=buy&side=sell", {}),
    ("DELETE", "orders/?side=&format=json", {}),
    ("DELETE", "orders/?what=1", {}),
    ("DELETE", "orders/", {}),
    ("DELETE", "orders/?all=true", {}),
    ("DELETE", "orders/?all=True", {}),
    ("DELETE", "orders/?all=&side=buy", {}),
    ("DELETE", "orders/by-client-order-id/%2E%2E/", {}),
    ("GET", "orders/by-client-order-id/%2E/", {}),
    ("DELETE", "orders/", {"json": {"symbol": "AAPL-USD", "nonsense": 1}}),
    ("DELETE", "orders/", {"json": {}}),
    ("DELETE", "orders/", {"content": b"symbol=AAPL-USD", "headers": {"Content-Type": "text/plain"}}),
    ("DELETE", "orders/77/", {}),
    ("DELETE", "orders/77/", {"json": {"deadline": "2030-01-01T00:00:00Z"}}),
    ("DELETE", "orders/77/?deadline=2020-01-01T00:00:00Z", {}),
    ("DELETE", "orders/77/?deadline=soon&id=78", {}),
    ("DELETE", "orders/77/?deadline=", {}),
    ("DELETE", "orders/by-client-order-id/nobody-s/", {"content": b" "}),
    ("DELETE", "orders/by-client-order-id/nobody-s/?client_order_id=x&side=buy", {}),
    ("POST", "orders/?post_only=true", {"json": LIMIT}),
    ("POST", "orders/?post_only=", {"json": LIMIT}),
    ("POST", "orders/?a=1&a=2", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", "orders/batch/?atomic=true", {"json": {"orders": [LIMIT]}}),
    ("PATCH", "orders/77/?price=1", {"json": {"quantity": "1"}}),
    ("GET", "orders/by-client-order-id/nobody-s/?symbol=AAPL-USD", {}),
    ("GET", "orders/77/", {}),
    ("GET", "orders/77/?at_least=x", {}),
    ("GET", "orders/0/?more=1", {}),
    ("GET", "orders/99999999999999999999/", {}),
    ("GET", "orders/by-client-order-id/%00/", {}),
    ("GET", "orders/by-client-order-id/nobody-s/", {}),
    ("DELETE", "orders/by-client-order-id/nobody-s/", {}),
    ("PUT", "orders/", {"json": {}}),
    ("GET", "instruments/AAPL-USD/book/", {"params": {"depth": "3"}}),
    ("GET", "instruments/AAPL-USD/book/?depth=0", {}),
    ("GET", "instruments/NO-SUCH/book/", {}),
    ("GET", "orders/", {"headers": {"Host": "elsewhere.example"}}),
    ("GET", "orders/?limit=0&status=open&more=1", {}),
    ("GET", "orders/?cursor=x", {}),
    ("GET", "orders/?symbol=NO-SUCH", {}),
    ("GET", "orders/?start=yesterday", {}),
    ("GET", "orders/?at_least=x", {}),
    ("GET", "fills/?cursor=x&cursor=y", {}),
    ("GET", "fills/?symbol=NO-SUCH", {}),
    ("GET", "fills/?side=buy", {}),
    ("GET", "fills/", {"headers": {"Authorization": "Bearer x"}}),
    ("POST", "orders/", {"json": {}, "headers": {"Host": "elsewhere.example"}}),
    ("POST", "orders/", {"json": {}, "headers": {"Authorization": "Bearer x"}}),
    ("POST", "orders/", {"json": {}, "headers": {"Authorization": "Basic x"}}),
    ("GET", "instruments/AAPL-USD/book/", {"headers": {"Authorization": "Bearer x"}}),
    ("GET", "instruments/AAPL-USD/book/", {"headers": {"Authorization": "Basic x"}}),
]

# Which limit is the tightest is each way's own: the address has more of its places taken by the costlier one.
PASSING_HEADERS = {"date", "content-length", "ratelimit", "ratelimit-policy", "connection", "transfer-encoding"}

PASSING = {"id", "client_order_id", "sequence", "created_at", "updated_at", "at", "consistency_token"}


def lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: lasting(inner) for name, inner in value.items() if name not in PASSING}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


def told(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name not in ONLY_DJANGO_S | PASSING_HEADERS}
    return answer.status_code, lasting(answer.json()), headers


@pytest.mark.parametrize(("method", "path", "options"), CALLS, ids=range(len(CALLS)))
def test_django_and_the_path_of_programs_answer_alike(
    traders: tuple[Trader, Trader], method: str, path: str, options: dict[str, Any]
) -> None:
    answers = []
    for accept in BOTH:
        headers = {"X-Request-Id": "a-1", **accept, **options.get("headers", {})}
        answers.append(told(traders[0].rest.request(method, path, **{**options, "headers": headers})))
        traders[0].clear()

    assert answers[0] == answers[1]
    assert answers[0][2]["x-request-id"] == "a-1"


@pytest.mark.parametrize("headers", BOTH, ids=["programs", "django"])
def test_what_is_not_read_is_refused_and_does_nothing(traders: tuple[Trader, Trader], headers: dict[str, str]) -> None:
    order = traders[0].submit(**LIMIT)
    one, by_client = f"orders/{order['id']}/", f"orders/by-client-order-id/{order['client_order_id']}/"
    asked: list[tuple[str, str, dict[str, Any]]] = [
        *[("DELETE", path, {"json": {"symbol": "MSFT-USD"}}) for path in ("orders/", one, by_client)],
        *[("DELETE", path, {"content": iter([b"x"])}) for path in ("orders/", one, by_client)],
        *[("DELETE", f"{path}?nonsense=1", {}) for path in ("orders/", one, by_client)],
        ("PATCH", f"{one}?nonsense=1", {"json": {"quantity": "2"}}),
        ("POST", "orders/?nonsense=1", {"json": LIMIT}),
        ("POST", "orders/batch/?nonsense=1", {"json": {"orders": [LIMIT]}}),
    ]
    for method, path, options in asked:
        answer = traders[0].rest.request(method, path, headers=headers, **options)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), (method, path)

    left = traders[0].call("GET", "orders/", params={"at_least": order["consistency_token"], "limit": "1"})[1][
        "results"
    ]
    assert [(each["id"], each["status"], each["quantity"]) for each in left] == [(order["id"], "new", "1")]
    assert len(traders[0].call("DELETE", "orders/?all=true")[1]["results"]) == 1


def test_an_order_is_read_back_alike(traders: tuple[Trader, Trader]) -> None:
    order = traders[0].submit(**LIMIT)
    addresses: tuple[tuple[str, dict[str, str]], ...] = (
        (f"orders/{order['id']}/", {"at_least": order["consistency_token"]}),
        (f"orders/by-client-order-id/{order['client_order_id']}/", {}),
    )
    for path, params in addresses:
        found = [traders[0].rest.get(path, params=params, headers=headers) for headers in BOTH]
        assert [answer.status_code for answer in found] == [200, 200]
        assert {**found[0].json(), "fills": [], "consistency_token": order["consistency_token"]} == order
        assert found[0].json() == found[1].json()
        assert traders[1].call("GET", path, params=params)[0] == 404


@pytest.mark.parametrize("path", ["orders/", "fills/"])
def test_a_list_is_paged_alike(traders: tuple[Trader, Trader], path: str) -> None:
    for _ in range(2):
        traders[1].submit(**{**LIMIT, "side": "buy"})
        last = traders[0].submit(**LIMIT)
    span = {"symbol": "AAPL-USD", "start": "2020-01-01T00:00:00Z", "limit": "1", "at_least": last["consistency_token"]}

    pages = [traders[0].rest.get(path, params=span, headers=headers).json() for headers in BOTH]
    older = [
        traders[0].rest.get(page["next"], headers=headers).json() for page, headers in zip(pages, BOTH, strict=True)
    ]

    assert pages[0] == pages[1]
    assert older[0] == older[1]
    assert [len(page["results"]) for page in (pages[0], older[0])] == [1, 1]
    assert pages[0]["previous"] is None
    assert traders[0].rest.get(older[0]["previous"]).json()["results"] == pages[0]["results"]


def test_a_browser_s_session_and_page_still_reach_django(traders: tuple[Trader, Trader]) -> None:
    page = traders[0].rest.get("orders/", headers={"Accept": "text/html"})

    assert page.headers["content-type"].startswith("text/html")
    assert "allow" in page.headers
    assert "allow" not in traders[0].rest.post("orders/", json=LIMIT).headers


def raw(trader: Trader, request: bytes, *, end: bool = False) -> bytes:
    """Send bytes as they are, and read until the venue closes or has answered."""
    host = httpx.URL(trader.base)
    with socket.create_connection((host.host, host.port or 80), timeout=30) as connection:
        connection.sendall(request)
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = connection.recv(65_536)
            if not part:
                break
            answer += part
        return answer


def head(trader: Trader, *lines: str) -> bytes:
    given = (
        "POST /api/v1/orders/ HTTP/1.1", "Host: localhost", f"Authorization: Bearer {trader.token}",
        "Content-Type: application/json", *lines, "", "",
    )  # fmt: skip
    return "\r\n".join(given).encode()


def test_a_body_announced_or_sent_above_the_bound_is_refused(traders: tuple[Trader, Trader]) -> None:
    announced = raw(traders[0], head(traders[0], "Content-Length: 300000") + b"x" * 300_000)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    chunked = raw(traders[0], head(traders[0], "Transfer-Encoding: chunked") + chunk * 5 + b"0\r\n\r\n")

    assert announced.startswith(b"HTTP/1.1 413 ")
    assert chunked.startswith(b"HTTP/1.1 413 ")


def test_a_body_in_chunks_is_a_body(traders: tuple[Trader, Trader]) -> None:
    order = b'{"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "1"}'
    parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (order[:20], order[20:]))

    assert raw(traders[0], head(traders[0], "Transfer-Encoding: chunked") + parts + b"0\r\n\r\n").startswith(
        b"HTTP/1.1 201 "
    )


def counted(venue: Venue) -> dict[tuple[str, ...], float]:
    """Return how many program requests a venue says it has had, by method, call and status, and how many it timed."""
    text = httpx.get(f"http://127.0.0.1:{venue.port}/metrics", timeout=60).text
    return {
        (sample.name, *(sample.labels[name] for name in ("method", "call", "status") if name in sample.labels)): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        if family.name.startswith("cift_program_")
        for sample in family.samples
        if sample.name.endswith(("_total", "_count"))
    }


def test_a_program_s_requests_are_counted_by_call_and_status(
    running_venue: Venue, traders: tuple[Trader, Trader]
) -> None:
    before = counted(running_venue)
    order = traders[0].submit(**LIMIT)
    for method, path, options in (
        ("GET", f"orders/{order['id']}/", {"params": {"at_least": order["consistency_token"]}}),
        ("GET", "orders/77/", {}),
        ("GET", "orders/?limit=0", {}),
        ("DELETE", f"orders/{order['id']}/", {}),
        ("GET", "instruments/AAPL-USD/book/", {}),
        ("GET", "orders/", {"headers": DjangoWay.headers}),
    ):
        traders[0].call(method, path, **options)
    after = counted(running_venue)

    assert {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)} == {
        ("cift_program_requests_total", "POST", "orders/", "201"): 1,
        ("cift_program_requests_total", "GET", "orders/{order_id}/", "200"): 1,
        ("cift_program_requests_total", "GET", "orders/{order_id}/", "404"): 1,
        ("cift_program_requests_total", "GET", "orders/", "400"): 1,
        ("cift_program_requests_total", "DELETE", "orders/{order_id}/", "200"): 1,
        ("cift_program_requests_total", "GET", "instruments/{symbol}/book/", "200"): 1,
        ("cift_program_request_seconds_count", "POST", "orders/"): 1,
        ("cift_program_request_seconds_count", "GET", "orders/{order_id}/"): 2,
        ("cift_program_request_seconds_count", "GET", "orders/"): 1,
        ("cift_program_request_seconds_count", "DELETE", "orders/{order_id}/"): 1,
        ("cift_program_request_seconds_count", "GET", "instruments/{symbol}/book/"): 1,
    }
