"""What one resting order and one remembered id cost, as the process pays for it and as the engine counts it."""

import gc
from collections.abc import Iterator

import msgspec
import psutil
from cift_matching import Engine

from cift.wire.queries import EngineStats, StatsQuery, answer_decode, query_encode
from tests.performance.commands import SETUP_BATCH, command_of, frames, opening, setup
from tests.performance.flow import BUY, MIDDLE, FlowType, Record
from tests.performance.results import Bench, Result, topic

ORDERS = 500_000
ORDER_GOAL = 128
ID_GOAL = 48
IDS_MAX = 4_194_303
"""What an engine that is told nothing else remembers."""
LEVELS = 2_000


@topic("memory", order=30)
def memory(bench: Bench) -> Iterator[Result]:
    """Yield bytes an order and bytes an id: orders rest, then all are canceled, and their ids stay."""
    count = bench.scaled(ORDERS)
    engine = Engine()
    number = _applied(engine, [*opening(), *setup(1)], 0)
    adds = [Record(0, order, MIDDLE - order % LEVELS, 1, FlowType.ADD, BUY) for order in range(1, count + 1)]
    cancels = [record._replace(type=FlowType.CANCEL) for record in adds]
    # Encoded before the memory is looked at, so that only what the engine keeps is counted.
    entering = list(frames(map(command_of, adds), SETUP_BATCH))
    leaving = list(frames(map(command_of, cancels), SETUP_BATCH))
    before, started = _resident(), _stats(engine)
    number = _frames_applied(engine, entering, number)
    full, resting = _resident(), _stats(engine)
    _frames_applied(engine, leaving, number)
    left = _stats(engine)
    if (resting.open_orders, left.open_orders) != (count, 0):
        message = f"{resting.open_orders} orders rested instead of {count}"
        raise RuntimeError(message)
    of_orders = (resting.bytes_orders - started.bytes_orders) / count
    # Their index has its size from the start: an id's part of it is counted along.
    of_ids = (left.bytes_ids - started.bytes_ids) / count + started.bytes_ids / IDS_MAX
    detail = {
        "orders": count,
        "resident_bytes_per_order_with_its_id": (full - before) / count,
        "engine": msgspec.structs.asdict(resting),
    }
    yield Result("memory_order", "memory per resting order", of_orders, "bytes", ORDER_GOAL, "lower", detail=detail)
    yield Result("memory_id", "memory per remembered client_order_id", of_ids, "bytes", ID_GOAL, "lower", detail=detail)


def _applied(engine: Engine, commands: list[bytes], number: int) -> int:
    return _frames_applied(engine, list(frames(commands, SETUP_BATCH)), number)


def _frames_applied(engine: Engine, packed: list[bytes], number: int) -> int:
    for frame in packed:
        number += 1
        engine.apply(frame, number=number, at=number)
    return number


def _stats(engine: Engine) -> EngineStats:
    query = StatsQuery()
    return answer_decode(query, engine.query(query_encode(query)))


def _resident() -> int:
    """Return the bytes of this process that are in memory."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)
