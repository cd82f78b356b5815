"""What becomes of sockets and their orders when the venue ends in an orderly way, and how their clients come back."""

from pathlib import Path

from tests.support.traders import Trader
from tests.support.venue import Venue, venue_open

SELL = {"symbol": "AAPL-USD", "side": "sell", "type": "limit", "price": "190.5", "quantity": "10"}


def test_orders_that_go_with_their_socket_are_canceled_before_the_venue_ends(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    with venue_open(folder) as venue:
        email = next(iter(venue.logins()))
        trader = Trader(venue, email)
        with trader.socket() as socket:
            assert socket.ask("subscribe", channel="account")["ok"]
            stood = socket.next_message(channel="account", kind="snapshot")["account_sequence"]
            assert socket.ask("cancel_on_disconnect", enabled=True)["ok"]
            assert socket.ask("order.submit", params=SELL)["ok"]
            assert venue.end() == 0
            assert socket.close_code() == 1012

    with venue_open(folder) as venue:
        told = came_back(venue, email, stood)

    assert [kind for kind in told if kind.startswith("order")] == ["order accepted", "order canceled"]


def came_back(venue: Venue, email: str, stood: int) -> list[str]:
    """Go on from where the account stood before the venue ended; give what was missed."""
    told: list[str] = []
    with Trader(venue, email).socket() as socket:
        result = socket.ask("subscribe", channel="account", from_sequence=stood)["result"]
        assert result["resumed"]
        while stood < result["account_sequence"]:
            message = socket.next_message(channel="account")
            assert message["previous"] == stood
            stood = message["account_sequence"]
            told.append(f"{message['type']} {message.get('event', '')}")
    return told
