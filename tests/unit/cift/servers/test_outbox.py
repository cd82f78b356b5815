import asyncio

from cift.servers import outbox as module
from cift.servers.frames import CLOSE_SLOW
from tests.support.readers import Reader


class CatchUp:
    """Counts how often it was woken."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


async def test_who_keeps_up_is_sent_each_message_at_once() -> None:
    reader = Reader()
    reader.outbox.put(b"1")
    reader.outbox.put_all([b"2", b"3"])

    assert reader.texts() == ["1", "[2,3]"]


async def test_what_waited_is_put_together_and_an_answer_keeps_its_place_and_frame() -> None:
    reader = Reader()
    reader.writer.room = False
    for text, alone in ((b"1", False), (b"2", False), (b'"answer"', True), (b"3", False)):
        reader.outbox.put(text, alone=alone)
    assert reader.texts() == []

    reader.writer.drain()

    assert reader.texts() == ["[1,2]", '"answer"', "3"]
    assert not reader.outbox.is_behind


async def test_frames_of_what_waited_are_bounded() -> None:
    reader = Reader()
    reader.writer.room = False
    for _ in range(200):
        reader.outbox.put(b"x" * 1_000)

    reader.writer.drain()

    frames = reader.texts()
    assert len(frames) > 1
    assert max(map(len, frames)) < 70_000


async def test_a_reader_too_far_behind_is_cut_and_what_waits_is_dropped() -> None:
    reader = Reader()
    reader.writer.room = False
    for _ in range(module.BYTES_MAX // 1_000 + 2):
        reader.outbox.put(b"x" * 1_000)

    assert reader.outbox.ended
    assert reader.writer.closed == (CLOSE_SLOW, "slow_consumer")
    reader.writer.drain()
    assert reader.texts() == []


async def test_what_a_reader_missed_is_sent_as_it_takes_it_however_much_it_is() -> None:
    reader = Reader(bytes_max=64 * 1024)
    missed = [b"%06d" % number + b"x" * 594 for number in range(2_500)]
    reader.outbox.put(b"answer", alone=True)
    reader.outbox.put_owed(missed)
    reader.outbox.put(b"news", alone=True)
    held: list[int] = []
    told: list[str] = []
    while reader.writer.frames:
        held.append(sum(map(len, reader.writer.frames)))
        told += [text for frame in reader.texts() for text in frame.strip("[]").split(",")]
        reader.writer.drain()

    # The server never holds more than it has room for, and one frame.
    assert max(held) < 64 * 1024 + module.FRAME_BYTES_MAX + 1_000
    assert told == ["answer", *(text.decode() for text in missed), "news"]
    assert not reader.outbox.ended


async def test_what_comes_behind_what_a_reader_missed_is_bounded_as_ever() -> None:
    reader = Reader()
    reader.writer.room = False
    reader.outbox.put_owed([b"x" * 1_000] * 2_000)
    for _ in range(module.BYTES_MAX // 1_000):
        reader.outbox.put(b"x" * 1_000)
    assert not reader.outbox.ended
    reader.outbox.put(b"x" * 1_000)

    assert reader.writer.closed == (CLOSE_SLOW, "slow_consumer")


async def test_who_has_not_taken_what_it_missed_is_not_given_it_again_and_again() -> None:
    reader = Reader()
    reader.writer.room = False
    reader.outbox.put_owed([b"x" * 1_000] * 1_000)
    reader.outbox.put_owed([b"x" * 1_000] * 1_000)
    assert not reader.outbox.ended
    reader.outbox.put_owed([b"x" * 1_000] * 1_000)

    assert reader.writer.closed == (CLOSE_SLOW, "slow_consumer")
    reader.writer.drain()
    assert reader.texts() == []


async def test_who_does_not_take_what_it_missed_is_cut() -> None:
    now = [0.0]
    reader = Reader(clock=lambda: now[0])
    reader.writer.room = False
    reader.outbox.put_owed([b"1"])
    reader.outbox.check()
    assert not reader.outbox.ended
    now[0] += module.AGE_S_MAX + 0.1
    reader.outbox.check()

    assert reader.writer.closed == (CLOSE_SLOW, "slow_consumer")


async def test_one_large_message_passes_a_reader_that_keeps_up() -> None:
    reader = Reader()
    reader.outbox.put(b"x" * (module.BYTES_MAX * 3))

    assert len(reader.texts()) == 1
    assert not reader.outbox.ended


async def test_a_reader_too_late_is_cut() -> None:
    now = [0.0]
    reader = Reader(clock=lambda: now[0])
    reader.writer.room = False
    reader.outbox.put(b"1")
    now[0] += module.AGE_S_MAX + 0.1
    reader.outbox.check()

    assert reader.writer.closed == (CLOSE_SLOW, "slow_consumer")


async def test_a_reader_that_is_late_with_the_server_s_own_is_cut_though_nothing_waits() -> None:
    now = [0.0]
    reader, feed = Reader(clock=lambda: now[0]), CatchUp()
    reader.writer.room = False
    reader.outbox.miss(feed)
    now[0] += module.AGE_S_MAX + 0.1
    reader.outbox.check()

    assert reader.outbox.ended


async def test_feeds_are_woken_when_all_that_waited_has_gone() -> None:
    reader, feed = Reader(), CatchUp()
    reader.writer.room = False
    reader.outbox.put(b"1")
    reader.outbox.miss(feed)
    assert feed.woken == 0

    reader.writer.drain()

    assert (reader.texts(), feed.woken) == (["1"], 1)


async def test_room_is_waited_for() -> None:
    reader = Reader()
    await reader.outbox.wait_room()
    reader.writer.room = False
    waiting = asyncio.create_task(reader.outbox.wait_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    reader.writer.drain()
    await waiting

    reader.writer.room = False
    waiting = asyncio.create_task(reader.outbox.wait_room())
    await asyncio.sleep(0)
    reader.outbox.finish(1012, "service_restart")
    await waiting


async def test_what_waits_is_sent_before_an_orderly_end() -> None:
    reader = Reader()
    reader.writer.room = False
    reader.outbox.put(b"1")
    reader.outbox.finish(1012, "service_restart")
    reader.outbox.put(b"2")

    assert reader.texts() == ["1"]
    assert reader.writer.closed == (1012, "service_restart")
    assert reader.outbox.close_code == 1012
    await reader.outbox.wait_end()
