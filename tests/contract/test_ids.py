"""The layout of ids is the engine's, as `apps.orders.ids` has it."""

import msgspec

from apps.orders.codes import Liquidity
from apps.orders.commands import OpenEpoch, OpenVenue
from apps.orders.events import OrderAccepted, OrderRejected, Trade
from apps.orders.ids import SEQUENCE_MAX, fill_id, fill_id_first, fill_trade, order_id_first, order_sequence
from apps.orders.matching import engine as rust
from apps.orders.matching.tables import WRITES, Rows
from tests.support.shard import IDS_KEY, T0, Flow, events_of, frame_of, opening


def traded() -> list[rust.Batch]:
    """Let an engine enter, refuse and match some hundred orders."""
    engine, flow = rust.engine_new(), Flow()
    frames = [[OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1), *opening()]]
    frames += [[flow.submit(), flow.submit(price=0), flow.submit()] for _ in range(100)]
    return [engine.apply(frame_of(*frame), number=number, at=T0 + number) for number, frame in enumerate(frames, 1)]


def test_orders_and_fills_are_numbered_as_the_engine_numbers_them() -> None:
    batches = traded()
    entered = [
        event for batch in batches for event in events_of(batch) if isinstance(event, OrderAccepted | OrderRejected)
    ]
    trades = {event.sequence for batch in batches for event in events_of(batch) if isinstance(event, Trade)}
    packed = rust.Projector().pack([(batch.number, batch.at, batch.events) for batch in batches])
    lists: list[Rows] = msgspec.msgpack.decode(packed)
    fills = lists[list(WRITES).index("fills")]

    assert {type(event) for event in entered} == {OrderAccepted, OrderRejected}
    for event in entered:
        assert order_sequence(event.order_id) == event.sequence
        assert order_id_first(event.sequence) <= event.order_id < order_id_first(event.sequence + 1)
    assert trades
    assert {row[0] for row in fills} == {fill_id(trade, liquidity) for trade in trades for liquidity in Liquidity}


def test_the_ids_of_a_sequence_are_a_range_of_their_own() -> None:
    for sequence in (1, 2, 1_000, SEQUENCE_MAX - 1):
        sides = [fill_id(sequence, liquidity) for liquidity in Liquidity]
        assert sides == [fill_id_first(sequence), fill_id_first(sequence + 1) - 1]
        assert {fill_trade(side) for side in sides} == {sequence}
        assert order_sequence(order_id_first(sequence)) == sequence
        assert order_sequence(order_id_first(sequence) - 1) == sequence - 1
    assert order_id_first(SEQUENCE_MAX) < 2**63
