"""`/ws/v1/`: a plain ASGI application. Its messages are in `docs/reference/websocket.md`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from apps.accounts.identity.authentication import BEARER
from apps.gateways.socket.hub import hub
from apps.gateways.socket.limits import SocketLimits
from apps.gateways.socket.session import CLOSE_FAULT, Session
from cift.errors.application import ApplicationError
from cift.servers.frames import CLOSE_S_MAX, Send, frame_writer
from cift.servers.outbox import CLOSE_NORMAL, Outbox

MESSAGE_BYTES_MAX = 64 * 1024

CLOSE_UNSUPPORTED = 1003
CLOSE_TOO_LARGE = 1009
CLOSE_TRY_AGAIN = 1013

Receive = Callable[[], Awaitable[dict[str, Any]]]

logger = logging.getLogger(__name__)


async def socket_application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one socket from its handshake to its end."""
    if (await receive())["type"] != "websocket.connect":
        return
    home = hub()
    limits = SocketLimits(scope, places=home.places)
    await send({"type": "websocket.accept"})
    outbox = Outbox(frame_writer(scope, send))
    session = Session(home, outbox, limits)
    home.enter(session)
    try:
        limits.handshake()
    except ApplicationError as error:
        session.refused(error, otherwise=CLOSE_TRY_AGAIN)
    receiving = asyncio.create_task(_receive_all(scope, session, receive))
    ending = asyncio.create_task(outbox.wait_end())
    try:
        await asyncio.wait((receiving, ending), return_when=asyncio.FIRST_COMPLETED)
        if _failed(receiving):
            outbox.finish(CLOSE_FAULT, "internal")
        # The server tells when the reader has answered the close, or was cut off.
        await asyncio.wait((receiving,), timeout=2 * CLOSE_S_MAX)
    finally:
        home.leave(session)
        limits.leave()
        # What comes from now on for this reader is dropped.
        outbox.finish(CLOSE_NORMAL, "")
        receiving.cancel()
        ending.cancel()
        await asyncio.gather(receiving, ending, return_exceptions=True)
        await session.close()


def _failed(task: asyncio.Task[None]) -> bool:
    error = task.exception() if task.done() and not task.cancelled() else None
    if error is not None:
        logger.error("a socket failed", exc_info=error)
    return error is not None


async def _receive_all(scope: dict[str, Any], session: Session, receive: Receive) -> None:
    outbox = session.outbox
    header = next((value for name, value in scope["headers"] if name.lower() == b"authorization"), None)
    if header is not None:
        match = BEARER.fullmatch(header.decode("latin-1"))
        try:
            await session.log_in(match.group(1) if match else "")
        except ApplicationError as error:
            # Nobody asked by a message who could be answered: left open, the socket would be a stranger's unawares.
            session.refused(error, otherwise=CLOSE_TRY_AGAIN)
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        if text is None:
            outbox.finish(CLOSE_UNSUPPORTED, "text only")
        elif len(text) > MESSAGE_BYTES_MAX or len(text.encode(errors="replace")) > MESSAGE_BYTES_MAX:
            outbox.finish(CLOSE_TOO_LARGE, "message too large")
        elif not outbox.ended:
            await session.receive(text)
