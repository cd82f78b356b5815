"""Turns at the interpreter: one at a time, one of each who wait, and none is kept while it waits for something else."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cift.processes import turns as shared
from cift.processes.turns import Turns, async_to_sync
from tests.support.waiting import until


class Worker(threading.Thread):
    """Has its turn until it is told to end."""

    def __init__(self, turns: Turns, who: str, began: list[str]) -> None:
        super().__init__(daemon=True)
        self._turns, self._who, self._began = turns, who, began
        self.done = threading.Event()

    def run(self) -> None:
        with self._turns.taken(self._who):
            self._began.append(self._who)
            self.done.wait()


@contextmanager
def working(turns: Turns, names: list[str], began: list[str]) -> Iterator[list[Worker]]:
    """Start them one by one, so that they come in this order."""
    before = len(began)
    workers = [Worker(turns, who, began) for who in names]
    for place, worker in enumerate(workers):
        worker.start()
        until(lambda place=place: len(began) + turns.waiting == before + place + 1)  # type: ignore[misc]
    yield workers
    for worker in workers:
        worker.done.set()
    for worker in workers:
        worker.join(timeout=10)


def test_one_works_at_a_time_and_of_those_who_wait_one_of_each_comes_first() -> None:
    turns, began = Turns(), list[str]()
    with working(turns, ["a", "a", "a", "b", "a", "c"], began) as workers:
        assert began == ["a"]
        for worker in workers:
            worker.done.set()
        until(lambda: len(began) == len(workers))

    assert began == ["a", "a", "b", "c", "a", "a"]
    assert turns.waiting == 0


def test_a_turn_that_is_left_is_another_s_meanwhile() -> None:
    turns, began = Turns(), list[str]()
    with turns.taken("a"), working(turns, ["b"], began) as (other,):
        assert began == []
        with turns.left():
            until(lambda: began == ["b"])
            other.done.set()
        assert turns.waiting == 0
        with working(turns, ["c"], began) as (last,):
            assert began == ["b"]
            last.done.set()
            turns.end()
            until(lambda: began == ["b", "c"])
    with turns.left(), turns.taken("d"):
        pass


def test_who_waits_for_a_coroutine_leaves_its_turn() -> None:
    async def others() -> bool:
        def work() -> bool:
            with shared.turns.taken("b"):
                return True

        return await asyncio.get_running_loop().run_in_executor(None, work)

    with shared.turns.taken("a"):
        assert async_to_sync(others)()


def test_who_holds_what_another_wants_does_not_wait_for_its_turn_for_ever() -> None:
    turns, lock = Turns(again_s_max=0.05), threading.Lock()
    holds, ends, had = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with turns.taken("a"), lock, turns.left():
            holds.set()
            ends.wait()

    def want() -> None:
        with turns.taken("b"), lock:
            had.set()

    threads = [threading.Thread(target=work, daemon=True) for work in (hold, want)]
    threads[0].start()
    assert holds.wait(10)
    threads[1].start()
    ends.set()

    assert had.wait(10)
    for thread in threads:
        thread.join(timeout=10)
    with turns.taken("c"):
        assert turns.waiting == 0


def test_a_turn_that_lasts_for_long_is_another_s_as_well() -> None:
    turns, began = Turns(held_s_max=0.05), list[str]()
    with turns.taken("a"), working(turns, ["b"], began) as (other,):
        until(lambda: began == ["b"])
        other.done.set()
    with turns.taken("c"):
        assert turns.waiting == 0
