"""Who trades in tests: a login of a running venue, over REST and over the socket."""

import contextlib
import itertools
import json
import queue
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, Protocol

import httpx
import pytest
from jsonschema import ValidationError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.messages import message_check, request_check
from tests.support.operations import rest_request
from tests.support.schema import answer_check
from tests.support.venue import Venue, venue_open

WAIT_S_MAX = 10.0

Told = tuple[int, dict[str, Any]]
"""An answer as either way gives it: its status, and its body without what only one way has."""


class Socket:
    """A socket of a venue; answers by request, everything else in `messages`; each is held to its schema."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.closed: queue.Queue[int] = queue.Queue()
        self.faults: list[Exception] = []
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._ids = itertools.count(1)
        self._asked: dict[Any, dict[str, Any]] = {}
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        try:
            for frame in self.connection:
                found = json.loads(frame)
                for message in found if isinstance(found, list) else [found]:
                    self._check(message)
                    (self._answers if "ok" in message else self.messages).put(message)
        except ConnectionClosed:
            pass
        finally:
            self.closed.put(self.connection.close_code or 0)

    def _check(self, message: dict[str, Any]) -> None:
        asked = self._asked.pop(message["id"], None) if "ok" in message else None
        try:
            message_check(message, op=None if asked is None else str(asked["op"]))
            if asked is not None and message["ok"]:
                request_check(asked)
        except ValidationError as error:
            self.faults.append(error)

    def send(self, text: str | bytes) -> None:
        with contextlib.suppress(ValueError, RecursionError):
            asked = json.loads(text)
            if isinstance(asked, dict) and isinstance(asked.get("id"), int | str) and "op" in asked:
                self._asked[asked["id"]] = asked
        self.connection.send(text)

    def answer(self, *, timeout_s: float = WAIT_S_MAX) -> dict[str, Any]:
        return self._answers.get(timeout=timeout_s)

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        request_id = next(self._ids)
        self.send(json.dumps({"id": request_id, "op": op, **fields}))
        answer = self.answer()
        assert answer["id"] == request_id
        return answer

    def next_message(self, *, channel: str, kind: str | None = None) -> dict[str, Any]:
        """Return the next message of a channel, of one kind."""
        while True:
            message = self.messages.get(timeout=WAIT_S_MAX)
            if message.get("channel") == channel and kind in (None, message["type"]):
                return message

    def close_code(self) -> int:
        return self.closed.get(timeout=WAIT_S_MAX)


class Logged(Protocol):
    """Where somebody can log in."""

    port: int

    @property
    def tls(self) -> ssl.SSLContext | None: ...

    def logins(self) -> dict[str, str]: ...


class Trader:
    """One login."""

    def __init__(self, venue: Logged, email: str) -> None:
        secure = "" if venue.tls is None else "s"
        self.base = f"http{secure}://127.0.0.1:{venue.port}/api/v1/"
        self.socket_url = f"ws{secure}://127.0.0.1:{venue.port}/ws/v1/"
        self._tls = venue.tls
        login = {"email": email, "password": venue.logins()[email]}
        answer = httpx.post(f"{self.base}auth/token/", json=login, timeout=30, verify=venue.tls or True)
        assert answer.status_code == 200, answer.text
        self.token: str = answer.json()["access"]
        self.headers = {"Authorization": f"Bearer {self.token}"}
        hooks = {"response": [answer_check]}
        self.rest = httpx.Client(
            base_url=self.base, headers=self.headers, timeout=30, event_hooks=hooks, verify=venue.tls or True
        )

    @contextmanager
    def socket(self, *, authenticated: bool = True) -> Iterator[Socket]:
        headers = self.headers if authenticated else {}
        with connect(self.socket_url, additional_headers=headers, max_size=None, ssl=self._tls) as connection:
            socket = Socket(connection)
            yield socket
            assert not socket.faults, socket.faults[0]

    def call(self, method: str, path: str, **options: Any) -> Told:
        answer = self.rest.request(method, path, **options)
        return answer.status_code, answer.json()

    def submit(self, **params: Any) -> dict[str, Any]:
        status, body = self.call("POST", "orders/", json=params)
        assert status == 201, body
        return body

    def clear(self) -> None:
        assert self.call("DELETE", "orders/?all=true")[0] == 200


class Way(Protocol):
    """One way order operations can be asked for."""

    name: str

    def ask(self, op: str, params: Any) -> Told: ...


class RestWay(Way):
    """HTTP as a program asks: JSON and a Bearer token, answered before Django."""

    name = "programs"
    headers = {"Accept": "*/*"}  # noqa: RUF012 - read alone

    def __init__(self, trader: Trader) -> None:
        self._trader = trader

    def ask(self, op: str, params: Any) -> Told:
        method, path, options = rest_request(op, params)
        status, body = self._trader.call(method, path, headers=self.headers, **options)
        if status >= 400:
            body = {
                name: value for name, value in body.items() if name not in ("type", "title", "status", "request_id")
            }
        return status, body


class DjangoWay(RestWay):
    """HTTP that could be a browser's, so REST framework answers it; as JSON, which it would rather have."""

    name = "django"
    headers = {"Accept": "application/json, text/html;q=0.5"}  # noqa: RUF012 - read alone


class SocketWay(Way):
    name = "socket"

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    def ask(self, op: str, params: Any) -> Told:
        answer = self._socket.ask(op, params=params)
        return answer["status"], answer["result"] if answer["ok"] else answer["error"]


@pytest.fixture(scope="session")
def running_venues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Venue]]:
    """One venue on each web server, opened when it is first wanted, until the end: each file wants both in turn."""
    with contextlib.ExitStack() as opened:
        venues: dict[str, Venue] = {}

        def of(server: str) -> Venue:
            if server not in venues:
                folder = tmp_path_factory.mktemp("running") / "var"
                venues[server] = opened.enter_context(venue_open(folder, WEB_SERVER=server))
            return venues[server]

        yield of


@pytest.fixture(scope="session", params=["daphne", "uvicorn"])
def running_venue(request: pytest.FixtureRequest, running_venues: Callable[[str], Venue]) -> Venue:
    """One venue for all tests that only trade in it, on each web server."""
    return running_venues(request.param)


@pytest.fixture(scope="session")
def sessions(running_venue: Venue) -> tuple[Trader, Trader]:
    """The venue's two logins."""
    first, second = running_venue.logins()
    return Trader(running_venue, first), Trader(running_venue, second)


@pytest.fixture
def traders(sessions: tuple[Trader, Trader]) -> Iterator[tuple[Trader, Trader]]:
    """Two traders without open orders, before and after."""
    for trader in sessions:
        trader.clear()
    yield sessions
    for trader in sessions:
        trader.clear()


@pytest.fixture(params=["programs", "django", "socket"])
def way(request: pytest.FixtureRequest, traders: tuple[Trader, Trader]) -> Iterator[Way]:
    """The first trader's orders, once over each way."""
    if request.param != "socket":
        yield RestWay(traders[0]) if request.param == "programs" else DjangoWay(traders[0])
        return
    with traders[0].socket() as socket:
        yield SocketWay(socket)
