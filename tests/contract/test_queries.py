"""Queries are the engine's, byte for byte, and each answer is read whole into what its query says."""

from typing import Any

import msgspec
import pytest

from apps.accounts.codes import SelfTradePrevention
from apps.accounts.commands import RequestWithdrawal
from apps.marketdata.codes import InstrumentStatus, Side
from apps.orders.codes import OrderType, TimeInForce
from apps.orders.commands import OpenEpoch, OpenVenue, SetKillSwitch, SubmitOrder
from apps.orders.events import OrderAccepted
from apps.orders.matching import engine as rust
from cift.wire.queries import (
    QUERIES,
    AccountFound,
    AccountQuery,
    BalanceFound,
    BookFound,
    BookQuery,
    IdFound,
    IdQuery,
    OpenOrdersQuery,
    OrderFound,
    OrderQuery,
    PositionFound,
    Query,
    StatsQuery,
    WithdrawalFound,
    answer_decode,
    query_encode,
)
from tests.support.shard import AAPL, AAPL_USD, IDS_KEY, T0, USD, events_of, frame_of, opening

GOLDEN = [
    (IdQuery(3, "buy"), "930103a3627579"),
    (BookQuery(1, depth=10), "9302010a"),
    (OrderQuery(1 << 20), "9203ce00100000"),
    (AccountQuery(3), "920403"),
    (StatsQuery(), "9105"),
    (OpenOrdersQuery(1), "920601"),
]
MAKER, TAKER = 3, 4


def order(account: int, number: str, side: Side, *, price: int, quantity: int) -> SubmitOrder:
    return SubmitOrder(
        account=account,
        id=number,
        instrument=AAPL_USD,
        side=side,
        type=OrderType.LIMIT,
        tif=TimeInForce.GTC,
        flags=0,
        stp=SelfTradePrevention.CANCEL_NEWEST,
        price=price,
        quantity=quantity,
    )


@pytest.fixture(scope="module")
def asked() -> tuple[rust.Engine, int]:
    """An engine with a trade, an order of each side, a withdrawal and a kill switch; and the bid's id."""
    engine = rust.engine_new()
    engine.apply(frame_of(OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1), *opening()), number=1, at=T0)
    batch = engine.apply(
        frame_of(
            order(MAKER, "sell", Side.SELL, price=15_000, quantity=10),
            order(TAKER, "take", Side.BUY, price=15_000, quantity=4),
            order(MAKER, "buy", Side.BUY, price=14_000, quantity=7),
            RequestWithdrawal(account=MAKER, id="w-1", asset=AAPL, amount=5),
            SetKillSwitch(on=True),
        ),
        number=2,
        at=T0 + 1,
    )
    (bid,) = (event.order_id for event in events_of(batch) if isinstance(event, OrderAccepted) and event.id == "buy")
    return engine, bid


@pytest.mark.parametrize(("query", "encoded"), GOLDEN, ids=lambda value: type(value).__name__)
def test_a_query_s_bytes_are_what_they_always_were(query: Query[Any], encoded: str) -> None:
    assert query_encode(query).hex() == encoded


def test_every_query_has_golden_bytes_and_no_other_number_is_answered(asked: tuple[rust.Engine, int]) -> None:
    assert [type(query) for query, _ in GOLDEN] == list(QUERIES)
    for number in (0, len(QUERIES) + 1):
        with pytest.raises(rust.FrameError):
            asked[0].query(msgspec.msgpack.encode([number]))


@pytest.mark.parametrize("query", [query for query, _ in GOLDEN], ids=lambda query: type(query).__name__)
def test_no_field_of_an_answer_is_left_out(asked: tuple[rust.Engine, int], query: Query[Any]) -> None:
    engine, bid = asked
    answer = engine.query(query_encode(OrderQuery(bid) if isinstance(query, OrderQuery) else query))

    assert msgspec.msgpack.encode(answer_decode(query, answer)) == answer


def test_each_field_is_what_its_name_says(asked: tuple[rust.Engine, int]) -> None:
    engine, bid = asked
    opened = rust.ask(engine, OrderQuery(bid))
    account = rust.ask(engine, AccountQuery(MAKER))
    stats = rust.ask(engine, StatsQuery())

    assert opened == OrderFound(
        order_id=bid,
        account=MAKER,
        instrument=AAPL_USD,
        side=Side.BUY,
        price=14_000,
        quantity=7,
        leaves=7,
        hold=opened.hold if opened else 0,
    )
    assert opened.hold >= 7 * 14_000
    assert rust.ask(engine, IdQuery(MAKER, "buy")) == IdFound(found=True, order_id=bid, sequence=bid >> 20, open=True)
    assert rust.ask(engine, OpenOrdersQuery(AAPL_USD))[0] == opened
    book = rust.ask(engine, BookQuery(AAPL_USD))
    assert book == BookFound(
        instrument=AAPL_USD,
        instrument_sequence=book.instrument_sequence if book else 0,
        sequence=engine.sequence,
        bids=[(14_000, 7, 1)],
        asks=[(15_000, 6, 1)],
        last_price=15_000,
        status=InstrumentStatus.CONTINUOUS,
    )
    assert isinstance(account, AccountFound)
    held = {each.asset: each.held for each in account.balances}
    assert (held[USD], held[AAPL]) == (opened.hold, 6 + 5)
    assert isinstance(account.balances[0], BalanceFound)
    assert (account.killed, account.open_orders) == (False, 2)
    (position,) = account.positions
    assert (position.instrument, position.quantity, position.fees > 0) == (AAPL_USD, -4, True)
    assert isinstance(position, PositionFound)
    (withdrawal,) = account.withdrawals
    assert (withdrawal.id, withdrawal.asset, withdrawal.amount) == ("w-1", AAPL, 5)
    assert isinstance(withdrawal, WithdrawalFound)
    assert (stats.number, stats.sequence, stats.epoch) == (2, engine.sequence, 1)
    assert (stats.accounts, stats.instruments, stats.open_orders) == (6, 2, 2)
    assert (stats.engine_version, stats.killed) == (rust.ENGINE_VERSION, 1)


def test_what_is_not_there_is_none(asked: tuple[rust.Engine, int]) -> None:
    engine, bid = asked

    assert rust.ask(engine, BookQuery(99)) is None
    assert rust.ask(engine, OrderQuery(bid + 1)) is None
    assert rust.ask(engine, AccountQuery(99)) is None
    assert rust.ask(engine, OpenOrdersQuery(99)) == []
    assert rust.ask(engine, IdQuery(MAKER, "never")) == IdFound(found=False, order_id=0, sequence=0, open=False)


def test_an_answer_to_something_else_is_refused(asked: tuple[rust.Engine, int]) -> None:
    stats = asked[0].query(query_encode(StatsQuery()))

    with pytest.raises(msgspec.DecodeError):
        answer_decode(BookQuery(AAPL_USD), stats)
