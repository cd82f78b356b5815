"""Coming back to an account after much has happened: all of it is told, to a reader as fast as sockets are."""

from tests.support.traders import Trader

ORDER = {"op": "submit", "symbol": "AAPL-USD", "side": "buy", "type": "limit", "price": "180", "quantity": "1"}
BATCH = 100
BATCHES = 4
ROUNDS = 3
MISSED = 2 * BATCH * BATCHES * ROUNDS


def much_happens(trader: Trader) -> None:
    """Enter and cancel orders until an account has far more to tell than may wait for a reader."""
    for _ in range(ROUNDS):
        for _ in range(BATCHES):
            status, body = trader.call("POST", "orders/batch/", json={"orders": [ORDER] * BATCH})
            assert status == 200, body
        trader.clear()


def test_a_reader_that_was_away_is_told_all_it_missed(traders: tuple[Trader, Trader]) -> None:
    trader = traders[0]
    with trader.socket() as socket:
        stood = socket.ask("subscribe", channel="account")["result"]["account_sequence"]
    much_happens(trader)
    with trader.socket() as socket:
        result = socket.ask("subscribe", channel="account", from_sequence=stood)["result"]
        assert (result["resumed"], result["account_sequence"] - stood >= MISSED) == (True, True)
        # What comes behind it waits its turn.
        trader.submit(**{name: value for name, value in ORDER.items() if name != "op"})
        kinds = set()
        while stood <= result["account_sequence"]:
            message = socket.next_message(channel="account")
            assert message["previous"] == stood
            stood = message["account_sequence"]
            kinds.add(message["type"])
        assert kinds == {"order", "balance"}
        assert socket.ask("ping")["ok"]
        assert socket.closed.empty()
