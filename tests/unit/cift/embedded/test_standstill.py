import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import cast

import pytest
from pytest_django import Settings

from apps.orders.matching.places import Place
from cift.embedded.children import Child
from cift.embedded.standstill import Found, Standstill, followers_watch


class Killed:
    """A child of which only the kills are real."""

    def __init__(self) -> None:
        self.pid: int | None = 1
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1
        self.pid = (self.pid or 0) + 1


def at(projector: int, verifier: int, head: int) -> Found:
    return {"projector": Place(projector, 0), "verifier": Place(verifier, 0)}, Place(head, 0)


WAYS: dict[str, tuple[Callable[[int], Found], bool]] = {
    "nothing is new": (lambda _: at(10, 10, 10), False),
    "both move and are behind": (lambda look: at(look, look, 1_000_000), False),
    "trading is halted": (lambda _: None, False),
    "the projector stands still": (lambda look: at(10, look, 1_000_000), True),
    "the verifier stands still": (lambda look: at(look, 10, 1_000_000), True),
    "a place goes back": (lambda look: at(1_000 - look, look, 1_000_000), False),
    "the journal comes to a stop as well": (lambda _: at(10, 10, 20), True),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_process_is_killed_only_when_one_in_it_has_work_and_does_not_move(way: str, settings: Settings) -> None:
    found, killed = WAYS[way]
    looks = count(1)

    async def look(_shard: int) -> Found:
        return found(next(looks))

    child = await watched(look, settings)

    assert (child.kills > 0) is killed


async def test_a_halt_and_another_process_begin_the_count_anew(
    settings: Settings,
) -> None:
    child, looks = Killed(), count(1)

    async def look(_shard: int) -> Found:
        number = next(looks)
        if number % 6 == 0:
            child.pid = (child.pid or 0) + 1
        return None if number % 3 == 0 else at(10, 10, 20)

    await watched(look, settings, child=child)

    assert next(looks) > 20
    assert child.kills == 0


async def watched(
    look: Callable[[int], Awaitable[Found]], settings: Settings, *, child: Killed | None = None
) -> Killed:
    child = child or Killed()
    settings.FOLLOWER_STILL_S_MAX = 0.05
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await followers_watch(cast("Child", child), look=look, every_s=0.002)
    return child


def test_the_time_begins_when_there_is_something_to_do() -> None:
    still = Standstill()
    assert not any(still.look(7, 7, at=float(second)) for second in range(1_000))

    assert [still.look(7, 8, at=1_000.0 + second) for second in range(5)] == [0.0, 0.0, 3.0, 4.0, 5.0]


def test_a_supervisor_that_stood_still_itself_looks_again_first() -> None:
    still = Standstill()
    still.look(7, 8, at=1.0)

    assert [still.look(7, 8, at=500.0), still.look(7, 8, at=501.0)] == [0.0, 0.0]
    assert still.look(8, 8, at=502.0) == 0.0
