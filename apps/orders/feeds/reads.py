"""What feeds read to make up for what they did not hear: the tables, and the end of the journal behind an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection

from apps.accounts.models import Balance
from apps.accounts.shapes import BalanceBody, balance_body
from apps.marketdata.reference import references
from apps.orders.events import AnyEvent, Trade, section_decode
from apps.orders.feeds.account_messages import Holding
from apps.orders.lifecycle import OrderStatus
from apps.orders.models import JournalBatch, Order
from apps.orders.selectors import positions_of_account, projected, projection_wait, shard
from apps.orders.shapes import OrderBody, PositionBody, order_body, position_row_body
from apps.orders.state import OrderState
from cift.wire.base import frame_split

BATCHES_READ_MAX = 2_000
EVENT_BYTES_READ_MAX = 8 * 1024 * 1024
"""How far back the journal is read for one account, whichever comes first."""

OPEN_ORDERS_SHOWN = 1_000
"""The most open orders in a snapshot of an account, the newest."""

_BATCHES_PER_QUERY = 100
_OPEN = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_TRIGGER)


class AccountEvent(NamedTuple):
    """One event of an account, its place in the account's sequence, and its batch's time in ns."""

    account_sequence: int
    at: int
    event: AnyEvent


class ProjectedAccount(NamedTuple):
    """An account as the tables have it behind the event with this sequence."""

    sequence: int
    orders: list[OrderBody]
    orders_complete: bool
    balances: list[BalanceBody]
    positions: list[PositionBody]


def account_found(account: int, *, sequence: int) -> ProjectedAccount:
    """Read an account as one moment's tables have it, which have at least the event with this sequence.

    Raises:
        ApplicationError: `projection_behind`.

    """
    projection_wait(sequence=sequence, account=account)
    with _moment():
        at = projected().sequence
        rows = list(Order.objects.filter(account_id=account, status__in=_OPEN).order_by("-id")[: OPEN_ORDERS_SHOWN + 1])
        balances = list(Balance.objects.filter(account_id=account).select_related("asset").order_by("asset_id"))
        positions = list(positions_of_account(account))
    ids = {row.instrument_id for row in rows} | {row.instrument_id for row in positions}
    named = {each: references.read_id(each) for each in ids}
    return ProjectedAccount(
        sequence=at,
        orders=[
            order_body(OrderState.of_row(row), reference)
            for row in rows[:OPEN_ORDERS_SHOWN]
            if (reference := named[row.instrument_id])
        ],
        orders_complete=len(rows) <= OPEN_ORDERS_SHOWN,
        balances=[balance_body(row) for row in balances],
        positions=[position_row_body(row, reference) for row in positions if (reference := named[row.instrument_id])],
    )


def holding_found(account: int, asset: str) -> Holding:
    """Read what an account has of an asset, by its symbol, as the tables have it now."""
    found = Balance.objects.filter(account_id=account, asset__symbol=asset).values_list("total", "held").first()
    return Holding(*found) if found is not None else Holding(0, 0)


@contextmanager
def _moment() -> Iterator[None]:
    """Let all reads inside see one state, without keeping writers off."""
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if connection.vendor == "postgresql" else "BEGIN DEFERRED"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def account_events(account: int, *, after: int, up_to: int) -> list[AccountEvent] | None:
    """Read an account's events behind one of its sequences and up to another from the journal's end, oldest first.

    None: they are further back than is read.
    """
    found: list[AccountEvent] = []
    wanted = up_to - after
    number, batches, size = 2**63 - 1, 0, 0
    while len(found) < wanted and batches < BATCHES_READ_MAX and size < EVENT_BYTES_READ_MAX:
        rows = list(
            JournalBatch.objects.filter(shard=shard(), number__lt=number)
            .order_by("-number")
            .values_list("number", "at", "events")[:_BATCHES_PER_QUERY]
        )
        if not rows:
            break
        for number, at, packed in rows:  # noqa: B007 - the last one's number is where the next query begins
            events = bytes(packed)
            size += len(events)
            mine = [
                AccountEvent(place, at, event)
                for section in frame_split(events)
                for event in section_decode(section)
                if after < (place := account_sequence_of(event, account)) <= up_to
            ]
            found[:0] = mine
        batches += len(rows)
    return found if len(found) == wanted else None


def account_sequence_of(event: AnyEvent, account: int) -> int:
    """Return an event's place in an account's sequence; 0: it is not the account's, or has none."""
    if isinstance(event, Trade):
        if event.taker_account == account:
            return event.taker_account_sequence
        return event.maker_account_sequence if event.maker_account == account else 0
    return getattr(event, "account_sequence", 0) if getattr(event, "account", 0) == account else 0
