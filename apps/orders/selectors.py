"""Reads of orders and what came of them.

The tables are a projection, some milliseconds behind. Where an answer must be exact (an id's look-up), the
journal's batches behind the projection are folded over the rows. Else a read waits: one of an account's own until the
tables have what the account was told, any that brings a consistency token for what that names.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import DatabaseError, connections, router
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.accounts.models import Balance
from apps.orders.events import AnyEvent, OrderAccepted, OrderRejected, section_decode
from apps.orders.matching.places import head_of
from apps.orders.matching.told import told_here
from apps.orders.models import JournalBatch, Order, Position, Projection
from apps.orders.state import ORDER_COLUMNS, TERMS_COLUMNS, OrderChange, OrderState, OrderTerms, order_ids_of
from cift.bus import buses
from cift.bus.base import BusError
from cift.errors.application import ApplicationError
from cift.orderservice.consistency import WAIT_S_MAX, waiting
from cift.orderservice.gateway import gateway
from cift.processes.threads import database_call
from cift.processes.turns import async_to_sync, turns
from cift.wire.base import frame_split
from cift.wire.queries import AccountQuery, IdFound, IdQuery, StatsQuery
from cift.wire.subjects import told_subject

TAIL_BATCHES_MAX = 2_000
"""The most batches folded over the tables for one read."""

_IDS_PER_QUERY = 500
# Written out: made from querysets, these took most of their time to be made.
_PROJECTED = f"SELECT last_number, last_sequence FROM {Projection._meta.db_table} WHERE shard = %s"  # noqa: S608 - the model's name
_ORDERS = f"SELECT {', '.join(ORDER_COLUMNS)} FROM {Order._meta.db_table} WHERE id IN "  # noqa: S608 - as above
_TERMS = f"SELECT id, {', '.join(TERMS_COLUMNS)} FROM {Order._meta.db_table} WHERE id IN "  # noqa: S608 - as above
_TAIL = (
    f"SELECT at, events FROM {JournalBatch._meta.db_table} "  # noqa: S608 - the model's name
    "WHERE shard = %s AND number > %s ORDER BY number LIMIT %s"
)
_POLL_S_MIN = 0.002
_POLL_S_MAX = 0.05
_TOLD_S_MAX = 0.5
"""How long another process is asked what an account was told; then a read waits for the whole journal."""


def shard() -> int:
    """Name the shard all orders are in."""
    number: int = settings.MATCHING["SHARD"]
    return number


class Projected(NamedTuple):
    """How far the tables are: the last batch of the journal they have, and its last event."""

    number: int
    sequence: int


def projected() -> Projected:
    """Read how far the tables are."""
    rows = _rows(Projection, _PROJECTED, [shard()])
    return Projected(*rows[0]) if rows else Projected(0, 0)


def projection_wait(
    *, number: int = 0, sequence: int = 0, account: int | None = None, timeout_s: float = WAIT_S_MAX
) -> None:
    """Wait until the tables have a batch of the journal, or an event; `account`: whose own is then read.

    Raises:
        ApplicationError: `projection_behind`.

    """
    if _are_there(projected(), number, sequence):
        return
    pauses = _pauses(timeout_s)
    with turns.left(), waiting(account):
        time.sleep(next(pauses))
        while not _are_there(projected(), number, sequence):
            time.sleep(next(pauses))


async def projection_await(
    *, number: int = 0, sequence: int = 0, account: int | None = None, timeout_s: float = WAIT_S_MAX
) -> None:
    """Wait as `projection_wait` does, without holding a thread meanwhile.

    Raises:
        ApplicationError: `projection_behind`, `database_busy`.

    """
    if _are_there(await database_call(projected), number, sequence):
        return
    pauses = _pauses(timeout_s)
    with waiting(account):
        await asyncio.sleep(next(pauses))
        # The tables are another process's, so there is nothing to be woken by.
        while not _are_there(await database_call(projected), number, sequence):  # noqa: ASYNC110 - see above
            await asyncio.sleep(next(pauses))


def told_wait(account: int) -> None:
    """Wait until the tables have all an account was told, by whichever process: a read of its own is then not older.

    Raises:
        ApplicationError: `projection_behind`, or `database_busy` where nobody says what it was told.

    """
    here = told_here(shard())
    number = async_to_sync(_told_elsewhere)(account) if here is None else here.number_of(account)
    if number is None:
        try:
            number = head_of(shard()).number
        except DatabaseError as error:
            raise ApplicationError("database_busy") from error
    if number:
        projection_wait(number=number, account=account)
        if here is not None:
            here.projected(number)


async def told_await(account: int, *, number: int = 0) -> None:
    """Wait as `told_wait` does, without holding a thread meanwhile; for a batch of the journal too, if one is named.

    Raises:
        ApplicationError: `projection_behind`, `database_busy`.

    """
    here = told_here(shard())
    told = await _told_elsewhere(account) if here is None else here.number_of(account)
    if told is None:
        told = (await database_call(head_of, shard())).number
    if wanted := max(told, number):
        await projection_await(number=wanted, account=account)
        if here is not None:
            here.projected(wanted)


async def _told_elsewhere(account: int) -> int | None:
    """Ask the process the writer is in; None: it does not know, or does not answer."""
    question = msgspec.msgpack.encode(account)
    try:
        answer = await buses["default"].request(told_subject(shard()), question, timeout_s=_TOLD_S_MAX)
        return msgspec.msgpack.decode(answer, type=int | None)
    except (BusError, msgspec.DecodeError):
        return None


def _are_there(at: Projected, number: int, sequence: int) -> bool:
    return at.number >= number and at.sequence >= sequence


def _pauses(timeout_s: float) -> Iterator[float]:
    """Yield ever longer pauses in seconds, until the next would be too long."""
    end = time.monotonic() + timeout_s
    pause_s = _POLL_S_MIN
    while time.monotonic() + pause_s <= end:
        yield pause_s
        pause_s = min(pause_s * 2, _POLL_S_MAX)
    raise ApplicationError("projection_behind")


def _rows(model: type[Model], statement: str, values: list[int]) -> list[tuple[Any, ...]]:
    with connections[router.db_for_read(model)].cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def orders_current(order_ids: Iterable[int]) -> dict[int, OrderState]:
    """Read orders as they stand in the journal, however far the tables are; ids that are not there are left out.

    Raises:
        ApplicationError: `projection_behind`: the tables are too far behind to be made up for.

    """
    wanted = set(order_ids)
    after = projected().number
    found = {row[0]: OrderState.of_values(row) for row in _order_rows(_ORDERS, wanted)}
    for at, event in _tail(after):
        if isinstance(event, OrderAccepted | OrderRejected):
            if event.order_id in wanted and event.order_id not in found:
                found[event.order_id] = OrderState.of_event(event, at=at)
        elif isinstance(event, OrderChange):
            for order_id in order_ids_of(event):
                if order_id in found:
                    found[order_id].apply(event, at=at)
    return found


def order_terms_read(order_ids: Iterable[int]) -> dict[int, OrderTerms]:
    """Read what of orders never changes: as it does not, the tables need not be up to date to have it.

    Raises:
        ApplicationError: `projection_behind`: an order is not in the tables, and these are too far behind.

    """
    wanted = set(order_ids)
    found = {row[0]: OrderTerms(*row[1:]) for row in _order_rows(_TERMS, wanted)}
    if missing := wanted - found.keys():
        for order_id, state in orders_current(missing).items():
            found[order_id] = OrderTerms.of(state, client_order_id=state.client_order_id, created_at=state.created_at)
    return found


def _order_rows(statement: str, order_ids: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    """Read a row of each order that is in the tables, some hundred at a time."""
    ids = sorted(order_ids)
    for start in range(0, len(ids), _IDS_PER_QUERY):
        some = ids[start : start + _IDS_PER_QUERY]
        yield from _rows(Order, f"{statement}({', '.join(['%s'] * len(some))})", some)


def _tail(after: int) -> Iterator[tuple[int, AnyEvent]]:
    rows = _rows(JournalBatch, _TAIL, [shard(), after, TAIL_BATCHES_MAX + 1])
    for count, (at, events) in enumerate(rows, start=1):
        if count > TAIL_BATCHES_MAX:
            raise ApplicationError("projection_behind")
        for section in frame_split(bytes(events)):
            for event in section_decode(section):
                yield at, event


def order_of_account(account_id: int, order_id: int) -> Order | None:
    """Find one of an account's orders."""
    return Order.objects.of_account(account_id).filter(id=order_id).first()


def positions_of_account(account_id: int) -> QuerySet[Position]:
    """Return an account's positions in the order the instruments were listed, `with_base`."""
    return with_base(Position.objects.filter(account_id=account_id)).order_by("instrument_id")


def with_base(positions: QuerySet[Position]) -> QuerySet[Position]:
    """Read beside each what its account has of the base asset: `base_total`, and of that `base_held`."""
    beside = Balance.objects.filter(account_id=OuterRef("account_id"), asset_id=OuterRef("instrument__base_id"))
    found = {f"base_{name}": Coalesce(Subquery(beside.values(name)[:1]), 0) for name in ("total", "held")}
    return positions.annotate(**found)


async def id_find(*, account: int, client_order_id: str) -> IdFound:
    """Ask the writer whether it has seen an id; after the command's deadline a no is final.

    Raises:
        ApplicationError: `venue_unavailable`, `overloaded`.

    """
    return await gateway().query(IdQuery(account, client_order_id))


async def account_sequence_find(*, account: int) -> int:
    """Ask the writer for an account's last sequence; 0 for an account that is not there.

    Raises:
        ApplicationError: `venue_unavailable`, `overloaded`.

    """
    found = await gateway().query(AccountQuery(account))
    return 0 if found is None else found.account_sequence


async def sequence_find() -> int:
    """Ask the writer for the last event's sequence.

    Raises:
        ApplicationError: `venue_unavailable`, `overloaded`.

    """
    return (await gateway().query(StatsQuery())).sequence


class KillSwitchFound(NamedTuple):
    """The venue's kill switch as it stands behind the event with this sequence."""

    sequence: int
    on: bool


async def kill_switch_find() -> KillSwitchFound:
    """Ask the writer whether the venue's kill switch is on.

    Raises:
        ApplicationError: `venue_unavailable`.

    """
    stats = await gateway().query(StatsQuery())
    return KillSwitchFound(stats.sequence, on=bool(stats.killed))
