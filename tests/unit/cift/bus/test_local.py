import asyncio
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from cift.bus.address import socket_path
from cift.bus.base import BusInUse
from cift.bus.frames import Frame, Op, frame_encode, frame_read
from cift.bus.local import LocalBus


async def test_the_socket_is_its_owner_s_alone_and_goes_with_its_host(tmp_path: Path) -> None:
    path = tmp_path / "bus.sock"
    bus = LocalBus(socket=path)
    await bus.start()
    mode = stat.S_IMODE(path.stat().st_mode)
    await bus.close()

    assert mode == 0o600
    assert not path.exists()


async def test_a_socket_whose_host_was_killed_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "bus.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()

    bus = LocalBus(socket=path)
    await bus.start()
    await bus.close()


async def test_a_path_too_long_for_a_socket_is_replaced_by_one_every_process_finds(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    host, user = LocalBus(socket=deep / "bus.sock"), LocalBus(socket=deep / "bus.sock")

    async def echo(payload: bytes) -> bytes:
        return payload

    await host.start()
    await host.respond("echo", echo)
    answer = await user.request("echo", b"hello", timeout_s=1)
    await user.close()
    await host.close()

    assert answer == b"hello"


def test_two_long_paths_have_two_sockets(tmp_path: Path) -> None:
    one, other = tmp_path / ("a" * 120) / "bus.sock", tmp_path / ("b" * 120) / "bus.sock"

    assert socket_path(one) == socket_path(one)
    assert socket_path(one) != socket_path(other)


def test_a_folder_for_short_paths_that_others_may_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / f"cift-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"cift-{os.getuid()}").chmod(0o777)

    with pytest.raises(PermissionError, match="use a shorter CIFT_DATA_DIR"):
        socket_path(tmp_path / ("a" * 120) / "bus.sock")


async def test_responding_before_the_bus_is_started_says_so(tmp_path: Path) -> None:
    async def echo(payload: bytes) -> bytes:
        return payload

    with pytest.raises(BusInUse, match="start the bus"):
        await LocalBus(socket=tmp_path / "bus.sock").respond("echo", echo)


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff",
        b"\x03\x00\x00\x00abc",
        frame_encode(Frame(Op.ANSWER, 1)),
        frame_encode(Frame(Op.SUBSCRIBE, 1, "a")) * 2,
    ],
    ids=["a length above the bound", "no MessagePack", "a host's frame", "a subscription twice"],
)
async def test_a_process_that_breaks_the_protocol_is_cut_off_alone(tmp_path: Path, sent: bytes) -> None:
    path = tmp_path / "bus.sock"
    host, user = LocalBus(socket=path), LocalBus(socket=path)

    async def echo(payload: bytes) -> bytes:
        return payload

    await host.start()
    await host.respond("echo", echo)
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(sent)
    async with asyncio.timeout(2):
        while await reader.read(1024):
            pass
    writer.close()

    assert await user.request("echo", b"still here", timeout_s=1) == b"still here"
    await user.close()
    await host.close()


async def test_frames_survive_being_cut_anywhere() -> None:
    frame = Frame(Op.MESSAGE, 7, "book.1", b"payload")
    reader = asyncio.StreamReader()
    task = asyncio.create_task(frame_read(reader))
    for byte in frame_encode(frame):
        reader.feed_data(bytes([byte]))
        await asyncio.sleep(0)

    assert await task == frame
