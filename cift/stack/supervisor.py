"""Starts the stack in order, keeps it running, and ends all it started and nothing else."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cift.embedded.children import Child, ChildGivenUp, ChildPlan
from cift.processes.workers import WorkerEndedError
from cift.stack.certificates import certificates_ensure
from cift.stack.nats import nats_part
from cift.stack.parts import Part, passwords_load
from cift.stack.postgres import postgres_part
from cift.stack.questdb import QuestDBMissingError, questdb_part
from cift.stack.valkey import valkey_part
from cift.stack.venue import (
    Ports,
    questdb_environment,
    role_environment,
    venue_environment,
    venue_parts,
    worker_parts,
)

READY_S_MAX = 60.0
PATIENCE_S = 8.0
LINE_BYTES_MAX = 64 * 1024
_POLL_S = 0.05
_ALIASES = ("journal", "snapshots", "default")


class Stack:
    """All parts of one stack, in one folder and on its ports."""

    def __init__(self, folder: Path, *, manage: Path, ports: Ports, console: Console) -> None:
        """Take where everything goes; nothing is started yet."""
        self._folder, self._manage, self._ports, self._console = folder, manage, ports, console
        # Apart from the servers': PostgreSQL's user must reach its folder, and nobody else this one.
        self._venue = folder / "venue"
        self._children: list[Child] = []
        self._keeping: list[asyncio.Task[None]] = []
        self._reading: list[asyncio.Task[None]] = []
        self._parts: list[Part] = []
        self._missing: list[str] = []
        self._lifeline = os.pipe()

    async def run(self, stop: asyncio.Event) -> None:
        """Start all, say where it is, and keep it running until `stop` is set.

        Raises:
            WorkerEndedError: a part does not start, or cannot be kept running.

        """
        stopping = asyncio.create_task(stop.wait())
        opening = asyncio.create_task(self._open())
        try:
            await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                await opening
                await asyncio.wait((*self._keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        except ChildGivenUp as error:
            raise WorkerEndedError(f"the stack has ended: {error}") from error
        finally:
            opening.cancel()
            stopping.cancel()
            await self._close()
        for task in self._keeping:
            if isinstance(task.exception(), ChildGivenUp):
                raise WorkerEndedError(f"the stack has ended: {task.exception()}")

    async def _open(self) -> None:
        secrets = await asyncio.to_thread(passwords_load, self._venue)
        tls = await asyncio.to_thread(certificates_ensure, self._venue)
        database = await asyncio.to_thread(
            postgres_part, self._folder, port=self._ports.postgres, password=secrets["database"]
        )
        for part in (
            database,
            nats_part(self._folder, port=self._ports.nats, passwords=secrets),
            valkey_part(self._folder, port=self._ports.valkey, passwords=secrets),
        ):
            await self._start(part)
        environment = venue_environment(self._venue, ports=self._ports, secrets=secrets, tls=tls)
        if await self._questdb(secrets):
            environment |= questdb_environment(ports=self._ports, secrets=secrets, writes=False)
        web = {**environment, **role_environment("web", secrets)}
        for alias in _ALIASES:
            await self._once(web, "migrate", "--database", alias, "--verbosity", "0", "--no-input")
        await self._once({**environment, **role_environment("publisher", secrets)}, "ensure_streams")
        parts = venue_parts(environment, ports=self._ports, secrets=secrets, tls=tls, lifeline=self._lifeline[0])
        parts += worker_parts(environment, ports=self._ports, secrets=secrets, lifeline=self._lifeline[0])
        # Side by side: each waits for what it needs by itself.
        await asyncio.gather(*(self._start(part) for part in parts))
        await self._once(web, "bootstrap")
        self._show(tls)

    async def _questdb(self, secrets: Mapping[str, str]) -> bool:
        """Start QuestDB where this machine can have it; without it trades and candles are the tables'."""
        try:
            part = await asyncio.to_thread(
                questdb_part,
                self._folder,
                cache=self._manage.parent / "var",
                port=self._ports.questdb,
                sql_port=self._ports.questdb_sql,
                passwords=secrets,
            )
        except QuestDBMissingError as error:
            self._missing.append(f"questdb is off: {error}")
            return False
        await self._start(part)
        return True

    async def _start(self, part: Part) -> None:
        reading, writing = os.pipe()
        child = Child(part.plan, manage=self._manage, output=writing)
        self._children.append(child)
        self._parts.append(part)
        self._reading.append(asyncio.create_task(self._read(part.plan.name, reading)))
        keeping = asyncio.create_task(child.keep())
        keeping.add_done_callback(lambda _: os.close(writing))
        self._keeping.append(keeping)
        try:
            async with asyncio.timeout(READY_S_MAX):
                while not await part.ready():
                    if keeping.done():
                        await keeping
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            line = f"{part.plan.name} is not ready after {READY_S_MAX:.0f} s; its lines above say why"
            raise WorkerEndedError(line) from error

    async def _once(self, environment: Mapping[str, str], *arguments: str) -> None:
        """Run a command of manage.py to its end.

        Raises:
            WorkerEndedError: it failed.

        """
        child = Child(ChildPlan(arguments[0], arguments, environment=environment), manage=self._manage, output=PIPE)
        try:
            code, said = await child.once()
        finally:
            child.kill()
        for line in said.splitlines():
            self._say(arguments[0], line)
        if code:
            raise WorkerEndedError(f"{' '.join(arguments)} failed with exit code {code}")

    async def _read(self, name: str, reading: int) -> None:
        """Put the part's name before each of its lines; a line above the bound is cut."""
        reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
        )
        with suppress(asyncio.CancelledError):
            while True:
                try:
                    line = await reader.readline()
                except ValueError:
                    self._say(name, "a line too long to be shown")
                    continue
                if not line:
                    break
                self._say(name, line.decode(errors="replace").rstrip())
        transport.close()

    def _say(self, name: str, line: str) -> None:
        self._console.print(f"{name:<9} | {line}", highlight=False, markup=False, soft_wrap=True)

    def _show(self, tls: Mapping[str, Path]) -> None:
        table = Table("part", "where", "what", box=None)
        for part in self._parts:
            table.add_row(part.plan.name, part.address, part.what)
        self._console.print(table)
        for line in self._missing:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        address = f"https://localhost:{self._ports.web}"
        self._console.print(
            f"CIFT Markets is open at {address}; its authority is {tls['authority']}, its logins are in "
            f"{self._venue / 'logins.json'}. Ctrl-C ends it.",
            highlight=False,
            soft_wrap=True,
        )

    async def _close(self) -> None:
        """End the parts, the last one started first: who asks ends before who answers."""
        for child in reversed(self._children):
            await child.stop(patience_s=PATIENCE_S)
        await asyncio.gather(*self._keeping, return_exceptions=True)
        await asyncio.wait(self._reading, timeout=1.0) if self._reading else None
        for task in self._reading:
            task.cancel()
        for descriptor in self._lifeline:
            os.close(descriptor)
