"""Streams of the real server: made and altered as declared, told apart from what is, filled without gap or double."""

import asyncio
import io
import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from nats.js.api import StorageType
from pytest_django import Settings

from cift.bus.base import VenueUnavailable
from cift.bus.groups import Delivery, PullGroup
from cift.bus.nats import NatsBus
from cift.bus.streams import (
    StreamDifference,
    StreamMessage,
    StreamMissing,
    StreamRefused,
    Streams,
    StreamsUnavailable,
)
from cift.monitoring.health import Status
from cift.monitoring.streams import StreamsCheck
from cift.stack.nats import nats_part
from cift.wire.streams import EVENTS, MARKET_DATA, ORDERS, STREAMS
from cift.wire.subjects import ROLES
from tests.support.nats_server import PROGRAM, NatsServer, accepts
from tests.support.servers import server_running
from tests.support.streams import jetstream, stored, streams_cleared
from tests.support.venue import free_port
from tests.support.waiting import until

PASSWORDS = {f"nats-{name}": f"secret-of-{name}" for name in ROLES}


@pytest.fixture
async def streams(nats_server: NatsServer) -> AsyncIterator[Streams]:
    await streams_cleared(nats_server)
    bus = NatsBus(servers=[nats_server.address])
    yield Streams(bus=bus)
    await bus.close()


@pytest.fixture
def named(nats_server: NatsServer, settings: Settings) -> NatsServer:
    """A server the settings name."""
    asyncio.run(streams_cleared(nats_server))
    settings.BUSES = {"default": {"BACKEND": "cift.bus.nats.NatsBus", "OPTIONS": {"servers": [nats_server.address]}}}
    settings.STREAMS = {"default": {"BACKEND": "cift.bus.streams.Streams"}}
    return nats_server


@pytest.fixture(scope="module")
def roles_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The stack's server: each role with what it may."""
    port = free_port()
    part = nats_part(tmp_path_factory.mktemp("roles"), port=port, passwords=PASSWORDS)
    process = subprocess.Popen(part.plan.program)
    try:
        until(lambda: accepts(port))
        yield port
    finally:
        process.kill()
        process.wait()


def of_role(port: int, role: str, password: str | None = None) -> NatsBus:
    secret = password or PASSWORDS[f"nats-{role}"]
    return NatsBus(servers=[f"nats://127.0.0.1:{port}"], user=role, password=secret)


def message(number: int, stream: str = MARKET_DATA.name) -> StreamMessage:
    return StreamMessage(stream, "market_data.trades.0.1", f"0.{number}.market_data.trades.0.1", b"%d" % number)


def ensured(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ensure_streams", *arguments, stdout=out)
    return out.getvalue()


async def test_streams_are_made_once_and_are_then_as_declared(streams: Streams) -> None:
    assert await streams.ensure(STREAMS) == [StreamDifference(stream.name, "", "", "") for stream in STREAMS]
    assert await streams.differences(STREAMS) == []
    assert await streams.ensure(STREAMS) == []


async def test_what_may_be_altered_is_and_nothing_is_lost(streams: Streams, nats_server: NatsServer) -> None:
    await streams.ensure((MARKET_DATA._replace(age_s=600, duplicate_s=60),))
    await streams.publish([message(1)], behind={})
    found = await streams.differences((MARKET_DATA,))
    assert {each.field for each in found} == {"max_age", "duplicate_window"}
    assert await streams.ensure((MARKET_DATA,)) == found
    assert await streams.differences((MARKET_DATA,)) == []
    assert [payload for _, _, payload in await stored(nats_server, MARKET_DATA.name)] == [b"1"]


async def test_what_cannot_be_altered_is_said_and_the_rest_is_done(streams: Streams, nats_server: NatsServer) -> None:
    async with jetstream(nats_server) as context:
        await context.add_stream(name=EVENTS.name, subjects=["venue_events.>"], storage=StorageType.MEMORY)
    found = {each.field: each.refused for each in await streams.ensure((EVENTS,))}
    assert found["storage"]
    assert not found["max_bytes"]
    assert [each.field for each in await streams.differences((EVENTS,))] == ["storage"]


async def test_more_replicas_than_servers_are_refused_in_the_server_s_words(nats_server: NatsServer) -> None:
    await streams_cleared(nats_server)
    bus = NatsBus(servers=[nats_server.address])
    (found,) = await Streams(bus=bus, replicas=3).ensure((MARKET_DATA,))
    await bus.close()
    assert "replicas" in found.refused


async def test_messages_follow_one_another_and_a_double_is_refused(streams: Streams, nats_server: NatsServer) -> None:
    await streams.ensure((MARKET_DATA,))
    behind: dict[str, str] = {}
    await streams.publish([message(1), message(2)], behind=behind)
    with pytest.raises(StreamRefused, match="from before"):
        await streams.publish([message(2)], behind={})
    with pytest.raises(StreamRefused):
        await streams.publish([message(4), message(5)], behind={MARKET_DATA.name: message(3).id})
    assert behind == {MARKET_DATA.name: message(2).id}
    last = await streams.last(MARKET_DATA)
    assert last is not None
    assert (last.id, last.payload) == (message(2).id, b"2")
    await streams.publish([message(3)], behind=behind)
    assert [payload for _, _, payload in await stored(nats_server, MARKET_DATA.name)] == [b"1", b"2", b"3"]


async def test_a_stream_that_is_not_there_is_named(streams: Streams) -> None:
    with pytest.raises(StreamMissing):
        await streams.last(ORDERS)
    with pytest.raises(StreamMissing, match="no stream keeps"):
        await streams.publish([message(1)], behind={})


async def test_a_message_above_the_stream_s_bound_is_refused_and_none_behind_it_enters(streams: Streams) -> None:
    await streams.ensure((MARKET_DATA._replace(message_bytes_max=1_000),))
    with pytest.raises(StreamRefused, match="size"):
        await streams.publish([message(1)._replace(payload=bytes(2_000)), message(2)], behind={})
    assert await streams.last(MARKET_DATA) is None


class WithoutJetStream(NatsServer):
    def words(self) -> Sequence[str]:
        return str(PROGRAM), "-a", "127.0.0.1", "-p", str(self.port)


async def test_a_server_without_jetstream_says_so(tmp_path: Path) -> None:
    with server_running(WithoutJetStream(tmp_path)) as server:
        bus = NatsBus(servers=[server.address])
        with pytest.raises(StreamsUnavailable, match="JetStream is off"):
            await Streams(bus=bus).check()
        await bus.close()


async def test_the_publisher_makes_streams_and_no_other_role_does(roles_port: int) -> None:
    bus = of_role(roles_port, "publisher")
    assert len(await Streams(bus=bus).ensure(STREAMS)) == len(STREAMS)
    await Streams(bus=bus).publish([message(1)], behind={})
    await bus.close()

    async def refused(role: str) -> None:
        other = of_role(roles_port, role)
        with pytest.raises(VenueUnavailable, match=r"(?i)permissions violation"):
            await Streams(bus=other).last(ORDERS) if role != "web" else await web_alters(other)
        await other.close()

    async def web_alters(web: NatsBus) -> None:
        # It may see them: its check of readiness does.
        await Streams(bus=web).differences(STREAMS)
        await Streams(bus=web).ensure((MARKET_DATA._replace(age_s=60),))

    await asyncio.gather(*(refused(role) for role in set(ROLES) - {"publisher"}))


async def test_the_worker_reads_as_its_group_and_nobody_else_does(roles_port: int) -> None:
    maker, worker, projector = (of_role(roles_port, role) for role in ("publisher", "worker", "projector"))
    await Streams(bus=maker).ensure((MARKET_DATA,))
    await Streams(bus=maker).publish([message(7)], behind={})
    (delivery,) = (
        each
        for each in await PullGroup(Streams(bus=worker), MARKET_DATA, name="ticks").fetch(most=9)
        if each.payload == b"7"
    )

    async def refused(bus: NatsBus, group: str) -> None:
        with pytest.raises(VenueUnavailable, match=r"(?i)permissions violation"):
            await PullGroup(Streams(bus=bus), MARKET_DATA, name=group).fetch(most=1)

    await PullGroup(Streams(bus=worker), MARKET_DATA, name="ticks").acknowledge([delivery])
    await asyncio.gather(refused(projector, "ticks"), refused(worker, "others"))
    for bus in (maker, worker, projector):
        await bus.close()


async def fetched(group: PullGroup) -> list[Delivery]:
    """Fetch until there is something: the server takes what is given back in its own time."""
    async with asyncio.timeout(5):
        while not (found := await group.fetch(most=9)):  # noqa: ASYNC110 - nor does the server say when
            await asyncio.sleep(0.01)
    return found


async def test_a_message_is_handed_out_until_it_is_acknowledged_or_set_aside(streams: Streams) -> None:
    await streams.ensure((MARKET_DATA,))
    await streams.publish([message(1), message(2), message(3)], behind={})
    first, second = (PullGroup(streams, MARKET_DATA, name="ticks") for _ in range(2))
    held = await first.fetch(most=2)
    assert [each.payload for each in held] == [b"1", b"2"]
    assert [each.payload for each in await second.fetch(most=9)] == [b"3"]
    await first.acknowledge(held[:1])
    await first.give_back(held[1:])
    (again,) = await fetched(second)
    assert (again.payload, again.sequence) == (b"2", 2)
    assert await second.before(2) == b"1"
    assert await second.before(1) is None
    await second.park(again, reason="it cannot be read")
    assert await second.fetch(most=9) == []


async def test_a_group_is_made_again_with_its_stream(streams: Streams, nats_server: NatsServer) -> None:
    await streams.ensure((MARKET_DATA,))
    group = PullGroup(streams, MARKET_DATA, name="ticks")
    assert await group.fetch(most=1) == []
    await streams_cleared(nats_server)
    with pytest.raises(StreamMissing):
        await group.fetch(most=1)
    with pytest.raises(StreamMissing):
        await group.fetch(most=1)
    await streams.ensure((MARKET_DATA,))
    await streams.publish([message(1)], behind={})
    assert [each.payload for each in await group.fetch(most=1)] == [b"1"]


async def test_wrong_credentials_are_said(roles_port: int) -> None:
    bus = of_role(roles_port, "publisher", "another")
    with pytest.raises(VenueUnavailable, match=r"(?i)authorization violation"):
        await Streams(bus=bus).check()
    await bus.close()


def test_a_dry_run_shows_the_difference_and_changes_nothing(named: NatsServer) -> None:
    out = io.StringIO()
    for _ in range(2):
        with pytest.raises(CommandError, match="not as declared"):
            call_command("ensure_streams", "--dry-run", stdout=out)
    assert out.getvalue().splitlines()[:4] == [f"{stream.name} is missing" for stream in STREAMS]
    assert ensured() == out.getvalue()[: len(out.getvalue()) // 2]
    assert ensured("--dry-run") == "MARKET_DATA, ORDERS, SIGNALS, EVENTS: as declared\n"


def test_the_command_says_that_there_is_no_nats(settings: Settings) -> None:
    with pytest.raises(CommandError, match="CIFT_NATS_SERVERS"):
        ensured()
    address = f"nats://127.0.0.1:{free_port()}"
    settings.BUSES = {"default": {"BACKEND": "cift.bus.nats.NatsBus", "OPTIONS": {"servers": [address]}}}
    settings.STREAMS = {"default": {"BACKEND": "cift.bus.streams.Streams"}}
    with pytest.raises(CommandError, match="no NATS server can be used"):
        ensured()


def test_readiness_tells_which_stream_is_missing(named: NatsServer) -> None:
    async def looked() -> tuple[Status, str]:
        return tuple(await StreamsCheck(required=False).look())  # type: ignore[return-value]

    status, detail = asyncio.run(looked())
    assert status == Status.DEGRADED
    assert "MARKET_DATA is missing" in detail
    ensured()
    assert asyncio.run(looked()) == (Status.OK, "")


def test_the_stack_s_server_has_room_for_all_streams(tmp_path: Path) -> None:
    nats_part(tmp_path, port=4222, passwords=PASSWORDS)
    configuration = json.loads((tmp_path / "nats" / "nats.conf").read_text())
    assert sum(stream.bytes_max for stream in STREAMS) <= configuration["jetstream"]["max_file_store"]
