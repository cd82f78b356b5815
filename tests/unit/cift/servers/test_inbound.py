import asyncio
from collections.abc import Callable

import pytest
from pytest_django import Settings

from cift.servers.inbound import HELD_S_MAX, READ_AGAIN_S, Inbound
from tests.support.abusers import CLOSE, CONTINUATION, FINAL, PING, PONG, TEXT, frame

BINARY = 0x2
# RFC 6455, 5.2: lengths of 7 bits, of 16 and of 64.
LENGTHS = (0, 1, 125, 126, 65_535, 65_536)


class Socket:
    """A receiver that keeps what it is given."""

    def __init__(self, *, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.inbound = Inbound(self, loop=asyncio.get_running_loop(), clock=clock)
        self.parts: list[bytes] = []
        self.ends: list[tuple[int, str]] = []
        self.has_room, self.is_gone, self.reads = True, False, True

    def deliver(self, data: bytes) -> None:
        self.parts.append(data)

    def reading_pause(self) -> None:
        self.reads = False

    def reading_resume(self) -> None:
        self.reads = True

    def end(self, code: int, reason: str) -> None:
        self.ends.append((code, reason))

    async def looked_again(self) -> bytes:
        """Wait until all that can be handed on was; give it."""
        seen = -1
        while seen != len(self.parts):
            seen = len(self.parts)
            await asyncio.sleep(2 * READ_AGAIN_S)
        return b"".join(self.parts)


@pytest.fixture
def _limits(settings: Settings) -> None:
    # Windows so long that none ends in a test.
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "frames-socket": (100, 3600), "frames-address": (150, 3600)}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000, 1_000_000])
async def test_frames_arrive_as_they_were_sent_however_they_are_cut(size: int) -> None:
    socket = Socket()
    sent = b"".join(
        frame(FINAL | opcode, b"x" * length) for opcode in (TEXT, PING) for length in LENGTHS[: 4 if size < 100 else 6]
    )

    for start in range(0, len(sent), size):
        socket.inbound.feed(sent[start : start + size])

    assert await socket.looked_again() == sent
    assert socket.reads
    assert socket.ends == []


FLOODS = {
    "whole messages": (FINAL | TEXT, 100),
    "whole binary messages": (FINAL | BINARY, 100),
    "beginnings of messages": (TEXT, 10),
    "empty fragments": (CONTINUATION, 10),
    "ends of messages": (FINAL | CONTINUATION, 10),
    "pings": (FINAL | PING, 10),
    "pongs": (FINAL | PONG, 10),
    "closes": (FINAL | CLOSE, 10),
}


@pytest.mark.usefixtures("_limits")
@pytest.mark.parametrize("name", FLOODS)
async def test_no_more_frames_of_any_kind_are_worked_on_than_there_are_places(name: str) -> None:
    first, places = FLOODS[name]
    socket = Socket()

    socket.inbound.feed(frame(first) * 1_000)

    assert await socket.looked_again() == frame(first) * places
    assert not socket.reads


@pytest.mark.usefixtures("_limits")
async def test_a_large_frame_takes_more_places_and_so_do_reads_without_a_frame() -> None:
    large, dripped = Socket(), Socket()

    large.inbound.feed(frame(FINAL | TEXT, b"x" * 40_960) * 50)
    for byte in frame(FINAL | TEXT, b"x" * 1_000):
        dripped.inbound.feed(bytes([byte]))

    # One for the frame and ten for its bytes; nine of them fit into a hundred.
    assert await large.looked_again() == frame(FINAL | TEXT, b"x" * 40_960) * 9
    # The head in one piece, then a place for each byte.
    assert len(await dripped.looked_again()) == len(frame(FINAL | TEXT, b"x" * 1_000)) - 1_000 + 99


@pytest.mark.usefixtures("_limits")
async def test_the_sockets_of_an_address_share_its_places() -> None:
    sockets = [Socket(), Socket(), Socket()]
    for socket, address in zip(sockets, ("192.0.2.1", "192.0.2.1", "192.0.2.2"), strict=True):
        socket.inbound.address = address
        socket.inbound.feed(frame(FINAL | TEXT) * 1_000)
        await socket.looked_again()

    counts = [len(b"".join(socket.parts)) // len(frame(TEXT)) for socket in sockets]

    # The limit is 150 for an address; ten of what is left are no whole slice.
    assert counts[0] == 100
    assert counts[1] == 40
    assert counts[2] == 100


@pytest.mark.usefixtures("_limits")
async def test_who_goes_on_over_the_limit_is_closed_once() -> None:
    now = [0.0]
    socket = Socket(clock=lambda: now[0])
    socket.inbound.feed(frame(FINAL | PING) * 1_000)
    await socket.looked_again()
    assert socket.ends == []

    for now[0] in (0.9, 1.8, 2.7, 3.6, 4.5):
        await socket.looked_again()
    assert socket.ends == []
    now[0] = HELD_S_MAX
    await socket.looked_again()
    now[0] = HELD_S_MAX + 0.5
    await socket.looked_again()

    assert socket.ends == [(4029, "rate_limited")]


@pytest.mark.usefixtures("_limits")
async def test_who_was_held_back_long_ago_is_not_closed_for_it() -> None:
    now = [0.0]
    socket = Socket(clock=lambda: now[0])
    socket.inbound.feed(frame(FINAL | PING) * 11)
    await socket.looked_again()

    now[0] = 2 * HELD_S_MAX
    await socket.looked_again()

    assert socket.ends == []


async def test_nothing_is_handed_on_while_there_is_no_room() -> None:
    socket = Socket()
    socket.has_room = False
    socket.inbound.feed(frame(FINAL | TEXT, b"1"))
    socket.inbound.feed(frame(FINAL | TEXT, b"2"))

    assert await socket.looked_again() == b""
    assert not socket.reads
    socket.has_room = True
    socket.inbound.go_on()

    assert await socket.looked_again() == frame(FINAL | TEXT, b"1") + frame(FINAL | TEXT, b"2")
    assert socket.reads


async def test_what_is_sent_at_once_is_handed_on_in_slices_between_which_others_have_their_turn() -> None:
    socket = Socket()
    seen: list[int] = []

    def other() -> None:
        seen.append(len(socket.parts))
        if len(seen) < 100:
            asyncio.get_running_loop().call_soon(other)

    other()
    socket.inbound.feed(frame(FINAL | PING, b"x") * 100)
    await socket.looked_again()

    assert len(socket.parts) == 50
    assert len(set(seen)) > 25


async def test_nothing_is_handed_to_who_is_gone() -> None:
    socket = Socket()
    socket.is_gone = True
    socket.inbound.feed(frame(FINAL | TEXT))

    assert await socket.looked_again() == b""
