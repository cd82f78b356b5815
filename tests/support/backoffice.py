"""The back office in tests: tables with a few rows, and users in its roles."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.audit.records import ChainedRecorder
from apps.accounts.models import Account, Balance, LedgerEntry, MoneyRequest, User
from apps.marketdata.models import Asset, FeeTier, Instrument
from apps.orders.ids import fill_id_first, order_id_first
from apps.orders.models import Fill, JournalBatch, Order, Position, PositionLimit

ROLES = ("viewer", "operator", "risk manager", "administrator")
# The addresses do this when they are read; nothing may have read them before the first test file is.
admin.autodiscover()
TABLES = {
    f"{model._meta.app_label}/{model._meta.model_name}": registered
    for model, registered in admin.site._registry.items()
}

T0 = 1_700_000_000_000_000_000


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def user_in(role: str, name: str = "") -> User:
    user = User.objects.create_user(f"{name or role.replace(' ', '-')}@example.com", "secret", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def instruments_make(count: int = 1, *, start: int = 1) -> None:
    usd, _ = Asset.objects.get_or_create(id=1, defaults={"symbol": "USD", "scale": 2})
    for number in range(start, start + count):
        base = Asset.objects.create(id=number + 1, symbol=f"A{number}", scale=0)
        Instrument.objects.create(
            id=number, symbol=f"A{number}-USD", kind=0, base=base, quote=usd, price_scale=2, tick_size=1, lot_size=1,
            quantity_min=1, quantity_max=1_000, notional_min=1, band_ppm=0, slippage_ppm=0, reference_price=100,
            maker_ppm=100, taker_ppm=200, status=0,
        )  # fmt: skip
        FeeTier.objects.create(instrument_id=number, tier=0, maker_ppm=100, taker_ppm=200)


def account_make(number: int, owner: User | None = None) -> Account:
    return Account.objects.create(
        id=number, owner=owner, group=0, status=0, killed=False, fee_tier=0, open_orders_max=100, stp=1,
        opened_at=T0, sequence=1,
    )  # fmt: skip


def order_of(number: int, *, account: int = 3) -> Order:
    return Order(
        id=order_id_first(number), account_id=account, client_order_id=f"c{number}", instrument_id=1, side=0, type=0,
        time_in_force=0, flags=0, self_trade_prevention=1, price=100, quantity=1, quote_amount=0, status=0,
        filled_quantity=0, canceled_quantity=0, leaves_quantity=1, filled_notional=0, fee=0, reason=0,
        sequence=number, created_at=T0 + number, updated_at=T0 + number,
    )  # fmt: skip


def rows_make(count: int, *, start: int = 1) -> None:
    """Put `count` rows, or one for each of as many accounts, into every table of the traders' that a list shows."""
    numbers = range(start, start + count)
    for number in numbers:
        account_make(number + 2, User.objects.create_user(f"trader-{number}@example.com", "secret"))
        Balance.objects.create(account_id=number + 2, asset_id=1, total=100, held=1, sequence=number)
        Position.objects.create(
            account_id=number + 2, instrument_id=1, quantity=1, cost=1, realised=0, fees=0, sequence=number
        )
        PositionLimit.objects.create(account_id=number + 2, instrument_id=1, limit=5)
    Order.objects.bulk_create(order_of(number, account=number + 2) for number in numbers)
    Fill.objects.bulk_create(
        Fill(
            id=fill_id_first(number), order_id=order_id_first(number), account_id=number + 2, instrument_id=1, side=0,
            price=100, quantity=1, notional=100, fee=1, liquidity=0, trade_id=number, executed_at=T0 + number,
        )
        for number in numbers
    )  # fmt: skip
    LedgerEntry.objects.bulk_create(
        LedgerEntry(sequence=number, leg=0, account_id=number + 2, asset_id=1, amount=1, kind=0, created_at=T0)
        for number in numbers
    )
    JournalBatch.objects.bulk_create(
        JournalBatch(
            shard=0, number=number, epoch=1, first_sequence=number, last_sequence=number, at=T0 + number,
            engine_version=1, commands=b"", events=b"", chain=bytes(32),
        )
        for number in numbers
    )  # fmt: skip


def requests_make(count: int) -> None:
    """Put as many money requests, and audit records of them."""
    asker, _ = User.objects.get_or_create(email="asker@example.com")
    for _number in range(count):
        MoneyRequest.objects.create(
            account_id=3, asset_id=1, kind=0, amount=5, note="n", requested_by=asker, requested_at=1
        )
        ChainedRecorder().append(
            at=1, actor=asker, address="", request_id="", action="money.request", subject="request 1", outcome="done"
        )
