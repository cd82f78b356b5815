"""The answer to a request whose application fails, or takes too long: the same whichever server is in front."""

import asyncio
import logging
from typing import Any

from cift.errors.application import ApplicationError
from cift.http.answers import problem_send
from cift.http.proxies import Application, Scope
from cift.request_ids import REQUEST_ID_HEADER, request_id_of

REQUEST_S_MAX = 60.0
"""The longest a request may take."""

_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()

logger = logging.getLogger(__name__)


def faults_answered(application: Application, *, seconds_max: float = REQUEST_S_MAX) -> Application:
    """Answer 500 where an application raises, or has not answered in time, before it began to."""

    async def answered(scope: Scope, receive: Any, send: Any) -> None:
        begun = False

        async def sending(event: dict[str, Any]) -> None:
            nonlocal begun
            begun = True
            await send(event)

        try:
            async with asyncio.timeout(seconds_max):
                await application(scope, receive, sending)
        except Exception:
            if begun:
                # Half an answer cannot be taken back; the server ends the connection.
                raise
            logger.exception("a request was not answered")
            # What the application was doing may have been done all the same.
            error = ApplicationError("internal", "The request was not answered; whether it took effect is not known.")
            given = dict(scope["headers"]).get(_REQUEST_ID, b"").decode("latin-1")
            await problem_send(send, error, request_id=request_id_of(given), secure=scope["scheme"] == "https")

    return answered
