"""Answers sent straight to the web server, with the headers Django's middleware would give them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any

import msgspec
from csp.middleware import CSPMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from cift.errors.application import ApplicationError
from cift.errors.problems import CONTENT_TYPE, problem_of
from cift.request_ids import REQUEST_ID_HEADER

_REQUEST_ID = REQUEST_ID_HEADER.encode()
_JSON = b"application/json"
_PROBLEM = CONTENT_TYPE.encode()

_encode = msgspec.json.Encoder().encode

Pairs = Iterable[tuple[bytes, bytes]]


async def json_send(send: Any, body: Any, *, status: int, request_id: str, secure: bool, headers: Pairs = ()) -> None:
    """Send an answer as JSON."""
    await _send(send, _encode(body), status, _JSON, request_id=request_id, secure=secure, headers=headers)


async def problem_send(send: Any, error: ApplicationError, *, request_id: str, secure: bool) -> None:
    """Send the answer to an error."""
    body = _encode(problem_of(error, request_id=request_id))
    headers = pairs_of(error.headers)
    await _send(send, body, error.status, _PROBLEM, request_id=request_id, secure=secure, headers=headers)


def problem_raw(error: ApplicationError, *, request_id: str) -> bytes:
    """Write an answer to an error as it goes over the wire, for what no application answers; the connection ends."""
    body = _encode(problem_of(error, request_id=request_id))
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\nServer: cift\r\nConnection: close\r\n"
        f"{REQUEST_ID_HEADER}: {request_id}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def pairs_of(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as a web server takes them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _send(
    send: Any, body: bytes, status: int, content_type: bytes, *, request_id: str, secure: bool, headers: Pairs
) -> None:
    pairs = [
        (b"Content-Type", content_type),
        (b"Content-Length", str(len(body)).encode()),
        (_REQUEST_ID, request_id.encode()),
        *headers,
        *_headers_of_all(secure),
    ]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=2)
def _headers_of_all(secure: bool) -> list[tuple[bytes, bytes]]:  # noqa: FBT001 - the cache's key
    """Ask Django's middleware, once, which headers every answer has."""
    scheme = "https" if secure else "http"
    request = ASGIRequest(
        {"method": "GET", "path": "/", "scheme": scheme, "headers": [], "query_string": b""}, BytesIO()
    )
    response = HttpResponse(headers={"Vary": "Accept"})
    del response.headers["Content-Type"]
    SecurityMiddleware(_same).process_response(request, response)
    CSPMiddleware(_same).process_response(request, response)
    XFrameOptionsMiddleware(_same).process_response(request, response)
    return pairs_of(dict(response.headers.items()))


def _same(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()
