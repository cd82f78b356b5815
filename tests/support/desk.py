"""A trader who keeps books: what was acknowledged, what nobody knows yet, and whether the venue has the same."""

import json
import time
from typing import Any

import httpx

from tests.support.traders import Trader
from tests.support.venue import Venue, manage

SHOWN_S_MAX = 30.0
ANSWERS = frozenset({(504, "outcome_unknown"), (503, "venue_unavailable"), (503, "overloaded")})


class Desk:
    """Sends resting orders one after another."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.login()
        self.acknowledged: list[str] = []
        self.undecided: list[str] = []
        self.refused: list[str] = []
        self._sent = 0
        self._token = ""
        self.latest = ""

    def login(self) -> None:
        self.trader = Trader(self.venue, next(iter(self.venue.logins())))

    def order(self) -> dict[str, Any]:
        self._sent += 1
        return {
            "symbol": "AAPL-USD",
            "side": "sell",
            "type": "limit",
            "quantity": "1",
            "price": "205",
            "client_order_id": f"desk-{self._sent}",
        }

    def submit(self, **more: str) -> str:
        """Send one; give `acknowledged`, or the code it was answered with."""
        order = self.order() | more
        status, body = self.trader.call("POST", "orders/", json=order)
        client_id = str(order["client_order_id"])
        if status == 201:
            assert body["created_at"] >= self.latest, "time does not go back"
            self._token, self.latest = body["consistency_token"], body["created_at"]
            self.acknowledged.append(client_id)
            return "acknowledged"
        code = str(body["code"])
        assert (status, code) in ANSWERS, body
        (self.undecided if status == 504 else self.refused).append(client_id)
        return code

    def tried(self) -> bool:
        """Send one and tell whether it was acknowledged; where there is no answer at all, nobody knows yet."""
        try:
            return self.submit() == "acknowledged"
        except (httpx.TransportError, ValueError):
            self.undecided.append(f"desk-{self._sent}")
            return False

    def settle(self) -> None:
        """Look every order up by its id: acknowledged ones are there, refused ones are not, no outcome stays unknown.

        What nobody knew is sent again, so that afterwards each is there, once.
        """
        for client_id in self.acknowledged:
            assert self._find(client_id) == 200, f"{client_id} was acknowledged and is lost"
        for client_id in self.refused:
            assert self._find(client_id) == 404, f"{client_id} was refused and is there"
        for client_id in self.undecided:
            found = self._find(client_id)
            order = self.order() | {"client_order_id": client_id}
            status, body = self.trader.call("POST", "orders/", json=order)
            assert status == (200 if found == 200 else 201), (client_id, found, body)
            self._token = body["consistency_token"]
        self.acknowledged += self.undecided
        self.undecided = []

    def _find(self, client_id: str) -> int:
        status, body = self.trader.call("GET", f"orders/by-client-order-id/{client_id}/")
        assert status in (200, 404), body
        return status

    def counted(self) -> None:
        """Compare the venue's list of open orders with what was acknowledged: none lost, none twice."""
        found: list[str] = []
        path = f"orders/?status=new&limit=500&at_least={self._token}"
        give_up_at = time.monotonic() + SHOWN_S_MAX
        while path:
            status, page = self.trader.call("GET", path)
            if status == 200:
                found += [order["client_order_id"] for order in page["results"]]
                path = page["next"] or ""
            else:
                assert page["code"] == "projection_behind", page
                assert time.monotonic() < give_up_at, page
        assert sorted(found) == sorted(self.acknowledged)

    def audited(self) -> None:
        """End the venue and audit what it leaves."""
        assert self.venue.end() == 0, self.venue.output
        report = json.loads(manage(self.venue, "audit", "--json"))
        assert report["clean"], report
