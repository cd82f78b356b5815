"""A timed request counts from when it was due, and no more are open than were asked for."""

import asyncio

from tests.performance.load import closed_loop, open_loop
from tests.performance.results import latencies


async def test_a_stall_weighs_on_all_who_were_due_in_it() -> None:
    free = asyncio.Event()

    async def send(number: int) -> None:
        if number == 3:
            free.set()
        await free.wait()

    waited = await open_loop(send, per_second=50, count=4)
    assert len(waited) == 4
    assert waited[0] >= waited[3] + 50


async def test_a_closed_loop_keeps_its_number_open_and_sends_each_once() -> None:
    numbers: list[int] = []
    open_now, most = 0, 0

    async def send(number: int) -> None:
        nonlocal open_now, most
        numbers.append(number)
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1

    seconds, waited = await closed_loop(send, in_flight=3, count=20)
    assert (sorted(numbers), most, len(waited)) == (list(range(20)), 3, 20)
    assert seconds > 0


def test_each_percentile_with_a_goal_is_a_result_that_names_the_others() -> None:
    values = [float(value) for value in range(1, 101)]
    middle, tail = latencies("post", "order by REST", values, goals={"p50": 60, "p99": 50})
    assert (middle.name, middle.value, middle.ok) == ("post_p50", 51.0, True)
    assert (tail.name, tail.value, tail.ok) == ("post_p99", 100.0, False)
    assert middle.percentiles["max"] == 100
