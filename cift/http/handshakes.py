"""A socket's handshake, judged as a request is before the application sees it: its host, its address, its page.

Whose pages may open a socket: this venue's own, and those of CSRF_TRUSTED_ORIGINS. A program names no origin.
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from cift.errors.application import ApplicationError
from cift.http.answers import problem_send
from cift.http.hosts import host_is_ours
from cift.http.proxies import Application, Scope
from cift.request_ids import REQUEST_ID_HEADER, request_id_of

ANSWER_EXTENSION = "websocket.http.response"
"""ASGI's extension by which a handshake is answered with more than a bare 403; its events are named after it."""

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()


def handshakes_checked(application: Application, *, path: str) -> Application:
    """Let handshakes through to the one address there is; the others are answered with a problem.

    400 a host that is not ours, 403 the page of another site, 404 another address.
    """

    async def checked(scope: Scope, receive: Any, send: Any) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        error = _fault_find(scope, headers, path)
        if error is None:
            await application(scope, receive, send)
            return
        # Refused here and not by a consumer: a refusal costs no database thread.
        await receive()
        if ANSWER_EXTENSION in scope.get("extensions", ()):
            request_id = request_id_of(headers.get(_REQUEST_ID, b"").decode("latin-1"))
            secure = _scheme(scope) == "wss"
            await problem_send(_of_handshake(send), error, request_id=request_id, secure=secure)
        else:
            await send({"type": "websocket.close"})

    return checked


def _fault_find(scope: Scope, headers: dict[bytes, bytes], path: str) -> ApplicationError | None:
    host, origin = headers.get(b"host", b""), headers.get(b"origin")
    if not host_is_ours(host):
        return ApplicationError("invalid", "The Host header names no host of this venue.")
    if scope["path"] != path:
        return ApplicationError("not_found")
    if origin is not None and not _own(origin.decode("latin-1"), _scheme(scope), host.decode("latin-1")):
        return ApplicationError("forbidden", "Pages of other sites may not open a socket.")
    return None


def _scheme(scope: Scope) -> str:
    scheme: str = scope.get("scheme", "ws")
    return scheme


def _of_handshake(send: Any) -> Any:
    async def renamed(event: dict[str, Any]) -> None:
        await send({**event, "type": f"websocket.{event['type']}"})

    return renamed


def _own(origin: str, scheme: str, host: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        named, ours = urlsplit(origin), urlsplit(f"{scheme}://{host}")
        ports = (named.port or _DEFAULT_PORTS[named.scheme], ours.port or _DEFAULT_PORTS[ours.scheme])
    except (KeyError, ValueError):
        return False
    return bool(named.hostname) and named.hostname == ours.hostname and ports[0] == ports[1]
