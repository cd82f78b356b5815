"""The production bus: core NATS, for processes on any number of machines.

Each event loop of a process has a connection of its own, which comes back by itself. Nothing is kept for a time without
one: a request or a message fails at once (`VenueUnavailable`), so that none is carried out long after it was given up.
A message with an id carries it as `Nats-Msg-Id`, by which a stream of the server drops doubles; nothing here waits for
a stream.

Core NATS hands a request to every responder. That a subject has one is asked before another responds
(`cift.bus.nats_link.PRESENCE`); whether two that start at the same moment may both write, the shard's lease decides.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

from nats.aio.client import Client

from cift.bus.base import Bus, GapHandler, MessageHandler, RequestHandler, Subscription
from cift.bus.frames import payload_check
from cift.bus.nats_link import Link
from cift.bus.reader import run_in


class NatsBus(Bus):
    """A bus of one or several NATS servers."""

    def __init__(
        self,
        *,
        servers: Sequence[str],
        name: str = "cift",
        user: str | None = None,
        password: str | None = None,
        tls: Mapping[str, str | Path] | None = None,
    ) -> None:
        """Take where the servers are (`nats://host:port`, `tls://host:port`) and who this is.

        `name` stands in the server's list of connections. `tls`: paths of `ca`, and of this client's `certificate` and
        `key` where the server wants one.
        """
        self._options: dict[str, object] = {"servers": list(servers), "name": name}
        if user is not None:
            self._options |= {"user": user, "password": password or ""}
        if tls is not None:
            self._options["tls"] = _context(tls)
        self._links: WeakKeyDictionary[asyncio.AbstractEventLoop, Link] = WeakKeyDictionary()

    async def start(self) -> None:
        """Connect, so that a server that cannot be reached shows at the start.

        Raises:
            VenueUnavailable: no server can be reached.

        """
        await self._link().connected()

    async def close(self) -> None:
        """End what this process has on the bus, in all its loops, and hang up."""
        links = list(self._links.items())
        self._links.clear()
        for loop, link in links:
            if not loop.is_closed() and (loop.is_running() or loop is asyncio.get_running_loop()):
                await run_in(loop, link.close)

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Ask the subject's responder."""
        payload_check(subject, payload)
        return await self._link().request(subject, payload, timeout_s=timeout_s)

    async def publish(self, subject: str, payload: bytes, *, message_id: str | None = None) -> None:
        """Hand a message to the server."""
        payload_check(subject, payload)
        await self._link().publish(subject, payload, message_id=message_id)

    async def subscribe(
        self, subject: str, handler: MessageHandler, *, on_gap: GapHandler | None = None
    ) -> Subscription:
        """Listen to a subject or a family of them."""
        return await self._link().subscribe(subject, handler, on_gap)

    async def respond(self, subject: str, handler: RequestHandler) -> Subscription:
        """Answer the subject's requests.

        Raises:
            VenueUnavailable: no server can be reached.

        """
        return await self._link().respond(subject, handler)

    async def client(self) -> Client:
        """Return the running loop's client, for what is NATS' own.

        Raises:
            VenueUnavailable: no server can be used.

        """
        return await self._link().connected()

    @property
    def said(self) -> str:
        """What the server last complained of to the running loop's client, in brackets."""
        return self._link().said

    def _link(self) -> Link:
        loop = asyncio.get_running_loop()
        if loop not in self._links:
            self._links[loop] = Link(self._options)
        return self._links[loop]


def _context(tls: Mapping[str, str | Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.get("ca"))
    if "certificate" in tls:
        context.load_cert_chain(tls["certificate"], tls.get("key"))
    return context
