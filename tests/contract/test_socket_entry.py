"""Who may open a socket, and whose it stays: real handshakes on each web server."""

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.traders import Trader
from tests.support.venue import Venue


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_of_another_site_is_refused_at_the_handshake(traders: tuple[Trader, Trader], origin: str) -> None:
    # A good token changes nothing: it is the page that must not have it.
    for headers in (traders[0].headers, {}):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(traders[0].socket_url, origin=Origin(origin), additional_headers=headers),
        ):
            pass
        assert refused.value.response.status_code == 403


def test_the_venue_s_own_pages_are_let_in(running_venue: Venue, traders: tuple[Trader, Trader]) -> None:
    own = Origin(f"http://127.0.0.1:{running_venue.port}")
    with connect(traders[0].socket_url, origin=own) as socket:
        socket.send('{"id": 1, "op": "ping"}')
        assert '"ok":true' in str(socket.recv(timeout=10))


def test_a_socket_stays_its_user_s(traders: tuple[Trader, Trader]) -> None:
    with traders[0].socket() as socket:
        # The same user's token, again or another, is fine.
        assert socket.ask("authenticate", token=traders[0].token)["ok"]
        refused = socket.ask("authenticate", token=traders[1].token)
        assert (refused["status"], refused["error"]["code"]) == (403, "forbidden")
        assert socket.close_code() == 4003
