"""A request's body: whole, and within its bounds of size and time, before anything behind this sees the request."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from cift.errors.application import ApplicationError
from cift.http.answers import problem_send
from cift.http.proxies import Application, Scope
from cift.request_ids import REQUEST_ID_HEADER, request_id_of

LINGER_BYTES_MAX = 4 * 1024 * 1024
"""How much of a body that is too large is read, to be thrown away, before its sender is cut off."""

LINGER_S_MAX = 2.0
"""How long it is read."""

_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()
_BYTES = "cift.body_bytes"

Receive = Callable[[], Awaitable[dict[str, Any]]]


class _Gone(Exception):
    """The client went before its body was there."""


def bodies_bounded(application: Application) -> Application:
    """Pass an application whole bodies; one too large is answered 413, one too slow 408, one encoded 415."""

    async def bounded(scope: Scope, receive: Receive, send: Any) -> None:
        length, chunked, encoded, request_id = _headers_read(scope)
        if not length and not chunked:
            await application(scope, receive, send)
            return
        try:
            body = await _body_read(receive, length, encoded=encoded)
        except ApplicationError as error:
            error.headers["Connection"] = "close"
            await problem_send(send, error, request_id=request_id_of(request_id), secure=scope["scheme"] == "https")
        except _Gone:
            return
        else:
            scope[_BYTES] = len(body)
            await application(scope, _again(body, receive), send)

    return bounded


def body_bytes(scope: Scope) -> int:
    """Return the size of a request's body, which has been read."""
    size: int = scope.get(_BYTES, 0)
    return size


def _headers_read(scope: Scope) -> tuple[int, bool, bool, str | None]:
    """Find the length that was announced, whether one was not, whether the body is encoded, and the request's id."""
    length, chunked, encoded, request_id = 0, False, False, None
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
        elif name == b"content-encoding":
            encoded = encoded or value.strip().lower() != b"identity"
        elif name == _REQUEST_ID:
            request_id = value.decode("latin-1")
    return length, chunked, encoded, request_id


async def _body_read(receive: Receive, length: int, *, encoded: bool) -> bytes:
    """Read a body.

    Raises:
        ApplicationError: `unsupported_media_type`, `payload_too_large`, `request_timeout`.
        _Gone: there is nobody to answer.

    """
    bytes_max: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if encoded:
        await _linger(receive)
        # What is taken instead is said in this header (RFC 9110, 12.5.3 and 15.5.16).
        headers = {"Accept-Encoding": "identity"}
        raise ApplicationError("unsupported_media_type", "A body is taken without a content coding.", headers=headers)
    if length > bytes_max:
        await _linger(receive)
        raise ApplicationError("payload_too_large")
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(settings.BODY_S_MAX):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                part: bytes = message.get("body", b"")
                size += len(part)
                parts.append(part)
                more = message.get("more_body", False)
                if size > bytes_max:
                    break
    except TimeoutError as error:
        raise ApplicationError("request_timeout") from error
    if size > bytes_max:
        if more:
            await _linger(receive)
        raise ApplicationError("payload_too_large")
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _linger(receive: Receive) -> None:
    """Read on for a moment: a client that is cut off while it still writes does not get to see its answer."""
    size, more = 0, True
    try:
        async with asyncio.timeout(LINGER_S_MAX):
            while more and size < LINGER_BYTES_MAX:
                message = await receive()
                more = message.get("more_body", False)
                size += len(message.get("body", b""))
    except TimeoutError:
        return


def _again(body: bytes, receive: Receive) -> Receive:
    """Receive the body once more, then what else the server says."""
    given = False

    async def again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
