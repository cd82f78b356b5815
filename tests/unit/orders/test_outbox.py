import asyncio

import pytest

from apps.orders import outbox as module
from apps.orders.outbox import CLOSE_SLOW, Outbox


async def test_one_message_is_a_frame_and_several_are_an_array() -> None:
    outbox = Outbox()
    outbox.put('{"a":1}')
    assert await outbox.take() == '{"a":1}'

    outbox.put('{"a":1}')
    outbox.put('{"b":2}')
    assert await outbox.take() == '[{"a":1},{"b":2}]'


async def test_an_answer_has_a_frame_of_its_own_and_its_place() -> None:
    outbox = Outbox()
    for text, alone in (("1", False), ("2", False), ("answer", True), ("3", False)):
        outbox.put(text, alone=alone)

    assert [await outbox.take() for _ in range(3)] == ["[1,2]", "answer", "3"]


async def test_a_frame_is_bounded() -> None:
    outbox = Outbox()
    for _ in range(200):
        outbox.put("x" * 1_000)

    frame = await outbox.take()

    assert frame is not None
    assert len(frame) < 70_000


async def test_who_waits_is_woken() -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put("1")

    assert await waiting == "1"


async def test_a_reader_too_far_behind_is_cut_and_what_waits_is_dropped() -> None:
    outbox = Outbox()
    for _ in range(module.BYTES_MAX // 1_000 + 2):
        outbox.put("x" * 1_000)

    assert outbox.ended
    assert outbox.close_code == CLOSE_SLOW
    assert await outbox.take() is None


async def test_one_large_message_passes_a_reader_that_keeps_up() -> None:
    outbox = Outbox()
    outbox.put("x" * (module.BYTES_MAX * 3))

    assert await outbox.take() is not None
    assert not outbox.ended


async def test_a_reader_too_late_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox()
    outbox.put("1")
    monkeypatch.setattr(module, "AGE_S_MAX", -1.0)
    outbox.check()

    assert outbox.close_code == CLOSE_SLOW


async def test_what_waits_is_sent_before_an_orderly_end() -> None:
    outbox = Outbox()
    outbox.put("1")
    outbox.finish(1012, "service_restart")
    outbox.put("2")

    assert await outbox.take() == "1"
    assert await outbox.take() is None
    assert outbox.close_code == 1012
