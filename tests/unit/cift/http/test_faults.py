import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cift.http.faults import faults_answered

SCOPE = {"scheme": "http", "headers": [(b"x-request-id", b"mine-1")]}


async def answer(application: Callable[..., Awaitable[None]], sent: list[dict[str, Any]]) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    await faults_answered(application, seconds_max=0.01)(dict(SCOPE), receive, send)


async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
    raise OSError


async def takes_too_long(_scope: Any, _receive: Any, _send: Any) -> None:
    await asyncio.Event().wait()


async def fails_midway(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise OSError


@pytest.mark.parametrize("application", [fails, takes_too_long])
def test_a_request_that_is_not_answered_gets_a_problem(application: Callable[..., Awaitable[None]]) -> None:
    sent: list[dict[str, Any]] = []

    asyncio.run(answer(application, sent))

    start, body = sent
    problem = json.loads(body["body"])
    assert start["status"] == 500
    assert (problem["code"], problem["request_id"]) == ("internal", "mine-1")


def test_half_an_answer_is_the_servers_to_end() -> None:
    sent: list[dict[str, Any]] = []

    with pytest.raises(OSError):  # noqa: PT011 - the application's own
        asyncio.run(answer(fails_midway, sent))

    assert [event["type"] for event in sent] == ["http.response.start"]
