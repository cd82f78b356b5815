"""Answers sent straight to the web server, with the headers Django's middleware would give them."""

from collections.abc import Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from time import time
from typing import Any

import msgspec
from csp.middleware import CSPMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from cift.errors.application import ApplicationError
from cift.errors.problems import CONTENT_TYPE, problem_of
from cift.http.caching import NO_STORE
from cift.request_ids import REQUEST_ID_HEADER

_REQUEST_ID = REQUEST_ID_HEADER.encode()
_JSON = b"application/json"
_PROBLEM = CONTENT_TYPE.encode()

_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}

_encode = msgspec.json.Encoder().encode

Pairs = Iterable[tuple[bytes, bytes]]


async def json_send(send: Any, body: Any, *, status: int, request_id: str, secure: bool, headers: Pairs = ()) -> None:
    """Send an answer as JSON; its headers say who may keep it."""
    await _send(send, _encode(body), status, _JSON, request_id=request_id, secure=secure, headers=headers)


async def problem_send(send: Any, error: ApplicationError, *, request_id: str, secure: bool) -> None:
    """Send the answer to an error."""
    body = _encode(problem_of(error, request_id=request_id))
    headers = pairs_of({"Cache-Control": NO_STORE, **error.headers})
    await _send(send, body, error.status, _PROBLEM, request_id=request_id, secure=secure, headers=headers)


def problem_raw(error: ApplicationError, *, request_id: str, bodiless: bool = False) -> bytes:
    """Write an answer to an error as it goes over the wire, for what no application answers; the connection ends.

    `bodiless`: the request is a HEAD, whose answer has the headers alone.
    """
    body = _encode(problem_of(error, request_id=request_id))
    head = (
        f"HTTP/1.1 {error.status} {phrase_of(error.status)}\r\nDate: {date_now()}\r\nServer: cift\r\n"
        f"Connection: close\r\n{REQUEST_ID_HEADER}: {request_id}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: {NO_STORE}\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in error.headers.items())
        + "\r\n"
    )
    return head.encode() if bodiless else head.encode() + body


def phrase_of(status: int) -> str:
    """Return a status's reason phrase as RFC 9110 has it; Python and Twisted know older names of some."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def date_now() -> str:
    """Return the time as `Date` says it (RFC 9110, 5.6.7)."""
    return _date_of(int(time()))


@lru_cache(maxsize=2)
def _date_of(second: int) -> str:
    return formatdate(second, usegmt=True)


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
