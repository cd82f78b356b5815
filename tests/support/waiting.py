"""What tests of threads share: waiting until something holds, and a follower that runs meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apps.orders.matching.followers import Follower

WAIT_S = 30.0


def until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


@contextmanager
def running(work: Callable[[], None], follower: Follower) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        follower.stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()
