"""From kill -9 of a whole venue to the first order it acknowledges again, with a full book."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import uvloop

from tests.performance.clients import Http, request_of
from tests.performance.results import Bench, Result, topic
from tests.support.killed import Group, group_open

OPEN_ORDERS = 100_000
BATCH = 100
CREATED = 201
GOAL = 5.0
RECOVERY_S_MAX = 60.0
SYMBOL, QUANTITY, TICKS = "BTC-USD", "0.0001", 5_000
"""As small as an order may be, at thousands of prices inside the band, so that paper money is enough for all."""


@topic("recovery", order=145)
def recovery(bench: Bench) -> Iterator[Result]:
    """Yield the seconds from the kill to the first acknowledgement."""
    count = bench.scaled(OPEN_ORDERS)
    with group_open(bench.folder / "venue") as group:
        tokens = [_token(group, *login) for login in group.venue.logins().items()]
        uvloop.run(_fill(group.port, tokens, count))
        seconds = sorted(uvloop.run(_killed(group, tokens[0], run)) for run in range(bench.runs))
    yield Result(
        "recovery",
        f"kill -9 with {count:,} open orders, to the first order acknowledged again",
        seconds[len(seconds) // 2],
        "s",
        GOAL,
        "lower",
        runs=tuple(seconds),
        detail={"open_orders": count},
    )


def _token(group: Group, email: str, password: str) -> str:
    address = f"http://127.0.0.1:{group.port}/api/v1/auth/token/"
    answer = httpx.post(address, json={"email": email, "password": password}, timeout=30)
    return str(answer.raise_for_status().json()["access"])


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _order(name: str, number: int) -> dict[str, str]:
    price = str(50_000 + number % TICKS)
    return {
        "symbol": SYMBOL, "side": "buy", "type": "limit", "quantity": QUANTITY, "price": price,
        "client_order_id": f"{name}-{number}",
    }  # fmt: skip


async def _fill(port: int, tokens: list[str], count: int) -> None:
    """Let both traders rest their share of the orders, in batches.

    Raises:
        RuntimeError: one was not accepted.

    """

    async def rest(token: str, first: int) -> None:
        client = await Http.connect(port)
        for start in range(first, count, BATCH * len(tokens)):
            body = {"orders": [_order("rest", number) for number in range(start, min(start + BATCH, count))]}
            status, answer = await client.ask(
                request_of("POST", "/api/v1/orders/batch/", body, headers=_headers(token))
            )
            if status >= httpx.codes.BAD_REQUEST or answer.count(b'"status":201') != len(body["orders"]):
                message = f"a batch is answered {status} {answer[:500]!r}"
                raise RuntimeError(message)

    await asyncio.gather(*[rest(token, BATCH * index) for index, token in enumerate(tokens)])


async def _killed(group: Group, token: str, run: int) -> float:
    """Kill all processes and start the venue; return the seconds until an order is acknowledged.

    Raises:
        RuntimeError: none is, or it is refused for another reason than that nobody can take it yet.

    """
    began = time.monotonic()
    group.kill()
    group.start()
    request = request_of("POST", "/api/v1/orders/", _order("after", run), headers=_headers(token))
    while (waited := time.monotonic() - began) < RECOVERY_S_MAX:
        try:
            status, answer = await (await Http.connect(group.port)).ask(request)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        if status == CREATED:
            return time.monotonic() - began
        if status != httpx.codes.SERVICE_UNAVAILABLE:
            message = f"the first order is answered {status} {answer[:500]!r}"
            raise RuntimeError(message)
        await asyncio.sleep(0.01)
    message = f"no order is acknowledged in {waited:.0f} s"
    raise RuntimeError(message)
