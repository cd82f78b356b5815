"""The embedded bus: inside the process that hosts it, with a Unix socket for all others.

The first process to `start` hosts. There, requests and messages are function calls; from elsewhere they go over the
socket, which only this user can open.
"""

import asyncio
from pathlib import Path
from weakref import WeakKeyDictionary

from cift.bus.address import socket_path
from cift.bus.base import Bus, BusInUse, GapHandler, MessageHandler, RequestHandler, Subscription
from cift.bus.frames import payload_check
from cift.bus.guest import Guest
from cift.bus.host import Host
from cift.bus.reader import Reader, run_in


class LocalBus(Bus):
    """A bus of one machine; host in one process, guest in the others."""

    def __init__(self, *, socket: str | Path) -> None:
        """Take where the socket is to be."""
        self._path = socket_path(Path(socket).absolute())
        self._host: Host | None = None
        self._guests: WeakKeyDictionary[asyncio.AbstractEventLoop, Guest] = WeakKeyDictionary()

    async def start(self) -> None:
        """Host the bus in the running loop."""
        if self._host is not None:
            raise BusInUse("this process hosts the bus already")
        host = Host(self._path)
        await host.start()
        self._host = host

    async def close(self) -> None:
        """Leave the bus; as its host, end it."""
        host, self._host = self._host, None
        if host is not None:
            await run_in(host.loop, host.close)
        guest = self._guests.pop(asyncio.get_running_loop(), None)
        if guest is not None:
            await guest.close()

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Ask the subject's responder."""
        payload_check(subject, payload)
        host = self._host
        if host is None:
            return await self._guest().request(subject, payload, timeout_s=timeout_s)
        return await run_in(host.loop, lambda: host.exchange.request(subject, payload, timeout_s=timeout_s))

    def ask(self, subject: str, payload: bytes, *, timeout_s: float) -> "asyncio.Future[bytes]":
        """Ask the subject's responder; inside the hosting loop that is a function call."""
        host = self._host
        if host is None or asyncio.get_running_loop() is not host.loop:
            return super().ask(subject, payload, timeout_s=timeout_s)
        payload_check(subject, payload)
        return host.exchange.ask(subject, payload, timeout_s=timeout_s)

    async def publish(self, subject: str, payload: bytes, *, message_id: str | None = None) -> None:  # noqa: ARG002 - nothing is kept here that could hold doubles
        """Hand a message to whoever listens; doubles too."""
        payload_check(subject, payload)
        host = self._host
        if host is None:
            await self._guest().publish(subject, payload)
        elif asyncio.get_running_loop() is host.loop:
            host.exchange.publish(subject, payload)
        else:
            host.loop.call_soon_threadsafe(host.exchange.publish, subject, payload)

    async def subscribe(
        self, subject: str, handler: MessageHandler, *, on_gap: GapHandler | None = None
    ) -> Subscription:
        """Listen to a subject or a family of them."""
        host = self._host
        if host is None:
            return await self._guest().subscribe(subject, handler, on_gap)

        def leave(reader: Reader) -> None:
            host.loop.call_soon_threadsafe(host.exchange.discard, subject, reader)

        reader = Reader(handler, on_gap, on_close=leave)

        async def enter() -> None:
            host.exchange.add(subject, reader)

        await run_in(host.loop, enter)
        return reader

    async def respond(self, subject: str, handler: RequestHandler) -> Subscription:
        """Answer the subject's requests; only where the bus is hosted."""
        host = self._host
        if host is None:
            raise BusInUse(f"start the bus before responding to {subject}")
        return host.exchange.respond(subject, handler)

    def _guest(self) -> Guest:
        loop = asyncio.get_running_loop()
        if loop not in self._guests:
            self._guests[loop] = Guest(self._path)
        return self._guests[loop]
