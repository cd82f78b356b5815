"""What every store of trades promises, held against each of them."""

from collections.abc import Sequence

import pytest

from apps.marketdata.codes import Side
from apps.marketdata.ticks.base import Tick, TickStore
from apps.orders.codes import Liquidity
from apps.orders.ids import fill_id, order_id_first
from apps.orders.models import Fill, JournalBatch, Projection
from apps.orders.ticks import FillTickStore
from cift.errors.application import ApplicationError

T0 = 1_700_000_000_000_000_000
STEP_NS = 1_000
INSTRUMENT, OTHER = 1, 2
HEAD = 60
"""The last sequence; every third is a trade of the instrument, the one behind it a trade of the other."""

TRADES = [Tick(n, 100 + n, n, Side.BUY if n % 2 else Side.SELL, T0 + n * STEP_NS) for n in range(3, HEAD + 1, 3)]
SEQUENCES = [trade.sequence for trade in TRADES]


def of_the_fills_table() -> TickStore:
    """Write the fills of both sides, and the journal's batches, one for each sequence."""
    JournalBatch.objects.bulk_create(
        JournalBatch(
            shard=0, number=n, epoch=1, first_sequence=n, last_sequence=n, at=T0 + n * STEP_NS,
            engine_version=1, commands=b"", events=b"", chain=bytes(32),
        )
        for n in range(1, HEAD + 1)
    )  # fmt: skip
    others = [trade._replace(sequence=trade.sequence + 1, at=trade.at + STEP_NS) for trade in TRADES[:-1]]
    Fill.objects.bulk_create(
        Fill(
            id=fill_id(trade.sequence, liquidity), order_id=order_id_first(1), account_id=3, instrument_id=instrument,
            side=trade.taker_side if liquidity is Liquidity.TAKER else Side(1 - trade.taker_side),
            price=trade.price, quantity=trade.quantity, notional=1, fee=0, liquidity=liquidity,
            trade_id=trade.sequence, executed_at=trade.at,
        )
        for instrument, trades in ((INSTRUMENT, TRADES), (OTHER, others))
        for trade in trades
        for liquidity in Liquidity
    )  # fmt: skip
    Projection.objects.create(shard=0, last_number=HEAD, last_sequence=HEAD, chain=bytes(32), updated_at=T0)
    return FillTickStore()


@pytest.fixture(params=[of_the_fills_table])
def store(request: pytest.FixtureRequest, databases: str) -> TickStore:
    made: TickStore = request.param()
    return made


def sequences(ticks: Sequence[Tick]) -> list[int]:
    return [tick.sequence for tick in ticks]


def page(
    store: TickStore,
    *,
    limit: int = 5,
    cursor: int | None = None,
    newer: bool = False,
    start: int | None = None,
    end: int | None = None,
) -> list[int]:
    found = store.trades_page(INSTRUMENT, limit=limit, cursor=cursor, newer=newer, start=start, end=end)
    return sequences(found)


def test_the_last_trades_are_an_instrument_s_own_whole_and_oldest_first(store: TickStore) -> None:
    assert store.trades_last(INSTRUMENT, after=0, up_to=HEAD, limit=100) == TRADES
    assert store.trades_last(INSTRUMENT, after=0, up_to=HEAD, limit=2) == TRADES[-2:]
    assert store.trades_last(99, after=0, up_to=HEAD, limit=100) == []


def test_the_last_trades_are_behind_one_sequence_and_up_to_another(store: TickStore) -> None:
    def last(after: int, up_to: int) -> list[int]:
        return sequences(store.trades_last(INSTRUMENT, after=after, up_to=up_to, limit=100))

    assert last(9, 15) == [12, 15]
    assert last(8, 14) == [9, 12]
    assert last(15, 15) == []


def test_trades_that_are_not_there_yet_are_waited_for_no_longer_than_a_bound(store: TickStore) -> None:
    with pytest.raises(ApplicationError) as caught:
        store.trades_last(INSTRUMENT, after=0, up_to=HEAD + 1, limit=1)

    assert caught.value.code == "projection_behind"


def test_a_page_goes_on_from_a_cursor_either_way(store: TickStore) -> None:
    newest = SEQUENCES[::-1]

    assert page(store) == newest[:5]
    assert page(store, cursor=newest[4]) == newest[5:10]
    assert page(store, cursor=newest[5], newer=True) == newest[4::-1]
    assert page(store, cursor=newest[5] + 1) == newest[5:10], "a cursor that is no trade's is a place all the same"
    assert page(store, cursor=SEQUENCES[0]) == []
    assert page(store, cursor=newest[0], newer=True) == []


def test_a_cursor_no_sequence_can_have_is_behind_them_all(store: TickStore) -> None:
    assert page(store, cursor=2**63 - 1) == page(store)
    assert page(store, cursor=2**63 - 1, newer=True) == []


def test_a_span_of_time_begins_with_its_start_and_ends_before_its_end(store: TickStore) -> None:
    start, end = TRADES[3].at, TRADES[6].at

    assert page(store, start=start, end=end) == SEQUENCES[5:2:-1]
    assert page(store, start=start + 1, end=end + 1) == SEQUENCES[6:3:-1]
    assert page(store, start=start, end=end, cursor=SEQUENCES[5]) == SEQUENCES[4:2:-1]
    assert page(store, start=start, end=end, cursor=SEQUENCES[3], newer=True) == SEQUENCES[4:6]
    assert page(store, start=end, end=start) == []
    assert page(store, start=2**64) == []
    assert page(store, end=T0) == []
