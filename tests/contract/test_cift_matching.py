"""The Rust module as Python sees it: its stub is true, its errors are few, its threads are free."""

import subprocess
import sys
import threading
import time
from typing import Any

import cift_matching
import msgspec
import pytest
from cift_matching import ENGINE_VERSION, Engine, EngineError, FrameError, Projector, SnapshotError

from cift.wire.base import frame_pack

AT = 1_700_000_000_000_000_000


def encode(*fields: object) -> bytes:
    return msgspec.msgpack.encode(fields)


def opened() -> Engine:
    engine = Engine()
    engine.apply(frame_pack([encode(1, 1, bytes(16)), encode(2, 1, 1), encode(30, 1, 0, "USD", 2)]), number=1, at=AT)
    return engine


def test_the_stub_is_what_the_module_is() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "cift_matching"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_batch_is_a_journal_row() -> None:
    engine = opened()
    commands = frame_pack([encode(2, 1, 2), b"no command"])
    batch = engine.apply(commands, number=2, at=AT + 5)
    assert (batch.number, batch.at, batch.count) == (2, AT + 5, 2)
    assert (batch.first_sequence, batch.last_sequence) == (4, 5)
    assert batch.commands is commands
    assert batch.events is batch.events
    assert (engine.number, engine.at, engine.sequence, engine.epoch) == (2, AT + 5, 5, 2)
    assert engine.chain == batch.chain
    told = [msgspec.msgpack.decode(section) for section in cift_matching.sections(batch.events)[:2]]
    assert told == [[2, 4, 2, cift_matching.ENGINE_VERSION], [4, 5, 0, 901, 0, ""]]
    replies = [msgspec.msgpack.decode(reply) for reply in batch.replies()]
    assert replies == [[2, AT + 5, section] for section in cift_matching.sections(batch.events)[:2]]


def test_a_batch_and_the_engine_tell_of_the_venue_s_kill_switch() -> None:
    engine = opened()
    before = engine.sequence
    for number, (switches, told) in enumerate(
        [([True], (before + 1, True)), ([False, True, False], (before + 4, False)), ([], None)], start=2
    ):
        frame = frame_pack([encode(34, 1, 0, on) for on in switches] or [encode(2, 1, 2)])
        batch = engine.apply(frame, number=number, at=AT + number)
        assert batch.kill_switch == told
        # Behind all that was there before: who reads the numbers before it finds them where they were.
        *_, version, on = msgspec.msgpack.decode(engine.query(encode(5)), type=list[int])
        assert (version, on) == (ENGINE_VERSION, int(switches == [True]))


def test_the_chain_is_worked_out_from_the_row_alone() -> None:
    engine = Engine()
    batch = engine.apply(frame_pack([encode(1, 1, bytes(16))]), number=1, at=AT)
    row = (batch.number, batch.at, batch.engine_version, batch.commands, batch.events)
    assert cift_matching.verify_chain(bytes(32), *row) == batch.chain
    assert cift_matching.verify_chain(b"\1" * 32, *row) != batch.chain
    with pytest.raises(ValueError, match="32"):
        cift_matching.verify_chain(bytes(31), *row)


def test_rows_of_the_journal_are_held_against_what_their_commands_give() -> None:
    engine = opened()
    rows = []
    for number in range(2, 5):
        batch = engine.apply(frame_pack([encode(20, 1, f"id-{number}", 0, 1, 0)]), number=number, at=AT + number)
        sequences = (batch.first_sequence, batch.last_sequence)
        rows.append((number, 1, *sequences, batch.at, ENGINE_VERSION, batch.commands, batch.events, batch.chain))
    again = opened()
    assert again.retrace(rows[:1]) is None
    assert again.retrace(rows[1:]) is None
    assert (again.chain, again.state_hash()) == (engine.chain, engine.state_hash())
    assert opened().retrace(rows[1:]) == (2, "the batch is missing")
    for column, value in enumerate([9, 9, 9, 9, AT, 9, b"", b"", bytes(32)]):
        untrue: Any = (*rows[1][:column], value, *rows[1][column + 1 :])
        found = opened().retrace([rows[0], untrue, rows[2]])
        assert found is not None, f"column {column}"
        assert found[0] == 3
    text: Any = (*rows[0][:6], "text", *rows[0][7:])
    assert opened().retrace([text]) == (2, "its columns are of other types")


@pytest.mark.parametrize(
    ("commands", "number", "at"),
    [
        (b"", 2, AT),
        (b"\1", 2, AT),
        (frame_pack([encode(2, 1, 2)])[:-1], 2, AT),
        (frame_pack([bytes(65_537)]), 2, AT),
        (frame_pack([b""] * 1_001), 2, AT),
        (frame_pack([encode(2, 1, 2)]), 1, AT),
        (frame_pack([encode(2, 1, 2)]), 3, AT),
        (frame_pack([encode(2, 1, 2)]), 2, AT - 1),
    ],
)
def test_a_refused_frame_changes_nothing(commands: bytes, number: int, at: int) -> None:
    engine = opened()
    before = engine.snapshot()
    with pytest.raises(FrameError):
        engine.apply(commands, number=number, at=at)
    assert engine.snapshot() == before


def test_every_error_is_an_engine_error() -> None:
    assert issubclass(FrameError, EngineError)
    assert issubclass(SnapshotError, EngineError)
    assert issubclass(EngineError, ValueError)
    for bound in ({"open_orders_max": 0}, {"open_orders_max": 1 << 20}, {"ids_max": 0}, {"ids_max": 1 << 22}):
        with pytest.raises(EngineError):
            Engine(**bound)
    with pytest.raises(FrameError):
        opened().query(b"\xc1")
    with pytest.raises(FrameError):
        cift_matching.sections(b"\1\0\0\0")
    with pytest.raises(FrameError):
        Projector().pack([(1, 1, b"\1\0\0\0\xc0")])
    with pytest.raises(FrameError):
        Projector().seed(assets=[], instruments=[(1, 1, 2, 2)])


def test_a_snapshot_goes_on_where_it_was_taken() -> None:
    engine = opened()
    again = Engine.restore(engine.snapshot())
    assert (again.number, again.at, again.chain, again.epoch) == (1, AT, engine.chain, 1)
    assert again.state_hash() == engine.state_hash()
    commands = frame_pack([encode(20, 1, "alice", 0, 1, 0)])
    one, other = (shard.apply(commands, number=2, at=AT + 1) for shard in (engine, again))
    assert (one.events, one.chain) == (other.events, other.chain)
    assert engine.validate() is None


@pytest.mark.parametrize("place", [0, 8, 40, -1])
def test_a_damaged_snapshot_is_refused(place: int) -> None:
    damaged = bytearray(opened().snapshot())
    damaged[place] ^= 1
    with pytest.raises(SnapshotError):
        Engine.restore(bytes(damaged))
    with pytest.raises(SnapshotError):
        Engine.restore(bytes(damaged[:20]))


def test_other_threads_run_while_a_batch_is_applied() -> None:
    """With no switching by the clock, another thread runs inside `apply` only because `apply` lets go."""
    engine = opened()
    inside, met = False, False

    def work() -> None:
        nonlocal inside
        for number in range(2, 2_002):
            commands = frame_pack([encode(20, 1, f"{number}-{i}", 0, 1, 0) for i in range(100)])
            inside = True
            engine.apply(commands, number=number, at=AT)
            inside = False
            if met:
                return

    worker = threading.Thread(target=work)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(600)
    try:
        worker.start()
        while worker.is_alive():
            met = met or inside
            time.sleep(0)
        worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert met
    assert msgspec.msgpack.decode(engine.query(encode(5)))[0] == engine.number
