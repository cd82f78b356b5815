"""What feeds read to make up for what they did not hear: the tables, and the end of the journal behind an account."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection

from apps.accounts.models import Balance
from apps.accounts.shapes import BalanceBody, balance_body
from apps.marketdata.codes import Side
from apps.marketdata.reference import references
from apps.orders.codes import Liquidity
from apps.orders.events import AnyEvent, Trade, section_decode
from apps.orders.ids import fill_id_first
from apps.orders.lifecycle import OrderStatus
from apps.orders.models import Fill, JournalBatch, Order, Position, Projection
from apps.orders.selectors import shard
from apps.orders.shapes import OrderBody, PositionBody, order_body, position_body
from apps.orders.state import OrderState
from cift.errors.application import ApplicationError
from cift.orderservice.consistency import WAIT_S_MAX
from cift.wire.base import frame_split

BATCHES_READ_MAX = 2_000
EVENT_BYTES_READ_MAX = 8 * 1024 * 1024
"""How far back the journal is read for one account, whichever comes first."""

OPEN_ORDERS_SHOWN = 1_000
"""The most open orders in a snapshot of an account, the newest."""

_BATCHES_PER_QUERY = 100
_POLL_S_MIN = 0.002
_POLL_S_MAX = 0.05
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


def projected_sequence() -> int:
    """Tell the last event the tables have."""
    return Projection.objects.filter(shard=shard()).values_list("last_sequence", flat=True).first() or 0


def projected_sequence_wait(sequence: int, *, timeout_s: float = WAIT_S_MAX) -> None:
    """Wait until the tables have an event.

    Raises:
        ApplicationError: `projection_behind`.

    """
    end = time.monotonic() + timeout_s
    pause_s = _POLL_S_MIN
    while projected_sequence() < sequence:
        if time.monotonic() + pause_s > end:
            raise ApplicationError("projection_behind")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _POLL_S_MAX)


def trades_recent(instrument: int, *, after: int, up_to: int, limit: int) -> list[tuple[int, int, int, Side, int]]:
    """Read an instrument's last trades behind a sequence and up to another, oldest first.

    Each is its sequence, price, quantity, taker's side and time; the tables are waited for until they have `up_to`.

    Raises:
        ApplicationError: `projection_behind`.

    """
    projected_sequence_wait(up_to)
    takers = Fill.objects.filter(instrument_id=instrument, liquidity=Liquidity.TAKER)
    rows = (
        takers.filter(id__gte=fill_id_first(after + 1), id__lt=fill_id_first(up_to + 1))
        .order_by("-id")
        .values_list("trade_id", "price", "quantity", "side", "executed_at")[:limit]
    )
    return [(trade, price, quantity, Side(side), at) for trade, price, quantity, side, at in reversed(rows)]


def account_found(account: int, *, sequence: int) -> ProjectedAccount:
    """Read an account as one moment's tables have it, which have at least the event with this sequence.

    Raises:
        ApplicationError: `projection_behind`.

    """
    projected_sequence_wait(sequence)
    with _moment():
        at = projected_sequence()
        rows = list(Order.objects.filter(account_id=account, status__in=_OPEN).order_by("-id")[: OPEN_ORDERS_SHOWN + 1])
        balances = list(Balance.objects.filter(account_id=account).select_related("asset").order_by("asset_id"))
        positions = list(Position.objects.filter(account_id=account).order_by("instrument_id"))
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
        positions=[position_body(row, reference) for row in positions if (reference := named[row.instrument_id])],
    )


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
    """Give an event's place in an account's sequence; 0: it is not the account's, or has none."""
    if isinstance(event, Trade):
        if event.taker_account == account:
            return event.taker_account_sequence
        return event.maker_account_sequence if event.maker_account == account else 0
    return getattr(event, "account_sequence", 0) if getattr(event, "account", 0) == account else 0
