"""The venue orders are sent to in a measurement: embedded, as real processes, and its two logins."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.performance.results import Bench
from tests.support.venue import Venue, venue_open

SYMBOL = "AAPL-USD"
PRICE = "190"
DRAIN_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Trading:
    """A running venue, and the tokens of the trader who sells and the one who buys."""

    venue: Venue
    tokens: tuple[str, str]

    def count(self) -> int:
        """Count the orders in the tables."""
        return self._one("db.sqlite3", "SELECT count(*) FROM orders_order")

    def drained(self) -> None:
        """Wait until the tables have what the journal has.

        Raises:
            TimeoutError: they do not come that far.

        """
        wanted = self._one("journal.sqlite3", "SELECT max(number) FROM orders_journalbatch")
        give_up_at = time.monotonic() + DRAIN_S_MAX
        while self._one("db.sqlite3", "SELECT last_number FROM orders_projection") < wanted:
            if time.monotonic() > give_up_at:
                raise TimeoutError("the projection does not follow")
            time.sleep(0.01)

    def _one(self, name: str, query: str) -> int:
        with closing(sqlite3.connect(self.venue.folder / name)) as connection:
            found: int = connection.execute(query).fetchone()[0]
            return found


@contextmanager
def trading_open(bench: Bench, web_server: str, **environment: str) -> Iterator[Trading]:
    """Start a venue on a web server and log both traders in."""
    with venue_open(bench.folder / web_server, WEB_SERVER=web_server, **environment) as venue:
        tokens = []
        for email, password in venue.logins().items():
            address = f"http://127.0.0.1:{venue.port}/api/v1/auth/token/"
            answer = httpx.post(address, json={"email": email, "password": password}, timeout=30)
            tokens.append(answer.raise_for_status().json()["access"])
        yield Trading(venue, (tokens[0], tokens[1]))


def trader_of(number: int) -> int:
    """Return which trader an order is of: of two that meet one each, and with the next two the other way round.

    So neither runs out of money or shares. Of many in flight those of one socket come together, which lets one of the
    two buy more than the other: every thousand orders they change places.
    """
    return (number + number // 2 + number // 1_000) % 2


def order_of(number: int) -> dict[str, Any]:
    """Return the params of an order; every odd one takes what the one before it made, so the book stays as it is.

    Of many in flight some overtake: one that meets its own trader's takes it away, or it would stand in the way of all
    behind it and the book would grow until the shares are gone.
    """
    side = "buy" if number % 2 else "sell"
    named = f"b-{number}"
    return {
        "symbol": SYMBOL, "side": side, "type": "limit", "quantity": "1", "price": PRICE, "client_order_id": named,
        "self_trade_prevention": "cancel_oldest",
    }  # fmt: skip
