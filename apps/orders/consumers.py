"""`/ws/v1/`: a plain ASGI application under Channels' router. What is said on it is in `docs/websocket.md`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from apps.accounts.authentication import BEARER
from apps.orders.hub import hub
from apps.orders.outbox import Outbox
from apps.orders.session import Session
from cift.errors import ApplicationError

MESSAGE_BYTES_MAX = 64 * 1024
PING_S = 20
CHECK_S = 1.0

CLOSE_UNSUPPORTED = 1003
CLOSE_TOO_LARGE = 1009
CLOSE_FAULT = 1011

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)


async def socket_application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one socket from its handshake to its end."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    home, outbox = hub(), Outbox()
    session = Session(home, outbox)
    home.sockets.add(outbox)
    sending = asyncio.create_task(_send_all(outbox, send))
    ticking = asyncio.create_task(_tick(session, outbox))
    receiving = asyncio.create_task(_receive_all(scope, session, outbox, receive))
    try:
        await asyncio.wait((sending, ticking, receiving), return_when=asyncio.FIRST_COMPLETED)
        if any([_failed(receiving), _failed(ticking), _failed(sending)]):
            outbox.finish(CLOSE_FAULT, "internal")
            await asyncio.wait((sending,), timeout=CHECK_S)
    finally:
        home.sockets.discard(outbox)
        for task in (sending, ticking, receiving):
            task.cancel()
        await asyncio.gather(sending, ticking, receiving, return_exceptions=True)
        await session.close()


def _failed(task: asyncio.Task[None]) -> bool:
    error = task.exception() if task.done() and not task.cancelled() else None
    if error is not None:
        logger.error("a socket failed", exc_info=error)
    return error is not None


async def _receive_all(scope: dict[str, Any], session: Session, outbox: Outbox, receive: Receive) -> None:
    header = next((value for name, value in scope["headers"] if name.lower() == b"authorization"), None)
    if header is not None:
        match = BEARER.fullmatch(header.decode("latin-1"))
        try:
            await session.log_in(match.group(1) if match else "")
        except ApplicationError as error:
            session.refused(error)
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        if text is None:
            outbox.finish(CLOSE_UNSUPPORTED, "text only")
        elif len(text) > MESSAGE_BYTES_MAX or len(text.encode(errors="replace")) > MESSAGE_BYTES_MAX:
            outbox.finish(CLOSE_TOO_LARGE, "message too large")
        elif not outbox.ended:
            await session.receive(text)


async def _send_all(outbox: Outbox, send: Send) -> None:
    try:
        while (frame := await outbox.take()) is not None:
            await send({"type": "websocket.send", "text": frame})
        await send({"type": "websocket.close", "code": outbox.close_code, "reason": outbox.close_reason})
    except OSError:
        # Some servers raise it, others say nothing: the reader has gone, and the receiving side is told too.
        logger.debug("a reader went while it was sent to")


async def _tick(session: Session, outbox: Outbox) -> None:
    seconds = 0.0
    while True:
        await asyncio.sleep(CHECK_S)
        outbox.check()
        seconds += CHECK_S
        if seconds >= PING_S:
            seconds = 0.0
            session.tick()
