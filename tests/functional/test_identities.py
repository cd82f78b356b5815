"""Logging in and out of a venue with two web processes, as a program and as a browser."""

import json
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.venue import Venue, venue_open
from tests.support.webprocess import web_process

PASSWORD = "correct horse battery"
REVOKED = 4009
REVOKED_S_MAX = 5.0


on_each_server = pytest.mark.parametrize("venue", ["daphne", "uvicorn"], indirect=True, scope="module")
"""For what a web server has a part in, as a socket's close code; the rest is the same code behind either."""


@pytest.fixture(scope="module", params=["daphne"])
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    with venue_open(tmp_path_factory.mktemp("venue") / "var", WEB_SERVER=request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def ports(venue: Venue) -> Iterator[tuple[int, int]]:
    """Two web processes of one venue: its own, and one beside it."""
    with web_process(venue) as second:
        yield venue.port, second.port


def call(port: int, path: str, *, access: str | None = None, method: str = "POST", **body: Any) -> httpx.Response:
    headers = {} if access is None else {"Authorization": f"Bearer {access}"}
    content = json.dumps(body) if body else None
    if content:
        headers["Content-Type"] = "application/json"
    return httpx.request(method, f"http://127.0.0.1:{port}/api/v1/{path}", content=content, headers=headers, timeout=30)


def register(port: int, email: str) -> dict[str, Any]:
    answer = call(port, "auth/register/", email=email, password=PASSWORD)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def login(port: int, email: str, password: str = PASSWORD, **more: str) -> dict[str, str]:
    answer = call(port, "auth/token/", email=email, password=password, **more)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def lets_in(port: int, access: str) -> bool:
    status = call(port, "balances/", access=access, method="GET").status_code
    assert status in (200, 401)
    return status == 200


@contextmanager
def socket(port: int, access: str | None = None, **authenticate: str) -> Iterator[ClientConnection]:
    headers = {} if access is None else {"Authorization": f"Bearer {access}"}
    with connect(f"ws://127.0.0.1:{port}/ws/v1/", additional_headers=headers) as connection:
        if authenticate:
            connection.send(json.dumps({"id": 1, "op": "authenticate", **authenticate}))
        else:
            connection.send(json.dumps({"id": 1, "op": "cancel_on_disconnect", "enabled": False}))
        assert json.loads(connection.recv(timeout=10))["ok"]
        yield connection


def close_code(connection: ClientConnection) -> tuple[int | None, float]:
    """Wait for a socket's end; give its code, and how long it took."""
    began = time.monotonic()
    try:
        while True:
            connection.recv(timeout=10)
    except ConnectionClosed:
        return connection.close_code, time.monotonic() - began


@on_each_server
def test_who_registers_trades_at_once(ports: tuple[int, int]) -> None:
    body = register(ports[0], "First@Example.com")
    tokens = login(ports[0], "first@example.com")
    order = {"symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "190", "quantity": "1"}

    placed = call(ports[0], "orders/", access=tokens["access"], **order)
    balances = call(ports[1], "balances/", access=tokens["access"], method="GET").json()["results"]

    assert (body["email"], body["confirmation_required"]) == ("first@example.com", False)
    assert body["account"].isdecimal()
    assert placed.status_code == 201
    assert {row["asset"]: row["total"] for row in balances}["USD"] == "1000000"
    assert len(balances) == 6


def test_an_address_registers_once_whatever_its_case(ports: tuple[int, int]) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda n: call(
                    ports[n % 2], "auth/register/", email=f"{'oO'[n % 2]}nce@example.com", password=PASSWORD
                ),
                range(4),
            )
        )

    assert sorted(answer.status_code for answer in answers)[:1] == [201]
    assert {answer.json().get("code") for answer in answers} <= {None, "email_taken"}
    tokens = login(ports[0], "once@example.com")
    balances = call(ports[0], "balances/", access=tokens["access"], method="GET").json()["results"]
    assert {row["asset"]: row["total"] for row in balances}["USD"] == "1000000"
    again = call(ports[0], "auth/register/", email="once@example.com", password="another password 1")
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "no address", "password": PASSWORD}, "email"),
        ({"email": "a@b", "password": PASSWORD}, "email"),
        ({"email": "short@example.com", "password": "short"}, "password"),
        ({"email": "common@example.com", "password": "password1234"}, "password"),
        ({"email": "similar@example.com", "password": "similar@example.com"}, "password"),
        ({"email": "more@example.com", "password": PASSWORD, "is_staff": True}, "is_staff"),
    ],
)
def test_a_registration_that_is_not_valid_names_its_field(
    ports: tuple[int, int], body: dict[str, Any], field: str
) -> None:
    answer = call(ports[1], "auth/register/", **body)

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {field}


@on_each_server
def test_one_refresh_token_used_by_eight_at_once_in_two_processes_gives_all_one_successor(
    ports: tuple[int, int],
) -> None:
    email = f"eight-{uuid.uuid4().hex}@example.com"
    register(ports[0], email)
    refresh = login(ports[0], email)["refresh"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: call(ports[n % 2], "auth/token/refresh/", refresh=refresh), range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8, [answer.text for answer in answers]
    assert len({answer.content for answer in answers}) == 1
    successor = answers[0].json()
    assert lets_in(ports[0], successor["access"])
    assert call(ports[1], "auth/token/refresh/", refresh=successor["refresh"]).status_code == 200
    assert call(ports[0], "auth/token/refresh/", refresh=refresh).status_code == 401
    assert not lets_in(ports[1], successor["access"])


def ways_to_end(venue: Venue) -> dict[str, Any]:
    new = "a wholly new password"
    return {
        "logout": lambda port, tokens: call(port, "auth/logout/", access=tokens["access"]),
        "logout by the refresh token": lambda port, tokens: call(port, "auth/logout/", refresh=tokens["refresh"]),
        "logout everywhere": lambda port, tokens: call(port, "auth/logout/everywhere/", access=tokens["access"]),
        "password change": lambda port, tokens: call(
            port, "auth/password/", access=tokens["access"], password=PASSWORD, new_password=new
        ),
    }


@on_each_server
@pytest.mark.parametrize(
    "way", ["logout", "logout by the refresh token", "logout everywhere", "password change"], ids=str
)
def test_what_ends_a_login_ends_its_tokens_and_sockets_in_every_process(
    venue: Venue, ports: tuple[int, int], way: str
) -> None:
    email = f"{way.replace(' ', '-')}@example.com"
    register(ports[0], email)
    tokens = login(ports[1], email)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket(port, tokens["access"])) for port in ports]
        assert all(lets_in(port, tokens["access"]) for port in ports)

        assert ways_to_end(venue)[way](ports[0], tokens).status_code == 204

        assert not any(lets_in(port, tokens["access"]) for port in ports)
        ends = [close_code(connection) for connection in sockets]
    assert [code for code, _ in ends] == [REVOKED, REVOKED]
    assert all(seconds < REVOKED_S_MAX for _, seconds in ends)
    assert call(ports[1], "auth/token/refresh/", refresh=tokens["refresh"]).status_code == 401


@on_each_server
def test_a_user_made_inactive_is_out_of_every_process(venue: Venue, ports: tuple[int, int]) -> None:
    register(ports[0], "inactive@example.com")
    tokens = login(ports[0], "inactive@example.com")
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket(port, tokens["access"])) for port in ports]

        # Behind the venue's back: nobody tells the processes.
        connection = sqlite3.connect(venue.folder / "db.sqlite3", timeout=10)
        with connection:
            connection.execute("UPDATE accounts_user SET is_active = 0 WHERE email = 'inactive@example.com'")
        connection.close()

        assert not any(lets_in(port, tokens["access"]) for port in ports)
        ends = [close_code(connection) for connection in sockets]
    assert [code for code, _ in ends] == [REVOKED, REVOKED]
    assert all(seconds < REVOKED_S_MAX for _, seconds in ends)
    assert call(ports[0], "auth/token/", email="inactive@example.com", password=PASSWORD).status_code == 401


@on_each_server
def test_a_socket_outlives_its_access_token_s_successors_but_not_its_login(ports: tuple[int, int]) -> None:
    register(ports[0], "lives@example.com")
    tokens = login(ports[0], "lives@example.com")
    with socket(ports[0], tokens["access"]) as connection:
        second = call(ports[1], "auth/token/refresh/", refresh=tokens["refresh"]).json()
        connection.send(json.dumps({"id": 2, "op": "ping"}))
        assert json.loads(connection.recv(timeout=10))["ok"]

        call(ports[1], "auth/token/refresh/", refresh=second["refresh"])
        call(ports[1], "auth/token/refresh/", refresh=tokens["refresh"])

        assert close_code(connection)[0] == REVOKED
    assert not lets_in(ports[0], second["access"])


@on_each_server
def test_a_ticket_opens_one_socket_which_lives_with_the_login(ports: tuple[int, int]) -> None:
    register(ports[0], "ticket@example.com")
    tokens = login(ports[0], "ticket@example.com")
    ticket = call(ports[0], "auth/ws-ticket/", access=tokens["access"]).json()["ticket"]

    with socket(ports[1], ticket=ticket) as connection:
        with connect(f"ws://127.0.0.1:{ports[0]}/ws/v1/") as second:
            second.send(json.dumps({"id": 1, "op": "authenticate", "ticket": ticket}))
            assert json.loads(second.recv(timeout=10))["error"]["code"] == "unauthenticated"
            assert close_code(second)[0] == 4001
        call(ports[0], "auth/logout/", access=tokens["access"])
        assert close_code(connection)[0] == REVOKED


def test_an_unknown_address_is_answered_as_a_wrong_password(ports: tuple[int, int]) -> None:
    register(ports[0], "known@example.com")

    answers = [
        call(ports[0], "auth/token/", email=email, password="wrong password")
        for email in ("known@example.com", "unknown@example.com")
    ]

    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert bodies[0] == bodies[1]
    assert set(answers[0].headers) == set(answers[1].headers)


def test_wrong_passwords_are_limited_by_both_processes_together_and_others_are_not_locked_out(
    venue: Venue, ports: tuple[int, int]
) -> None:
    register(ports[0], "guessed@example.com")
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda n: call(ports[n % 2], "auth/token/", email="guessed@example.com", password=f"guess {n} wrong"),
                range(16),
            )
        )
    statuses = [answer.status_code for answer in answers]
    refused = next(answer for answer in answers if answer.status_code == 429)

    assert 10 <= statuses.count(401) <= 11
    assert statuses.count(429) == 16 - statuses.count(401)
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.headers["RateLimit-Policy"] == '"login-account-address";q=10;w=300'
    # The owner comes from elsewhere: through a proxy this process trusts.
    with web_process(venue, CIFT_TRUSTED_PROXIES="127.0.0.1") as behind:
        body = {"email": "guessed@example.com", "password": PASSWORD}
        elsewhere = {"X-Forwarded-For": "198.51.100.7"}
        address = f"http://127.0.0.1:{behind.port}/api/v1/auth/token/"
        assert httpx.post(address, json=body, headers=elsewhere, timeout=30).status_code == 200
        assert httpx.post(address, json=body, timeout=30).status_code == 429
    forged = {"X-Forwarded-For": "198.51.100.8", "Forwarded": "for=198.51.100.8"}
    address = f"http://127.0.0.1:{ports[0]}/api/v1/auth/token/"
    assert httpx.post(address, json=body, headers=forged, timeout=30).status_code == 429


def mailed_token(venue: Venue, email: str, page: str) -> str:
    """Wait for somebody's mail whose link leads to a page; give the token behind its `#`."""
    give_up_at = time.monotonic() + 10
    while True:
        for file in sorted((venue.folder / "mails").glob("*.eml"), reverse=True):
            text = file.read_text()
            match = re.search(rf"/account/{page}/#(\S+)", text)
            if match is not None and f"To: {email}\n" in text:
                return match.group(1)
        assert time.monotonic() < give_up_at, venue.output
        time.sleep(0.02)


@on_each_server
def test_nothing_by_which_somebody_logs_in_is_in_what_the_venue_prints(venue: Venue, ports: tuple[int, int]) -> None:
    email, new = "unlogged@example.com", "a password of the log's test"
    register(venue.port, email)
    tokens = login(venue.port, email)
    ticket = call(venue.port, "auth/ws-ticket/", access=tokens["access"]).json()["ticket"]
    for opened in ({"ticket": ticket}, {"token": tokens["access"]}):
        with socket(venue.port, **opened):
            pass
    successor = call(venue.port, "auth/token/refresh/", refresh=tokens["refresh"]).json()
    secret = call(venue.port, "auth/second-factor/", access=successor["access"], password=PASSWORD).json()["secret"]
    assert call(venue.port, "auth/password/reset/", email=email).status_code == 202
    token = mailed_token(venue, email, "reset")
    with httpx.Client(base_url=f"http://127.0.0.1:{venue.port}", timeout=30) as browser:
        browser.get("/account/reset/")
        form = {"token": token, "new_password": new, "new_password_again": new}
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        assert "logged out everywhere" in browser.post("/account/reset/", data=form).text
        assert "not valid any more" in browser.post("/account/reset/", data=form).text
        # A link as the version before mailed them, with the token in its address.
        assert browser.get(f"/account/reset/{token.replace('.', '/')}/").status_code == 404
        session = browser.cookies["csrftoken"]
    wrong = call(venue.port, "auth/token/", email=email, password=f"{new} and more")
    assert wrong.status_code == 401

    venue.wait_for("a mail for somebody is in")
    secrets = (PASSWORD, new, ticket, secret, token, session, *tokens.values(), *successor.values())
    assert [each for each in secrets if each in venue.output] == []


def test_a_forgotten_password_is_set_by_mail_once(venue: Venue, ports: tuple[int, int]) -> None:
    register(ports[0], "forgot@example.com")
    tokens = login(ports[0], "forgot@example.com")

    known = call(ports[0], "auth/password/reset/", email="Forgot@example.com")
    unknown = call(ports[0], "auth/password/reset/", email="nobody@example.com")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    token = mailed_token(venue, "forgot@example.com", "reset")
    weak = call(ports[0], "auth/password/reset/confirm/", token=token, password="short")
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (400, "password")

    def reset(number: int) -> int:
        password = f"a new long password {number}"
        return call(ports[number % 2], "auth/password/reset/confirm/", token=token, password=password).status_code

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(reset, range(4)))

    assert sorted(statuses) == [204, 400, 400, 400]
    assert not lets_in(ports[1], tokens["access"])
    login(ports[0], "forgot@example.com", f"a new long password {statuses.index(204)}")


@on_each_server
def test_a_browser_s_session_needs_its_csrf_token_and_its_sockets_end_with_it(ports: tuple[int, int]) -> None:
    register(ports[0], "browser@example.com")
    base = f"http://127.0.0.1:{ports[0]}"
    with httpx.Client(base_url=base, timeout=30) as browser:
        browser.get("/api/login/login/")
        form = {"username": "browser@example.com", "password": PASSWORD, "next": "/api/v1/"}
        assert browser.post("/api/login/login/", data=form).status_code == 403
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        assert browser.post("/api/login/login/", data=form).status_code == 302
        without = browser.post("/api/v1/auth/ws-ticket/")
        assert (without.status_code, without.json()["code"]) == (403, "csrf_failed")
        headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
        foreign = browser.post("/api/v1/auth/ws-ticket/", headers={**headers, "Origin": "https://evil.example"})
        assert foreign.status_code == 403
        answer = browser.post("/api/v1/auth/ws-ticket/", headers=headers)
        assert answer.status_code == 200, answer.text
        ticket = answer.json()["ticket"]
        with socket(ports[1], ticket=ticket) as connection:
            assert browser.post("/api/v1/auth/logout/", headers=headers).status_code == 204
            assert close_code(connection)[0] == REVOKED
        assert browser.get("/api/v1/balances/").status_code == 401


@on_each_server
@pytest.mark.parametrize("path", ["/", "/api/v1/instruments/", "/nowhere", "/admin/login/", "/account/second-factor/"])
def test_every_answer_carries_the_headers_that_protect_a_browser(ports: tuple[int, int], path: str) -> None:
    headers = httpx.get(f"http://127.0.0.1:{ports[0]}{path}", timeout=30).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
