"""What a client was told is true afterwards, however the venue ended."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.venue import Venue, venue_open

CLIENTS = 4
ANSWERS_MIN = 100
WAIT_S_MAX = 120.0


class Trader:
    """One client that orders as fast as it is answered, and notes each answer by its own id."""

    def __init__(self, venue: Venue, name: int, token: str) -> None:
        self.venue = venue
        self.name = name
        self.token = token
        self.answers: dict[str, int] = {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        sent = 0
        while not self.stop.is_set():
            sent += 1
            order_id = f"{self.name}-{sent}"
            body = json.dumps(
                {
                    "symbol": "AAPL-USD",
                    "side": "buy",
                    "type": "limit",
                    "quantity": "1",
                    "price": f"{180 + sent % 5}.{self.name:02}",
                    "client_order_id": order_id,
                }
            )
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.venue.port, timeout=10)
                headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
                connection.request("POST", "/api/v1/orders/", body, headers)
                response = connection.getresponse()
                response.read()
                self.answers[order_id] = response.status
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.02)


def until(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + WAIT_S_MAX
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def post(venue: Venue, path: str, body: dict[str, str]) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", venue.port, timeout=10)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200, response.read()
    return json.load(response)


def token_of(venue: Venue) -> str:
    email = "demo@cift.localhost"
    answer = post(venue, "/api/v1/auth/token/", {"email": email, "password": venue.logins()[email]})
    token: str = answer["access"]
    return token


def known_to(venue: Venue, token: str, order_id: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", venue.port, timeout=10)
    headers = {"Authorization": f"Bearer {token}"}
    connection.request("GET", f"/api/v1/orders/by-client-order-id/{order_id}/", headers=headers)
    response = connection.getresponse()
    response.read()
    assert response.status in {200, 404}
    return response.status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_orders_that_were_acknowledged_are_there_after_the_end(tmp_path: Path, number: signal.Signals) -> None:
    with venue_open(tmp_path / "var") as venue:
        token = token_of(venue)
        traders = [Trader(venue, name, token) for name in range(CLIENTS)]
        for trader in traders:
            trader.thread.start()
        until(lambda: sum(len(trader.answers) for trader in traders) >= ANSWERS_MIN)
        if number is signal.SIGKILL:
            for child in venue.children():
                os.kill(child, signal.SIGKILL)
        venue.end(number)
        for trader in traders:
            trader.stop.set()
            trader.thread.join(timeout=15)
    answers = {order_id: status for trader in traders for order_id, status in trader.answers.items()}
    acknowledged = [order_id for order_id, status in answers.items() if status == 201]

    with venue_open(tmp_path / "var") as venue:
        token = token_of(venue)
        lost = [order_id for order_id in acknowledged[-60:] if not known_to(venue, token, order_id)]

    assert acknowledged
    assert not lost
    assert set(answers.values()) <= {201, 503, 504}


def test_a_client_is_served_again_after_the_web_process_was_killed(tmp_path: Path) -> None:
    with venue_open(tmp_path / "var") as venue:
        trader = Trader(venue, 0, token_of(venue))
        trader.thread.start()
        until(lambda: len(trader.answers) >= 10)
        os.kill(venue.child("embedded_web"), signal.SIGKILL)
        before = len(trader.answers)
        until(lambda: list(trader.answers.values())[before:].count(201) >= 10)
        trader.stop.set()
        trader.thread.join(timeout=15)

    assert set(trader.answers.values()) <= {201, 503, 504}
