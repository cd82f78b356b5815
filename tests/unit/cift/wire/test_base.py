import msgspec
import pytest

from apps.orders.commands import CancelOrder, SetKillSwitch
from apps.orders.events import KillSwitchSet, VenueOpened, section_decode
from cift.wire.base import FrameDamagedError, command_encode, frame_pack, frame_split, messages_split


def test_a_frame_is_taken_apart_as_it_was_put_together() -> None:
    parts = [command_encode(CancelOrder(account=3, order_id=7)), b"", command_encode(SetKillSwitch(on=True))]

    assert frame_split(frame_pack(parts)) == parts


@pytest.mark.parametrize("frame", [b"\x01", b"\x05\x00\x00\x00abcd", b"\xff\xff\xff\xff"])
def test_a_frame_that_ends_too_early_is_refused(frame: bytes) -> None:
    with pytest.raises(FrameDamagedError):
        frame_split(frame)


def test_a_section_is_cut_at_its_events() -> None:
    events = (VenueOpened(sequence=1), KillSwitchSet(sequence=2, on=True))
    section = b"".join(msgspec.msgpack.encode(event) for event in events)

    assert tuple(section_decode(section)) == events
    assert len(list(messages_split(section))) == 2


def test_a_section_that_ends_inside_an_event_is_refused() -> None:
    with pytest.raises(FrameDamagedError):
        list(messages_split(b"\x92\x01"))
