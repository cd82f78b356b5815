"""The columns rows are written to, held against what Rust packs."""

import msgspec

from apps.orders.commands import OpenEpoch, OpenVenue
from apps.orders.matching import engine as rust
from apps.orders.matching.tables import WRITES
from apps.orders.models import Fill, Order
from cift.wire.base import Command
from tests.support.shard import IDS_KEY, T0, Flow, events_of, frame_of, opening


def test_every_list_of_a_pack_fits_its_columns() -> None:
    engine, packer, flow = rust.engine_new(), rust.Projector(), Flow()
    seen: set[str] = set()
    for number in range(1, 200):
        commands: list[Command] = flow.commands(10)
        if number == 1:
            commands = [OpenVenue(hash_key=IDS_KEY), OpenEpoch(epoch=1), *opening()]
        batch = engine.apply(frame_of(*commands), number=number, at=T0 + number)
        flow.see(events_of(batch))
        lists = msgspec.msgpack.decode(packer.pack([(batch.number, batch.at, batch.events)]))
        assert len(lists) == len(WRITES) + 1
        assert lists[-1] == [[number, batch.last_sequence, batch.at]]
        for (name, write), rows in zip(WRITES.items(), lists, strict=False):
            width = len(write.columns) - (name == "venue")  # the shard stands before it
            assert all(len(row) == width for row in rows), name
            seen.update([name] if rows else [])
    assert seen == set(WRITES)


def test_orders_and_fills_are_written_whole() -> None:
    for model, name in ((Order, "orders_new"), (Fill, "fills")):
        assert WRITES[name].columns == tuple(field.column for field in model._meta.concrete_fields)
