"""How requests are sent to be timed: on a clock of their own (open loop), or a fixed number at a time (closed loop)."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Send = Callable[[int], Awaitable[None]]

TIMER_S = 0.0015
"""An event loop's timers are late by up to a millisecond, which is no fault of the server's: the rest is waited out."""


async def open_loop(send: Send, *, per_second: float, count: int) -> list[float]:
    """Send number 0, 1, … each when it is due, whatever became of those before; return ms from due to done.

    A request that starts late because the server was slow is counted from when it was due, so a stall weighs on all
    who would have met it (no coordinated omission).

    Raises:
        ExceptionGroup: one of them failed; the others are canceled.

    """
    waited: list[float] = [0.0] * count
    clock = time.perf_counter
    began = clock()

    async def timed(number: int, due: float) -> None:
        await send(number)
        waited[number] = (clock() - due) * 1e3

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            due = began + number / per_second
            if (early := due - clock()) > TIMER_S:
                await asyncio.sleep(early - TIMER_S)
            while clock() < due:  # noqa: ASYNC110 - a clock is waited for, which sets no event
                await asyncio.sleep(0)
            group.create_task(timed(number, due))
    return waited


async def closed_loop(send: Send, *, in_flight: int, count: int) -> tuple[float, list[float]]:
    """Keep `in_flight` requests open until `count` are done; return the seconds for all and ms for each.

    Raises:
        ExceptionGroup: one of them failed; the others are canceled.

    """
    waited: list[float] = []
    numbers = iter(range(count))
    clock = time.perf_counter

    async def one_by_one() -> None:
        for number in numbers:
            start = clock()
            await send(number)
            waited.append((clock() - start) * 1e3)

    began = clock()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(one_by_one())
    return clock() - began, waited
