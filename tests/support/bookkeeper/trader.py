"""One trader's connections: it orders over REST and a socket at once, comes back when cut, and notes each outcome."""

import asyncio
import itertools
import json
import logging
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.support.bookkeeper.door import Door
from tests.support.bookkeeper.flow import Flow, Request
from tests.support.bookkeeper.memory import NOTHING_HAPPENED, Fate, Memory
from tests.support.bookkeeper.streams import AccountStream
from tests.support.operations import rest_request

IN_FLIGHT = 3
"""Requests a trader has on its way by socket; one by REST besides."""

ANSWER_S_MAX = 10.0
READ_S_MAX = 120.0
_RETRY_S = 0.02
_UNAVAILABLE = 503
_LOGIN_S = 600.0

CUT = (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, InvalidMessage, EOFError)
"""What a connection ends with, or is refused with."""

# A line for each request would be most of what a test's output is.
logging.getLogger("httpx").setLevel(logging.WARNING)

if find_spec("sniffio") is None:
    # httpx looks for it four times a request; found to be missing for good, that costs nothing instead of half of it.
    sys.modules["sniffio"] = None  # type: ignore[assignment]


class BookedTrader:
    """Trades while `going` is set; what it knows is in `memory`."""

    def __init__(
        self,
        *,
        port: int,
        email: str,
        password: str,
        name: str,
        seed: int,
        heard: Callable[[float], None],
        door: Door,
        tls: ssl.SSLContext | None,
    ) -> None:
        """Name a login; `heard` is told when what is acknowledged was sent; at `door` it waits where it is refused."""
        self.email = email
        secure = "" if tls is None else "s"
        self.memory = Memory()
        self.flow = Flow(self.memory, name=name, seed=seed)
        self.stream = AccountStream(self.memory)
        self.going = asyncio.Event()
        self.following = asyncio.Event()
        self.in_flight: dict[int, Request] = {}
        self.base = f"http{secure}://127.0.0.1:{port}/api/v1/"
        self.socket_url = f"ws{secure}://127.0.0.1:{port}/ws/v1/"
        self.tls = tls
        self.http = httpx.AsyncClient(
            base_url=self.base, timeout=ANSWER_S_MAX, trust_env=False, verify=True if tls is None else tls
        )
        self._password = password
        self._heard = heard
        self._door = door
        self._token = ""
        self._login_at = 0.0
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def login(self) -> None:
        """Get a token, anew when it is old."""
        if time.monotonic() - self._login_at < _LOGIN_S:
            return
        answer = await self.http.post("auth/token/", json={"email": self.email, "password": self._password})
        self._token = answer.raise_for_status().json()["access"]
        self.http.headers["Authorization"] = f"Bearer {self._token}"
        self._login_at = time.monotonic()

    def start(self) -> None:
        """Begin to live; it trades when it is told to go."""
        self._tasks = [asyncio.create_task(self._by_rest()), asyncio.create_task(self._by_socket())]

    async def stop(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        await self.http.aclose()

    def look(self) -> None:
        """Raise what has ended this trader's work, if anything has."""
        for task in self._tasks:
            if task.done():
                task.result()

    # -- REST ---------------------------------------------------------------------------------------------------------

    async def _by_rest(self) -> None:
        while True:
            await self.going.wait()
            await self.send_rest(self.flow.next("rest"))

    async def send_rest(self, request: Request) -> None:
        """Send a request until it went out, and note what it is answered."""
        method, path, options = rest_request(request.op, request.params)
        number = self._sent(request)
        try:
            while True:
                for _, sent in request.parts:
                    sent.at = time.monotonic()
                try:
                    answer = await self.http.request(method, path, **options)
                except httpx.ConnectError:
                    await self._door.opened()
                    continue
                self._answered(request, answer.status_code, answer.json())
                await self._rest(answer.status_code)
                return
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            self._lost(request, f"{type(error).__name__}: {error}")
        finally:
            self._done(request, number)

    async def _rest(self, status: int) -> None:
        """Leave a venue that cannot now in peace for a moment."""
        if status >= 500:
            await asyncio.sleep(_RETRY_S)

    async def read(self, path: str, **params: Any) -> tuple[int, Any]:
        """Ask for something; a venue that is not there, or cannot tell yet, is asked again for a while."""
        give_up_at = time.monotonic() + READ_S_MAX
        while True:
            try:
                answer = await self.http.get(path, params=params or None)
            except httpx.HTTPError:
                if time.monotonic() > give_up_at:
                    raise
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._door.opened(), max(give_up_at - time.monotonic(), 0))
            else:
                if answer.status_code != _UNAVAILABLE or time.monotonic() > give_up_at:
                    return answer.status_code, answer.json()
            await asyncio.sleep(_RETRY_S)

    # -- the socket ---------------------------------------------------------------------------------------------------

    async def _by_socket(self) -> None:
        while True:
            with suppress(*CUT):
                headers = {"Authorization": f"Bearer {self._token}"}
                # Its pings are the venue's; the proxy's settings of this machine are none of a test's business.
                async with connect(
                    self.socket_url,
                    additional_headers=headers,
                    max_size=None,
                    ping_interval=None,
                    close_timeout=1,
                    proxy=None,
                    ssl=self.tls,
                ) as socket:
                    await self._connected(socket)
            await asyncio.sleep(_RETRY_S)
            await self._door.opened()

    async def _connected(self, socket: ClientConnection) -> None:
        self._socket = socket
        reading = asyncio.create_task(self._read(socket))
        working = [asyncio.create_task(self._work()) for _ in range(IN_FLIGHT)]
        try:
            await asyncio.wait([reading, *working], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._socket = None
            self.following.clear()
            for future in self._waiting.values():
                future.cancel()
            self._waiting.clear()
            for task in (reading, *working):
                task.cancel()
            results = await asyncio.gather(reading, *working, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            found = json.loads(frame)
            for message in found if isinstance(found, list) else [found]:
                if "ok" in message:
                    future = self._waiting.pop(message["id"], None)
                    if future is not None and not future.done():
                        future.set_result(message)
                elif message.get("channel") == "account":
                    self.stream.take(message)

    async def _work(self) -> None:
        if not self.following.is_set():
            await self._follow()
        while True:
            await self.going.wait()
            await self._send_socket(self.flow.next("socket"))

    async def _follow(self) -> None:
        """Subscribe, going on from where the last connection ended; the first of the workers does it for all."""
        self.following.set()
        while True:
            from_sequence = {} if self.stream.at is None else {"from_sequence": self.stream.at}
            answer = await self.ask("subscribe", channel="account", **from_sequence)
            if answer["ok"]:
                self.stream.resumed += answer["result"]["resumed"]
                return
            if answer["status"] < 500:
                message = f"the account's channel is refused: {answer}"
                raise AssertionError(message)
            await asyncio.sleep(_RETRY_S)

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send a request by socket; give its answer.

        Raises:
            ConnectionError: there is no connection, or it was cut.

        """
        if self._socket is None:
            message = "not connected"
            raise ConnectionError(message)
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "op": op, **fields}))
        try:
            return await asyncio.wait_for(asyncio.shield(future), ANSWER_S_MAX)
        except asyncio.CancelledError:
            if future.cancelled():
                message = "the connection was cut"
                raise ConnectionError(message) from None
            raise

    async def _send_socket(self, request: Request) -> None:
        number = self._sent(request)
        try:
            answer = await self.ask(request.op, params=request.params)
        except (*CUT, asyncio.CancelledError) as error:
            self._lost(request, f"{type(error).__name__}: {error}")
            raise
        else:
            self._answered(request, answer["status"], answer["result"] if answer["ok"] else answer["error"])
        finally:
            self._done(request, number)
        await self._rest(answer["status"])

    # -- outcomes -----------------------------------------------------------------------------------------------------

    def _sent(self, request: Request) -> int:
        number = next(self._numbers)
        self.in_flight[number] = request
        return number

    def _done(self, request: Request, number: int) -> None:
        del self.in_flight[number]
        for kept, _ in request.parts:
            if kept is not None:
                kept.busy = False

    def _answered(self, request: Request, status: int, body: dict[str, Any]) -> None:
        memory = self.memory
        if status < 400:
            self._heard(request.parts[0][1].at)
        if request.op == "order.cancel_all":
            self._mass_canceled(request, status, body)
        elif request.op == "order.batch" and status < 400:
            for (kept, sent), item in zip(request.parts, body["results"], strict=True):
                assert kept is not None
                memory.answered(kept, sent, item["status"], item["order"] or item["error"])
            last = max((item["order"]["sequence"] for item in body["results"] if item["order"]), default=0)
            memory.token = max(memory.token, (last, body["consistency_token"] or ""))
        else:
            for kept, sent in request.parts:
                assert kept is not None
                memory.answered(kept, sent, status, body)

    def _mass_canceled(self, request: Request, status: int, body: dict[str, Any]) -> None:
        (_, sent), memory = request.parts[0], self.memory
        if status < 400:
            sent.fate = Fate.ACKNOWLEDGED
            for order in body["results"]:
                memory.note(memory.orders[order["client_order_id"]], order)
        elif status >= 500 and body["code"] not in NOTHING_HAPPENED:
            memory.lose(None, sent, body["code"])
        else:
            memory.refuse(sent, body["code"])

    def _lost(self, request: Request, why: str) -> None:
        for kept, sent in request.parts:
            self.memory.lose(kept, sent, why)
