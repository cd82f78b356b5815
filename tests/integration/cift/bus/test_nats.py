"""The NATS bus while its server is away, killed or started again; what it promises otherwise is in the contract."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import nats
import pytest

from cift.bus.base import RequestTimeout, VenueUnavailable
from cift.bus.nats import NatsBus
from cift.env import EnvironmentVariableError
from cift.settings.bus import production_buses
from cift.stack.certificates import certificates_ensure
from tests.support.nats_server import NatsServer
from tests.support.servers import server_running
from tests.support.venue import free_port


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with server_running(NatsServer(tmp_path)) as server:
        yield server


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[NatsBus]:
    bus = NatsBus(servers=[server.address])
    yield bus
    await bus.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for has no event to offer
            await asyncio.sleep(0.005)


async def test_without_a_server_nothing_happens_and_that_is_said_at_once() -> None:
    bus = NatsBus(servers=[f"nats://127.0.0.1:{free_port()}"])
    async with asyncio.timeout(2):
        for _ in range(2):
            with pytest.raises(VenueUnavailable):
                await bus.request("orders.commands.0", b"", timeout_s=60)
            with pytest.raises(VenueUnavailable):
                await bus.publish("book.1", b"")
    with pytest.raises(VenueUnavailable):
        await bus.start()
    await bus.close()
    with pytest.raises(VenueUnavailable):
        await bus.publish("book.1", b"")


async def test_a_server_killed_under_a_request_leaves_its_outcome_unknown_at_once(
    bus: NatsBus, server: NatsServer
) -> None:
    asked = asyncio.Event()

    async def never(payload: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return payload

    await bus.respond("never", never)
    request = asyncio.create_task(bus.request("never", b"", timeout_s=60))
    await asked.wait()
    server.kill()
    async with asyncio.timeout(2):
        with pytest.raises(RequestTimeout):
            await request


async def test_while_the_server_is_away_nothing_is_kept_and_all_goes_on_when_it_is_back(
    bus: NatsBus, server: NatsServer
) -> None:
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        seen.append(payload)

    async def gap() -> None:
        seen.append(b"gap")

    async def echo(payload: bytes) -> bytes:
        return payload

    await bus.subscribe("book.1", take, on_gap=gap)
    await bus.respond("echo", echo)
    await bus.publish("book.1", b"before")
    await until(lambda: seen == [b"before"])
    server.kill()

    async def away() -> bool:
        try:
            await bus.publish("book.1", b"while it was away")
        except VenueUnavailable:
            return True
        return False

    async with asyncio.timeout(5):
        while not await away():  # noqa: ASYNC110 - a lost connection is seen by nobody but who uses it
            await asyncio.sleep(0.01)
    seen.clear()
    with pytest.raises(VenueUnavailable):
        await bus.request("echo", b"while it was away", timeout_s=60)
    server.start()
    await until(lambda: seen == [b"gap"])
    await bus.publish("book.1", b"after")
    await until(lambda: seen == [b"gap", b"after"])

    assert await bus.request("echo", b"again", timeout_s=5) == b"again"


async def test_a_subscriber_waits_for_the_first_server_and_is_told_of_the_gap(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    bus = NatsBus(servers=[server.address])
    seen: list[bytes] = []

    async def take(_subject: str, payload: bytes) -> None:
        seen.append(payload)

    async def gap() -> None:
        seen.append(b"gap")

    await bus.subscribe("book.*", take, on_gap=gap)
    server.start()
    try:
        await until(lambda: seen == [b"gap"])
        await bus.publish("book.7", b"7")
        await until(lambda: seen == [b"gap", b"7"])
    finally:
        await bus.close()
        server.kill()


async def test_a_stream_drops_the_double_of_a_message_id(bus: NatsBus, server: NatsServer) -> None:
    client = await nats.connect(server.address)
    try:
        stream = client.jetstream()
        await stream.add_stream(name="MARKET_DATA", subjects=["book.>"])
        for message_id in ("0.7.book.1", "0.7.book.1", "0.8.book.1"):
            await bus.publish("book.1", b"", message_id=message_id)
        await bus.request("$JS.API.INFO", b"", timeout_s=5)
        assert (await stream.stream_info("MARKET_DATA")).state.messages == 2
    finally:
        await client.close()


class WantsCertificates(NatsServer):
    """A server that lets in only who shows a certificate of its authority."""

    def words(self) -> Sequence[str]:
        words = super().words()
        files = certificates_ensure(self.folder)
        tls = (
            f"cert_file: {files['certificate']}, key_file: {files['key']}, ca_file: {files['authority']}, verify: true"
        )
        with (self.folder / "nats.conf").open("a") as configuration:
            configuration.write(f"tls {{ {tls} }}\n")
        return words


async def test_a_server_that_wants_certificates_lets_in_who_the_settings_give_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server_running(WantsCertificates(tmp_path)) as server:
        files = certificates_ensure(tmp_path)
        monkeypatch.setenv("CIFT_NATS_SERVERS", server.address.replace("nats:", "tls:"))
        monkeypatch.setenv("CIFT_NATS_CA", str(files["authority"]))
        stranger = NatsBus(**production_buses(tmp_path)["default"]["OPTIONS"])
        with pytest.raises(VenueUnavailable):
            await stranger.start()
        monkeypatch.setenv("CIFT_NATS_CERTIFICATE", str(files["certificate"]))
        with pytest.raises(EnvironmentVariableError, match="CIFT_NATS_CERTIFICATE and CIFT_NATS_KEY go together"):
            production_buses(tmp_path)
        monkeypatch.setenv("CIFT_NATS_KEY", str(files["key"]))
        bus = NatsBus(**production_buses(tmp_path)["default"]["OPTIONS"])
        await bus.start()
        for each in (stranger, bus):
            await each.close()
