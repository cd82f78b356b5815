"""Two traders meet: an order by REST, one by socket, and what each of them sees of the fill."""

from decimal import Decimal

from tests.support.messages import message_check
from tests.support.traders import Trader


def balances(trader: Trader, token: str) -> dict[str, Decimal]:
    status, page = trader.call("GET", "balances/", params={"at_least": token})
    assert status == 200
    assert all(Decimal(row["total"]) == Decimal(row["held"]) + Decimal(row["available"]) for row in page["results"])
    return {row["asset"]: Decimal(row["total"]) for row in page["results"]}


def test_two_traders_trade_and_see_it_everywhere(traders: tuple[Trader, Trader]) -> None:
    seller, buyer = traders
    with seller.socket() as sellers, buyer.socket() as buyers:
        for socket in (sellers, buyers):
            assert socket.ask("subscribe", channel="account")["ok"]
        assert buyers.ask("subscribe", channel="book", symbol="AAPL-USD", depth=10)["ok"]
        offer = seller.submit(symbol="AAPL-USD", side="sell", type="limit", price="190.25", quantity="10")
        before = [balances(trader, offer["consistency_token"]) for trader in traders]

        answer = buyers.ask(
            "order.submit",
            params={"symbol": "AAPL-USD", "side": "buy", "type": "market", "quantity": "4", "client_order_id": "first"},
        )
        bought, token = answer["result"], answer["result"]["consistency_token"]
        made = sellers.next_message(channel="account", kind="fill")
        taken = buyers.next_message(channel="account", kind="fill")

    assert (answer["status"], bought["status"], bought["average_price"]) == (201, "filled", "190.25")
    for message in (made, taken):
        message_check(message)
    assert made["fill"]["sequence"] == taken["fill"]["sequence"]
    assert (made["fill"]["side"], made["fill"]["liquidity"]) == ("sell", "maker")
    assert (taken["fill"]["side"], taken["fill"]["liquidity"]) == ("buy", "taker")
    assert taken["order"]["client_order_id"] == "first"

    after = [balances(trader, token) for trader in traders]
    notional = Decimal("190.25") * 4
    fees = [Decimal(message["fill"]["fee"]) for message in (made, taken)]
    assert [now["AAPL"] - then["AAPL"] for now, then in zip(after, before, strict=True)] == [-4, 4]
    assert [now["USD"] - then["USD"] for now, then in zip(after, before, strict=True)] == [
        notional - fees[0],
        -notional - fees[1],
    ]

    for trader, message in ((seller, made), (buyer, taken)):
        status, page = trader.call("GET", "fills/", params={"symbol": "AAPL-USD", "limit": "1"})
        assert (status, page["results"]) == (200, [message["fill"]])
    status, order = seller.call("GET", f"orders/{offer['id']}/")
    assert (status, order["status"], order["filled_quantity"], order["leaves_quantity"]) == (
        200, "partially_filled", "4", "6",
    )  # fmt: skip
    assert order == made["order"]
    assert buyer.call("GET", "instruments/AAPL-USD/book/")[1]["last_price"] == "190.25"
