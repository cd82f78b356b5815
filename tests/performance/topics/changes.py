"""Orders amended and canceled: one at a time as a program and by socket, and as many as go through."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvloop

from tests.performance.clients import Http, Socket, frame_of, request_of
from tests.performance.load import closed_loop
from tests.performance.results import Bench, Result, latencies, rate, topic
from tests.performance.trading import SYMBOL, Trading, trading_open

ADDRESS = "/api/v1/orders/"
CREATED, OK = 201, 200
WARM = 100
COUNT = 1_000
IN_FLIGHT = 16
RESTING = 1_000
"""So many rest, are amended and then canceled, with `IN_FLIGHT` of them under way."""
GOALS = {"daphne": (2.0, 1_500.0), "uvicorn": (1.5, 2_500.0)}
RESTS = {"symbol": SYMBOL, "side": "sell", "type": "limit", "quantity": "3", "price": "195", "post_only": True}
AMENDED = {"quantity": "2"}

Change = Callable[[str, Any], Awaitable[str]]
"""Do an operation on an order (of a new one: None); return the order's id."""


@topic("changes", order=118)
def changes(bench: Bench) -> Iterator[Result]:
    """Yield how long an amendment and a cancel take by each way, and how many of them go through."""
    for web_server, (goal, per_second) in GOALS.items():
        with trading_open(bench, web_server) as trading:
            for name, way, opened in (("rest", "REST as a program", _programs), ("socket", "socket", _sockets)):
                amends, cancels = uvloop.run(_one_by_one(trading, opened, bench.scaled(COUNT)))
                for op, waited in (("amend", amends), ("cancel", cancels)):
                    title = f"{op} by {way}, 1 in flight, {web_server}"
                    yield from latencies(f"{op}_{name}_{web_server}", title, waited, goals={"p50": goal})
            resting = bench.scaled(RESTING)
            seconds = [uvloop.run(_many(trading, resting)) for _ in range(bench.runs)]
            yield rate(
                f"changes_rest_rate_{web_server}",
                f"amendments and cancels by REST, {IN_FLIGHT} in flight, {web_server}",
                of=(2 * resting, "durable commands"),
                seconds=seconds,
                goal=per_second,
            )


Opened = Callable[[Trading], Awaitable[Change]]


async def _one_by_one(trading: Trading, opened: Opened, count: int) -> tuple[list[float], list[float]]:
    """Enter an order, amend it and cancel it, again and again; return the ms of amendments and of cancels."""
    change = await opened(trading)
    amends: list[float] = []
    cancels: list[float] = []
    for number in range(WARM + count):
        order_id = await change("submit", RESTS)
        for waited, op, params in (
            (amends, "amend", {"id": order_id, **AMENDED}),
            (cancels, "cancel", {"id": order_id}),
        ):

            async def send(_number: int, op: str = op, params: Any = params) -> None:
                await change(op, params)

            _, (ms,) = await closed_loop(send, in_flight=1, count=1)
            if number >= WARM:
                waited.append(ms)
    return amends, cancels


async def _many(trading: Trading, count: int) -> float:
    """Let orders rest, then amend all and cancel all; return the seconds of the latter two."""
    ways = [await _programs(trading) for _ in range(IN_FLIGHT)]
    order_ids = [await ways[0]("submit", RESTS) for _ in range(count)]
    trading.drained()
    free = list(ways)

    async def send(number: int) -> None:
        change = free.pop()
        params = {"id": order_ids[number % count]}
        await (change("amend", {**params, **AMENDED}) if number < count else change("cancel", params))
        free.append(change)

    seconds, _ = await closed_loop(send, in_flight=IN_FLIGHT, count=2 * count)
    return seconds


async def _programs(trading: Trading) -> Change:
    client = await Http.connect(trading.venue.port)
    headers = {"Authorization": f"Bearer {trading.tokens[0]}"}

    async def change(op: str, params: Any) -> str:
        address = f"{ADDRESS}{params['id']}/" if "id" in params else ADDRESS
        method = {"submit": "POST", "amend": "PATCH", "cancel": "DELETE"}[op]
        body = {name: value for name, value in params.items() if name != "id"}
        status, answer = await client.ask(request_of(method, address, body or None, headers=headers))
        return _order_id(status, answer, op)

    return change


async def _sockets(trading: Trading) -> Change:
    client = await Socket.connect(trading.venue.port, token=trading.tokens[0])
    last = 0

    async def change(op: str, params: Any) -> str:
        nonlocal last
        last += 1
        answer = await client.ask(last, frame_of({"id": last, "op": f"order.{op}", "params": params}))
        return _order_id(answer.status, bytes(answer.result if answer.ok else answer.error), op)

    return change


def _order_id(status: int | None, answer: bytes, op: str) -> str:
    order = json.loads(answer)
    wanted = {"submit": (CREATED, "new", "3"), "amend": (OK, "new", "2"), "cancel": (OK, "canceled", "0")}[op]
    if (status, order.get("status"), order.get("leaves_quantity")) != wanted:
        message = f"{op} was answered {status} {answer.decode()}"
        raise RuntimeError(message)
    order_id: str = order["id"]
    return order_id
