"""Reads over HTTP, one at a time, on a running venue: the book, and a page of a trader's orders."""

from collections.abc import Iterator

import uvloop

from tests.performance.clients import Http, request_of
from tests.performance.load import closed_loop
from tests.performance.results import Bench, Result, latencies, topic
from tests.performance.trading import SYMBOL, Trading, order_of, trading_open

OK, CREATED = 200, 201
ORDERS = 200
WARM = 100
COUNT = 1_000

READS = {
    "book": (f"/api/v1/instruments/{SYMBOL}/book/", 3.0),
    "orders_page": ("/api/v1/orders/", 10.0),
    "orders_filtered": (f"/api/v1/orders/?symbol={SYMBOL}&status=filled", 10.0),
    "fills_page": ("/api/v1/fills/", 10.0),
}


@topic("reads_rest", order=115)
def reads_rest(bench: Bench) -> Iterator[Result]:
    """Yield how long a read takes on each server; the pages hold a hundred rows."""
    for web_server in ("daphne", "uvicorn"):
        with trading_open(bench, web_server) as trading:
            uvloop.run(_asked(trading, [_order(trading, number) for number in range(ORDERS)], CREATED))
            trading.drained()
            for name, (address, goal) in READS.items():
                headers = {"Authorization": f"Bearer {trading.tokens[0]}", "Accept": "application/json"}
                request = request_of("GET", address, headers=headers)
                uvloop.run(_asked(trading, [request] * WARM, OK))
                waited = uvloop.run(_asked(trading, [request] * bench.scaled(COUNT), OK))
                title = f"GET {address.removeprefix('/api/v1/')}, one in flight, {web_server}"
                yield from latencies(f"read_{name}_{web_server}", title, waited, goals={"p50": goal})


def _order(trading: Trading, number: int) -> bytes:
    headers = {"Authorization": f"Bearer {trading.tokens[number % 2]}"}
    return request_of("POST", "/api/v1/orders/", order_of(number), headers=headers)


async def _asked(trading: Trading, requests: list[bytes], wanted: int) -> list[float]:
    client = await Http.connect(trading.venue.port)

    async def send(number: int) -> None:
        status, body = await client.ask(requests[number])
        if status != wanted:
            raise RuntimeError(body.decode())

    _, waited = await closed_loop(send, in_flight=1, count=len(requests))
    return waited
