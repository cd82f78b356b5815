"""Who is refused waits at the door until somebody listens, however many they are."""

import asyncio
import socket

import pytest

from tests.support.bookkeeper.door import Door
from tests.support.bookkeeper.keeper import Bookkeeper
from tests.support.venue import free_port


async def test_all_go_on_when_somebody_listens_and_wait_again_when_nobody_does() -> None:
    port = free_port()
    door = Door(port)
    waiting = [asyncio.create_task(door.opened()) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    with socket.create_server(("127.0.0.1", port)):
        await asyncio.wait_for(asyncio.gather(*waiting), 5)
        await asyncio.wait_for(door.opened(), 5)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(door.opened(), 0.05)
    await door.close()


async def test_an_acknowledgement_of_before_the_kill_is_not_the_one_waited_for() -> None:
    keeper = Bookkeeper(port=1, logins={}, seed=1)
    waiting = asyncio.create_task(keeper.acknowledged_behind(100.0, seconds=5))
    for sent_at in (99.0, 101.0):
        await asyncio.sleep(0)
        assert not waiting.done()
        keeper.hear(sent_at)

    assert await waiting == keeper.acknowledged_at
    with pytest.raises(TimeoutError):
        await keeper.acknowledged_behind(102.0, seconds=0.01)
