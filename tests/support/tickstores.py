"""Stores of trades and candles with what a test gives them, and candles by their definition."""

from collections.abc import Callable, Mapping, Sequence

from django.db import connections

from apps.marketdata.candles.folding import Candle
from apps.marketdata.candles.intervals import NS_PER_S
from apps.marketdata.codes import Side
from apps.marketdata.ticks.base import Tick, TickStore
from apps.marketdata.ticks.questdb_tables import Place
from apps.marketdata.ticks.questdb_writing import TickRow
from apps.orders.codes import Liquidity
from apps.orders.ids import fill_id, order_id_first
from apps.orders.matching.candles import candle_projector_resumed
from apps.orders.matching.tables import WRITES
from apps.orders.models import Fill, JournalBatch, Projection
from apps.orders.ticks import FillTickStore
from tests.support.backoffice import instruments_make
from tests.support.questdb_server import QuestDBServer

SETTLED_S_MAX = 30.0

StoreMaker = Callable[[Mapping[int, Sequence[Tick]], Callable[[int], int], int], TickStore]
"""Makes a store that has instruments' trades, and follows a journal of a batch for each sequence up to a head.

It is given the trades, the time of a sequence in ns since epoch, and the head. A trade's notional is price × quantity.
"""


def of_questdb(server: QuestDBServer) -> StoreMaker:
    """Write the trades and the place as a worker does, and the journal's batches, one for each sequence."""

    def make(trades: Mapping[int, Sequence[Tick]], at_of: Callable[[int], int], head: int) -> TickStore:
        _journal_made(trades, at_of, head)
        content = repr((trades, head))
        if server.content == content:
            return server.store()
        writer = server.emptied()
        rows = [
            TickRow(instrument, tick.sequence, tick.price, tick.quantity, tick.price * tick.quantity, *tick[3:])
            for instrument, given in trades.items()
            for tick in given
        ]
        writer.trades_write(sorted(rows, key=lambda row: row.sequence))
        assert writer.place_write(0, Place(head, head, at_of(head)), timeout_s=SETTLED_S_MAX)
        assert writer.settled(timeout_s=SETTLED_S_MAX)
        server.content = content
        return server.store()

    return make


def of_the_fills_table(trades: Mapping[int, Sequence[Tick]], at_of: Callable[[int], int], head: int) -> TickStore:
    """Write the fills of both sides and the candles, and the journal's batches, one for each sequence."""
    _journal_made(trades, at_of, head)
    fills = [
        Fill(
            id=fill_id(trade.sequence, liquidity), order_id=order_id_first(1), account_id=3, instrument_id=instrument,
            side=trade.taker_side if liquidity is Liquidity.TAKER else Side(1 - trade.taker_side),
            price=trade.price, quantity=trade.quantity, notional=trade.price * trade.quantity, fee=0,
            liquidity=liquidity, trade_id=trade.sequence, executed_at=trade.at,
        )
        for instrument, given in trades.items()
        for trade in given
        for liquidity in Liquidity
    ]  # fmt: skip
    Fill.objects.bulk_create(fills)
    rows = Fill.objects.order_by("id").values_list(*WRITES["fills"].columns)
    with connections["default"].cursor() as cursor:
        candle_projector_resumed(0).write(cursor, list(rows))
    Projection.objects.create(
        shard=0, last_number=head, last_sequence=head, chain=bytes(32), updated_at=at_of(head) if head else 0
    )
    return FillTickStore()


def _journal_made(trades: Mapping[int, Sequence[Tick]], at_of: Callable[[int], int], head: int) -> None:
    instruments_make(len(trades))
    JournalBatch.objects.bulk_create(
        JournalBatch(
            shard=0, number=n, epoch=1, first_sequence=n, last_sequence=n, at=at_of(n),
            engine_version=1, commands=b"", events=b"", chain=bytes(32),
        )
        for n in range(1, head + 1)
    )  # fmt: skip


def summed(trades: Sequence[Tick], interval_s: int) -> list[Candle]:
    """The candles of trades by their definition."""
    step = interval_s * NS_PER_S
    listed: dict[int, list[Tick]] = {}
    for trade in trades:
        listed.setdefault(trade.at // step * step, []).append(trade)
    return [
        Candle(
            start_at=start,
            open=found[0].price,
            high=max(trade.price for trade in found),
            low=min(trade.price for trade in found),
            close=found[-1].price,
            volume=sum(trade.quantity for trade in found),
            notional=sum(trade.price * trade.quantity for trade in found),
            trades=len(found),
            first_sequence=found[0].sequence,
            last_sequence=found[-1].sequence,
        )
        for start, found in sorted(listed.items())
    ]
