"""The agents' funds at a venue: too little is filled up, too much is taken out, and both are in the audit records."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.accounts.models import Account, AuditRecord, Balance
from apps.marketdata.models import Asset
from apps.simulation import accounts
from apps.simulation.accounts import accounts_fund
from apps.simulation.agents.profiles import CASH_WORTH
from cift.errors.application import ApplicationError
from tests.support.simulated import market

RICH, POOR, FINE = 3, 4, 5
CASH = CASH_WORTH * 10**6


class Booked:
    """An answer as the order service gives it."""

    def __init__(self, sequence: int) -> None:
        self.event = self
        self.sequence = sequence


@pytest.fixture
def booked(databases: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """Three accounts that have the beginning's stock, and more, less or as much cash; what is booked for them."""
    venue, _ = market(seed=1, rate=100)
    symbols = sorted(venue.funds)
    assets = {
        symbol: Asset.objects.create(id=number, symbol=symbol, scale=6) for number, symbol in enumerate(symbols, 1)
    }
    for account, cash in ((RICH, 2 * CASH), (POOR, CASH // 5), (FINE, CASH // 2)):
        Account.objects.create(
            id=account,
            group=account,
            status=0,
            killed=False,
            fee_tier=0,
            open_orders_max=10,
            stp=1,
            opened_at=1,
            sequence=1,
        )
        for symbol, asset in assets.items():
            total = cash if symbol == "USD" else venue.funds[symbol]
            Balance.objects.create(account_id=account, asset=asset, total=total, held=0, sequence=1)
    books: dict[str, list[dict[str, Any]]] = {"deposit": [], "adjustment": []}

    def book(kind: str) -> Any:
        async def booking(**given: Any) -> Booked:
            if any(given["command_id"] == each["command_id"] for each in books[kind]):
                raise ApplicationError("conflict")
            books[kind].append(given)
            return Booked(len(books[kind]))

        return booking

    monkeypatch.setattr(accounts, "deposit_book", book("deposit"))
    monkeypatch.setattr(accounts, "adjustment_book", book("adjustment"))
    return books


def fund() -> None:
    venue, _ = market(seed=1, rate=100)
    async_to_sync(accounts_fund)({"rich": RICH, "poor": POOR, "fine": FINE}, venue.terms)


def test_what_is_far_off_is_moved_back_and_recorded(booked: dict[str, list[dict[str, Any]]]) -> None:
    fund()

    assert [(each["account"], each["amount"]) for each in booked["deposit"]] == [(POOR, CASH - CASH // 5)]
    assert [(each["account"], each["amount"]) for each in booked["adjustment"]] == [(RICH, -CASH)]
    records = AuditRecord.objects.filter(action="simulation.fund").order_by("number")
    assert list(records.values_list("subject", "outcome")) == [
        (f"account {RICH}", "asked"),
        (f"account {RICH}", "done"),
        (f"account {POOR}", "asked"),
        (f"account {POOR}", "done"),
    ]


def test_the_same_day_again_nothing_is_booked(booked: dict[str, list[dict[str, Any]]]) -> None:
    fund()
    fund()

    assert {kind: len(books) for kind, books in booked.items()} == {"deposit": 1, "adjustment": 1}
    outcomes = AuditRecord.objects.filter(action="simulation.fund").order_by("number").values_list("outcome", flat=True)
    assert list(outcomes)[-1] == "refused"
