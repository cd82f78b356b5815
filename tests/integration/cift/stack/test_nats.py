"""NATS' configuration in the stack: the real server takes it, and holds each role to its subjects."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from cift.bus.base import VenueUnavailable
from cift.bus.nats import NatsBus
from cift.bus.nats_link import settled
from cift.stack.nats import nats_part
from cift.wire.subjects import ROLES, book_subject, commands_subject, journal_subject
from tests.support.nats_server import accepts
from tests.support.venue import free_port
from tests.support.waiting import until

PASSWORDS = {f"nats-{name}": f"secret-of-{name}" for name in ROLES}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    part = nats_part(tmp_path, port=port, passwords=PASSWORDS)
    process = subprocess.Popen(part.plan.program)
    try:
        until(lambda: accepts(port))
        yield port
    finally:
        process.kill()
        process.wait()


async def allowed(port: int, role: str, *, publish: str = "", subscribe: str = "") -> bool:
    """Do one thing as a role; the server says what it does not allow."""
    refused: list[Exception] = []

    async def failed(error: Exception) -> None:
        refused.append(error)

    password = PASSWORDS[f"nats-{role}"]
    client = await nats.connect(f"nats://127.0.0.1:{port}", user=role, password=password, error_cb=failed)
    if publish:
        await client.publish(publish, b"")
    if subscribe:
        await client.subscribe(subscribe)
    await settled(client)
    await client.close()
    return not refused


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("matching", book_subject(1), commands_subject(0)),
        ("web", commands_subject(0), book_subject(1)),
        ("projector", "orders.status.0", journal_subject(0)),
    ],
)
async def test_a_role_publishes_its_own_subjects_alone(port: int, role: str, may: str, may_not: str) -> None:
    assert await allowed(port, role, publish=may)
    assert not await allowed(port, role, publish=may_not)
    assert not await allowed(port, role, publish="elsewhere")


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("matching", commands_subject(0), "book.*"),
        ("web", "account.*", commands_subject(0)),
        ("projector", journal_subject(0), "account.*"),
    ],
)
async def test_a_role_listens_to_its_own_subjects_alone(port: int, role: str, may: str, may_not: str) -> None:
    assert await allowed(port, role, subscribe=may)
    assert not await allowed(port, role, subscribe=may_not)
    assert not await allowed(port, role, subscribe=">")


async def test_roles_reach_each_other_and_strangers_nobody(port: int) -> None:
    address = f"nats://127.0.0.1:{port}"
    matching = NatsBus(servers=[address], user="matching", password=PASSWORDS["nats-matching"])
    web = NatsBus(servers=[address], user="web", password=PASSWORDS["nats-web"])
    stranger = NatsBus(servers=[address], user="web", password="another")

    async def echo(payload: bytes) -> bytes:
        return payload

    await matching.respond(commands_subject(0), echo)
    assert await web.request(commands_subject(0), b"hello", timeout_s=5) == b"hello"
    with pytest.raises(VenueUnavailable):
        await stranger.request(commands_subject(0), b"hello", timeout_s=5)
    for bus in (web, matching, stranger):
        await bus.close()


def test_the_configuration_is_its_owner_s_alone(tmp_path: Path) -> None:
    nats_part(tmp_path, port=4222, passwords=PASSWORDS)
    assert (tmp_path / "nats" / "nats.conf").stat().st_mode & 0o077 == 0
