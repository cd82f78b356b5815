"""The streams of a test's NATS server, as their reader sees them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
from nats.js.client import JetStreamContext

from cift.wire.streams import STREAMS
from tests.support.nats_server import NatsServer

Stored = list[tuple[str, str, bytes]]
"""Each message's subject, id and payload, in their order."""


@asynccontextmanager
async def jetstream(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(server.address)
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def streams_cleared(server: NatsServer) -> None:
    """Delete what tests before have left."""
    async with jetstream(server) as context:
        there = {info.config.name for info in await context.streams_info()}
        for name in there & {stream.name for stream in STREAMS}:
            await context.delete_stream(name or "")


async def stored(server: NatsServer, stream: str) -> Stored:
    async with jetstream(server) as context:
        info = await context.stream_info(stream)
        if not info.state.messages:
            return []
        reading = await context.subscribe((info.config.subjects or [])[0], ordered_consumer=True)
        found = [await reading.next_msg(timeout=5) for _ in range(info.state.messages)]
    return [(message.subject, (message.headers or {})["Nats-Msg-Id"], message.data) for message in found]
