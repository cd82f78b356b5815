"""A socket's handshake, without a server."""

import asyncio
from typing import Any

import pytest

from apps.accounts.identity.sessions import Principal
from apps.gateways.socket.consumer import socket_application
from cift.errors.application import ApplicationError


async def closed_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> tuple[int, str]:
    """Open a socket whose Bearer header meets an error; give the code and reason it is closed with."""

    async def principal_find(_token: str) -> Principal:
        raise error

    monkeypatch.setattr("apps.gateways.socket.session.principal_find", principal_find)
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    async def send(event: dict[str, Any]) -> None:
        assert event["type"] in ("websocket.accept", "websocket.close")
        if event["type"] == "websocket.close":
            closed.set_result((event["code"], event["reason"]))
            told.put_nowait({"type": "websocket.disconnect", "code": event["code"]})

    told.put_nowait({"type": "websocket.connect"})
    scope = {"type": "websocket", "headers": [(b"authorization", b"Bearer x")], "client": ("192.0.2.9", 1)}
    serving = asyncio.create_task(socket_application(scope, told.get, send))
    code = await asyncio.wait_for(closed, timeout=5)
    await serving
    return code


@pytest.mark.parametrize(
    ("code", "close"), [("unauthenticated", 4001), ("forbidden", 4003), ("rate_limited", 4029), ("database_busy", 1013)]
)
async def test_a_bearer_header_that_lets_nobody_in_closes_the_socket(
    monkeypatch: pytest.MonkeyPatch, code: str, close: int
) -> None:
    assert await closed_with(monkeypatch, ApplicationError(code)) == (close, code)


async def test_a_fault_at_the_handshake_closes_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await closed_with(monkeypatch, RuntimeError("a fault")) == (1011, "internal")
