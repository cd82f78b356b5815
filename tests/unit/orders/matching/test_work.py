"""Counting a frame's commands at the door, and answering without the engine."""

import msgspec
import pytest

from apps.orders.matching.work import commands_count, refusal
from cift.wire.base import COMMAND_BYTES_MAX, COMMANDS_PER_FRAME_MAX, FrameDamagedError, frame_pack


@pytest.mark.parametrize("lengths", [[0], [1], [5, 0, 3], [COMMAND_BYTES_MAX], [1] * COMMANDS_PER_FRAME_MAX])
def test_a_whole_frame_is_counted(lengths: list[int]) -> None:
    assert commands_count(frame_pack(bytes(length) for length in lengths)) == len(lengths)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x01",
        b"\x01\x00\x00\x00",
        b"\x02\x00\x00\x00a",
        b"\x01\x00\x00\x00ab",
        b"\xff\xff\xff\xff",
        frame_pack([bytes(COMMAND_BYTES_MAX + 1)]),
        frame_pack([b"a"] * (COMMANDS_PER_FRAME_MAX + 1)),
    ],
)
def test_a_frame_that_is_damaged_or_above_a_bound_is_none(frame: bytes) -> None:
    with pytest.raises(FrameDamagedError):
        commands_count(frame)


def test_each_command_is_refused_with_the_code() -> None:
    assert msgspec.msgpack.decode(refusal("overloaded", 3)) == [["overloaded"]] * 3
