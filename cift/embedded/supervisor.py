"""The embedded venue: a supervisor that keeps its children running and ends with them.

Children: the web process, with the order service inside, and the projector with the verifier. The supervisor binds
the venue's address and hands the socket down, so a web process that dies and comes back never loses it; clients that
connect meanwhile wait in the socket's queue.
"""

import asyncio
import logging
import os
import socket
import ssl
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from rich.console import Console

from apps.simulation.accounts import orders_take_back
from cift.bus import buses
from cift.bus.base import BusError
from cift.embedded.bootstrap import bootstrap, promises_keep
from cift.embedded.children import Child, ChildGivenUp, ChildPlan
from cift.embedded.console import welcome
from cift.embedded.logins import logins_load, logins_made
from cift.embedded.standstill import followers_watch
from cift.errors.application import ApplicationError
from cift.processes.loopback import reachable
from cift.processes.workers import WorkerEndedError, stop_on_signals
from cift.wire.queries import StatsQuery, query_encode
from cift.wire.subjects import query_subject, status_subject

PATIENCE_S = 8.0
"""How long a child may take to end before it is killed."""

BACKLOG = 1_024
"""Connections that wait while nobody accepts."""

LATE_S = 5.0
"""After this the operator is told that the order service is not ready yet."""

WATCH_S = 0.5
SILENCES_MIN = 3
"""How often the web process is asked whether it lives, and at least so many questions are unanswered in a row."""

PROMISES_S = 60.0
"""How often what was cut off is finished."""

_POLL_S = 0.05

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs the venue's children on one data folder and one address."""

    def __init__(self, *, folder: Path, lock: int, listener: socket.socket, console: Console) -> None:
        """Take the locked folder and the bound socket."""
        self._folder = folder
        self._listener = listener
        self._late = True
        self._trading: list[asyncio.Task[None]] = []
        self._console = console
        # Held open by this process alone: its end is how the children know of this process's.
        reading, self._lifeline = os.pipe()
        listening = listener.fileno()
        manage = settings.BASE_DIR / "manage.py"
        plans = (
            ChildPlan(
                "the web process",
                ("embedded_web", f"--listener={listening}", f"--lifeline={reading}"),
                (listening, reading, lock),
            ),
            # Orders go on without it, up to the lag the writer allows.
            ChildPlan("the projector", ("run_projector", f"--lifeline={reading}"), (reading, lock), vital=False),
        )
        self._children = [Child(plan, manage=manage) for plan in plans]
        self._simulation = Child(
            ChildPlan("the simulation", ("simulate", f"--lifeline={reading}"), (reading,)), manage=manage
        )

    async def run(self) -> None:
        """Run until told to stop.

        Raises:
            WorkerEndedError: a child cannot be kept running.

        """
        stop = asyncio.Event()
        stop_on_signals(stop)
        keeping = [asyncio.create_task(child.keep()) for child in self._children]
        opening = asyncio.create_task(self._open())
        promising = asyncio.create_task(self._keep_promises())
        watching = [asyncio.create_task(watch) for watch in (self._watch(), followers_watch(self._children[1]))]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((*keeping, opening, stopping), return_when=asyncio.FIRST_COMPLETED)
            if opening.done() and opening.exception() is None:
                await asyncio.wait((*keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (opening, promising, *watching, stopping):
                task.cancel()
            await self._close()
            await asyncio.gather(*self._trading)
        results = await asyncio.gather(*keeping, opening, return_exceptions=True)
        for result in results:
            if isinstance(result, ChildGivenUp):
                raise WorkerEndedError(f"the venue has ended: {result}")
            if isinstance(result, OSError):
                raise WorkerEndedError(f"the venue has ended: {result}")
            if isinstance(result, Exception):
                raise result

    async def _close(self) -> None:
        """End the simulation first, then the web process: what it accepted is still projected; then the others."""
        await self._simulation.stop(patience_s=PATIENCE_S)
        for child in self._children:
            await child.stop(patience_s=PATIENCE_S)
        os.close(self._lifeline)
        await buses["default"].close()

    async def _open(self) -> None:
        """Wait for the order service, complete the venue, and say that it is open."""
        await self._order_service_ready()
        is_first = not logins_made(self._folder)
        try:
            logins = await bootstrap(self._folder)
        except (ApplicationError, DatabaseError, TimeoutError) as error:
            logger.warning("the venue could not be checked for what a new one needs: %s", error)
            logins = logins_load(self._folder)
        await self._http_ready()
        if not settings.SIMULATION["ENABLED"]:
            await self._left_alone()
        simulated = settings.SIMULATION["RATE"] if settings.SIMULATION["ENABLED"] else 0
        if simulated:
            self._trading.append(asyncio.create_task(self._simulate()))
        welcome(
            self._console,
            address=address_of(self._listener),
            logins=logins if is_first else None,
            folder=self._folder,
            simulated=simulated,
        )

    async def _left_alone(self) -> None:
        """Take back what a simulation of before left in the books: nobody looks after it now."""
        try:
            count = await orders_take_back()
        except (ApplicationError, DatabaseError) as error:
            logger.warning("orders of an earlier simulation may still be in the books: %s", error)
        else:
            if count:
                logger.info("%s orders of an earlier simulation are canceled", count)

    async def _simulate(self) -> None:
        """Keep the simulation running; a venue without it is a venue still."""
        try:
            await self._simulation.keep()
        except ChildGivenUp as error:
            logger.error("there is no simulated market any more: %s", error)  # noqa: TRY400 - the line says it all

    async def _keep_promises(self) -> None:
        """Finish, now and then, what a crash of another process has left half done."""
        while True:
            await asyncio.sleep(PROMISES_S)
            try:
                await promises_keep()
            except (ApplicationError, DatabaseError) as error:
                logger.warning("interrupted work is finished later: %s", error)

    async def _watch(self) -> None:
        """End a web process that lives and answers nothing any more, as one without memory may; it is started again.

        One that has not answered yet is still starting, which may take as long as it takes.
        """
        web, loop = self._children[0], asyncio.get_running_loop()
        subject = status_subject(settings.MATCHING["SHARD"])
        answered_by, answered_at, silences = None, 0.0, 0
        while True:
            pid = web.pid
            try:
                await buses["default"].request(subject, b"", timeout_s=1.0)
            except BusError:
                silences += 1
                silent_s = loop.time() - answered_at
                hangs = silent_s > settings.WEB_SILENT_S_MAX and silences >= SILENCES_MIN
                if hangs and pid is not None and pid == web.pid == answered_by:
                    logger.error("the web process has answered nothing for %.0f s and is killed", silent_s)  # noqa: TRY400
                    web.kill()
                    answered_by = None
            else:
                answered_by, answered_at, silences = pid, loop.time(), 0
            await asyncio.sleep(WATCH_S)

    async def _order_service_ready(self) -> None:
        subject = query_subject(settings.MATCHING["SHARD"])
        loop = asyncio.get_running_loop()
        loop.call_later(LATE_S, self._say_late)
        while True:
            try:
                await buses["default"].request(subject, query_encode(StatsQuery()), timeout_s=1.0)
            except BusError:
                await asyncio.sleep(_POLL_S)
            else:
                self._late = False
                return

    def _say_late(self) -> None:
        if self._late:
            logger.warning("the order service is not ready yet; its own log lines say why")

    async def _http_ready(self) -> None:
        """Wait for the first answer; the socket takes the connection at once, the web process answers when it can."""
        host, port = self._listener.getsockname()[:2]
        # Our own certificate, on our own machine: that it answers is all there is to know.
        context = None
        if settings.TLS is not None:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(reachable(host), port, ssl=context)
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.readline()
        writer.close()


def listener_bind(host: str, port: int) -> socket.socket:
    """Bind the venue's address.

    Raises:
        OSError: it cannot be had.

    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003 - the standard library's own shape
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the address a browser on this machine would use."""
    host, port = listener.getsockname()[:2]
    name = reachable(host)
    scheme = "http" if settings.TLS is None else "https"
    return f"{scheme}://[{name}]:{port}" if ":" in name else f"{scheme}://{name}:{port}"
