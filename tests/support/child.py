"""A process that writes or projects until it is killed: `python -m tests.support.child write|project SETTINGS`.

SETTINGS is the JSON of the three databases. `write` prints each order's id when it is acknowledged; `project` kills
itself after it wrote its second stretch and before it committed.
"""

import json
import os
import signal
import sys
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import django


def main() -> None:
    what, given = sys.argv[1:]
    django.setup()
    from tests.support.databases import databases_swapped  # noqa: PLC0415 - needs Django set up

    settings = json.loads(given)
    for entry in settings.values():
        if entry["ENGINE"].endswith("sqlite3"):
            entry["NAME"] = Path(entry["NAME"])
    with databases_swapped(settings):
        write() if what == "write" else project()


def write() -> None:
    from tests.support.shard import DrivenWriter, Flow, answers_of, opening  # noqa: PLC0415 - needs Django set up

    shard = DrivenWriter().start()
    shard.do(*opening())
    flow = Flow(seed=os.getpid())
    sent: deque[tuple[int, str, Future[bytes | None]]] = deque()
    while True:
        order = flow.submit(id=f"{os.getpid()}-{len(sent)}-{os.urandom(4).hex()}")
        sent.append((order.account, order.id, shard.send(order)))
        if len(sent) >= 16:
            account, order_id, answer = sent.popleft()
            told = answer.result(timeout=60)
            assert told is not None
            # A code says that nothing happened, or that nobody knows: on a busy disk a commit may take longer than it
            # is tried. That is no acknowledgement.
            if not isinstance(answers_of(told)[0], str):
                # In one write: with PYTHONUNBUFFERED print makes several, and the kill may fall between them.
                sys.stdout.write(f"{account} {order_id}\n")
                sys.stdout.flush()


def project() -> None:
    from apps.orders.matching import projector, tables  # noqa: PLC0415 - needs Django set up

    stretches = iter(range(2))

    def killed(*args: Any, **kwargs: Any) -> None:
        tables.pack_write(*args, **kwargs)
        if next(stretches) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    vars(projector)["pack_write"] = killed
    shard = projector.ShardProjector(0, batches_max=5)
    while shard.step():
        pass


if __name__ == "__main__":
    main()
