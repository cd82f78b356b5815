"""An opening deposit is booked once, and a client's own ids cannot stand in its way."""

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.money import opening
from apps.accounts.money.opening import OpeningDeposit, opening_deposit
from cift.fields import CLIENT_ORDER_ID, FieldInvalidError
from cift.wire.queries import IdFound, IdQuery

DEPOSIT = OpeningDeposit(symbol="USD", asset=1, amount=100)


@pytest.mark.parametrize(
    ("answer", "booked"),
    [
        (IdFound(found=False, order_id=0, sequence=0, open=False), True),
        # A client has sent an order under the id that was used at first.
        (IdFound(found=True, order_id=5 << 20, sequence=5, open=True), True),
        # The deposit was booked under the id that was used at first.
        (IdFound(found=True, order_id=0, sequence=5, open=False), False),
    ],
)
async def test_a_deposit_is_booked_unless_it_was_under_the_former_id(
    monkeypatch: pytest.MonkeyPatch, *, answer: IdFound, booked: bool
) -> None:
    asked: list[IdQuery] = []
    books: list[dict[str, Any]] = []

    class Gateway:
        async def query(self, query: IdQuery) -> IdFound:
            asked.append(query)
            return answer

    class Booked:
        number = 7

    async def deposit_book(**given: Any) -> Booked:
        books.append(given)
        return Booked()

    monkeypatch.setattr(opening, "gateway", Gateway)
    monkeypatch.setattr(opening, "deposit_book", deposit_book)

    assert await opening_deposit(account=3, deposit=DEPOSIT) == (7 if booked else 0)
    assert asked == [IdQuery(3, "opening-USD")]
    assert books == ([{"account": 3, "command_id": "opening/USD", "asset": 1, "amount": 100}] if booked else [])


@pytest.mark.usefixtures("sqlite")
def test_nobody_is_let_in_while_what_they_are_promised_is_not_listed(client: Client) -> None:
    login = {"email": "early@example.com", "password": "a long passphrase 42"}
    answer = client.post("/api/v1/auth/register/", json.dumps(login), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (503, "venue_unavailable")
    assert not User.objects.exists()


def test_no_client_can_send_the_deposits_id() -> None:
    assert CLIENT_ORDER_ID("opening-USD") == "opening-USD"
    with pytest.raises(FieldInvalidError):
        CLIENT_ORDER_ID("opening/USD")
