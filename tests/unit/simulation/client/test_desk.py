"""An agent's connection: orders of unknown fate are looked up by their ids before anything else is sent."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from apps.simulation.agents.messages import BUY, Action, Submit
from apps.simulation.agents.population import Population
from apps.simulation.client.desk import Counts, Desk, LoginOverError
from apps.simulation.client.plan import Login, Plan
from apps.simulation.client.rest import RestAnswer
from cift.times import clock_ns
from tests.support.simulated import market

ACCOUNT = "noise"
PATIENCE_S = 20.0


@dataclass
class Scene:
    """A venue that says yes to everything, but hangs up on the first orders it gets."""

    said: list[str] = field(default_factory=list)
    hang_up: bool = True
    authorizations: list[str] = field(default_factory=list)

    async def talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.authorizations.append(socket.request.headers["Authorization"])
        async for text in socket:
            request = json.loads(text)
            self.said.append(request["op"])
            if request["op"] == "order.batch" and self.hang_up:
                self.hang_up = False
                await socket.close(1012, "service_restart")
                return
            await socket.send(json.dumps({"id": request["id"], "ok": True, "result": {"results": []}}))


@dataclass
class Calls:
    """REST that knows one of the orders."""

    scene: Scene
    status: int = 200

    async def get(self, path: str, *, token: str) -> RestAnswer:
        self.scene.said.append(path)
        if path.startswith("balances"):
            return RestAnswer(200, b'{"results": [{"asset": "USD", "total": "7"}]}')
        return RestAnswer(200 if "taken" in path else 404, b"{}")

    async def post(self, path: str, body: dict[str, Any]) -> RestAnswer:
        self.scene.said.append(path)
        return RestAnswer(self.status, b'{"access": "new", "refresh": "newer"}')


def plan_of(port: int, population_terms: list[Any], *, access_until: int) -> Plan:
    return Plan(
        host="127.0.0.1",
        port=port,
        certificate="",
        seed=1,
        rate=100,
        run="r",
        terms=population_terms,
        begin={},
        scales={"USD": 6},
        funds={},
        logins={ACCOUNT: Login(access="a", refresh="r", access_until=access_until)},
        access_s=900,
        fund_command=[],
    )


def desk_of(server: Server, scene: Scene, counts: Counts, *, access_until: int = 2**62, status: int = 200) -> Desk:
    venue, population = market(seed=1, rate=100)
    port = next(iter(server.sockets)).getsockname()[1]
    plan = plan_of(port, venue.terms, access_until=access_until)
    return Desk(
        ACCOUNT,
        plan=plan,
        population=population,
        counts=counts,
        feeds=False,
        woken=lambda: None,
        rest=Calls(scene, status),
        deadline_ns=50_000_000,
        resolve_margin_s=0.05,
    )


def take(key: str) -> Action:
    return Submit(ACCOUNT, key, "AAPL-USD", BUY, 19_000, 1, immediate=True)


async def until_awake(desk: Desk) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not desk.awake:  # noqa: ASYNC110 - a desk tells nobody
            await asyncio.sleep(0.01)


async def test_orders_of_unknown_fate_are_looked_up_before_anything_else() -> None:
    scene, counts, stop = Scene(), Counts(), asyncio.Event()
    async with serve(scene.talk, "127.0.0.1", 0) as server:
        desk = desk_of(server, scene, counts)
        keeping = asyncio.create_task(desk.keep(stop))
        await until_awake(desk)
        before = clock_ns()
        await desk.trade([take("taken"), take("lost")])
        async with asyncio.timeout(PATIENCE_S):
            while not counts.reconnects or not desk.awake:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        stop.set()
        await keeping

    again = scene.said[scene.said.index("order.batch") + 1 :]
    assert again[:5] == [
        "cancel_on_disconnect",
        "subscribe",
        "orders/by-client-order-id/taken/",
        "orders/by-client-order-id/lost/",
        "order.cancel_all",
    ]
    assert (counts.unknown_executed, counts.unknown_never, counts.reconnects) == (1, 1, 1)
    assert clock_ns() - before > 50_000_000
    assert desk.balances == {"USD": 7_000_000}
    assert again[-1] == "order.cancel_all"


async def test_tokens_that_run_out_are_exchanged_first() -> None:
    scene, stop = Scene(hang_up=False), asyncio.Event()
    async with serve(scene.talk, "127.0.0.1", 0) as server:
        desk = desk_of(server, scene, Counts(), access_until=clock_ns())
        keeping = asyncio.create_task(desk.keep(stop))
        await until_awake(desk)
        stop.set()
        await keeping

    assert scene.said[0] == "auth/token/refresh/"
    assert scene.authorizations == ["Bearer new"]


async def test_a_login_that_is_over_ends_the_simulation() -> None:
    scene, stop = Scene(), asyncio.Event()
    async with serve(scene.talk, "127.0.0.1", 0) as server:
        desk = desk_of(server, scene, Counts(), access_until=clock_ns(), status=401)
        with pytest.raises(LoginOverError):
            await desk.keep(stop)


@pytest.mark.parametrize(
    "code", ["instrument_halted", "venue_killed", "venue_halted", "venue_unavailable", "overloaded"]
)
def test_what_takes_no_orders_is_left_in_peace_for_a_while(code: str) -> None:
    _, population = market(seed=1, rate=100)
    at = population.next_at
    first = next(action for action in population.act(at) if action.symbol == "AAPL-USD")
    acting = {(each.account, each.symbol) for each in population.act(at)}
    population.on_done(first, code, at=at)

    quiet = [each for second in range(1, 5) for each in population.act(at + second * 1_000_000_000)]

    assert (first.account, first.symbol) not in {(each.account, each.symbol) for each in quiet}
    assert not acting
    assert isinstance(population, Population)
