"""The ways orders come by, in the test's own process: what stands behind them is what a test says it is."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application

from apps.accounts.identity.sessions import Principal
from apps.gateways.socket.hub import Hub
from apps.gateways.socket.limits import SocketLimits
from apps.gateways.socket.places import SocketPlaces
from apps.gateways.socket.session import Logins, Session
from apps.marketdata.reference import references
from apps.orders.rest.programs import programs_served
from cift.http.bodies import bodies_bounded
from tests.support.messages import message_check
from tests.support.operations import rest_request
from tests.support.readers import Reader
from tests.support.schema import PROBLEM, answer_check
from tests.support.traders import Told, Way

WAIT_S_MAX = 10.0
_OF_HTTP = ("type", "title", "status", "request_id")


async def _nobody(scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError(f"{scope['path']} was not answered before Django")


class HttpWay(Way):
    """HTTP with a Bearer token: by REST framework, or as a program's, before Django."""

    def __init__(self, name: str, token: str) -> None:
        self.name = name
        self._headers = {"Authorization": f"Bearer {token}"}
        served: Any = programs_served(_nobody) if name == "programs" else get_asgi_application()
        self._application: Any = bodies_bounded(served)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return async_to_sync(self._call)(method, path, options)

    async def _call(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._application)
        base = "http://testserver/api/v1/"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=self._headers) as client:
            return await client.request(method, path, **options)

    def ask(self, op: str, params: Any) -> Told:
        method, path, options = rest_request(op, params)
        answer = self.call(method, path, **options)
        answer_check(answer)
        body = answer.json()
        if answer.is_error:
            assert answer.headers["Content-Type"] == PROBLEM
            assert answer.headers["X-Request-Id"] == body["request_id"]
            assert (body["status"], body["type"]) == (answer.status_code, f"urn:cift:error:{body['code']}")
            body = {name: value for name, value in body.items() if name not in _OF_HTTP}
        return answer.status_code, body


class Unwatched(Logins):
    """Logins that never end."""

    def enter(self, family: int, ended: Callable[[], None]) -> None: ...

    def leave(self, family: int, ended: Callable[[], None]) -> None: ...


class SessionWay(Way):
    """A socket's session. A limit order takes the short way, unless `long` gives it what only the long one knows."""

    def __init__(self, name: str, principal: Principal) -> None:
        self.name = name
        self._principal = principal
        self._long = name == "socket, the long way"

    def ask(self, op: str, params: Any) -> Told:
        (told,) = self.ask_at_once((op, params))
        return told

    def ask_at_once(self, *asked: tuple[str, Any]) -> list[Told]:
        """Ask in one turn of the loop; give the answers in the order they were asked for."""
        return async_to_sync(self._ask)(asked)

    async def _ask(self, asked: tuple[tuple[str, Any], ...]) -> list[Told]:
        # The short way takes what is known already, as it is behind a venue's first order.
        assert await references.find_symbol("AAPL-USD") is not None
        reader = Reader()
        session = Session(Hub(), reader.outbox, SocketLimits({}, places=SocketPlaces()), logins=Unwatched())
        session.become(self._principal)
        for number, (op, params) in enumerate(asked):
            given = {**params, "deadline": None} if self._long and op == "order.submit" else params
            await session.receive(json.dumps({"id": number, "op": op, "params": given}))
        answers: dict[int, dict[str, Any]] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S_MAX):
                while len(answers) < len(asked):
                    await asyncio.sleep(0)
                    answers |= {message["id"]: message for message in reader.messages() if "ok" in message}
        await session.close()
        assert len(answers) == len(asked), f"no answer to some of {asked}"
        for number, (op, _) in enumerate(asked):
            message_check(answers[number], op=op)
        return [
            (answers[number]["status"], answers[number]["result" if answers[number]["ok"] else "error"])
            for number in range(len(asked))
        ]


def way_of(name: str, *, token: str, principal: Principal) -> HttpWay | SessionWay:
    """Make one of `WAYS`."""
    return SessionWay(name, principal) if name.startswith("socket") else HttpWay(name, token)


WAYS = ("django", "programs", "socket", "socket, the long way")
"""As in `tests.support.traders`; a plain order on a socket has a way of its own (`entry.fast_order`)."""
