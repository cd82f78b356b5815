"""Whose pages may open a socket: this venue's own, and those of CSRF_TRUSTED_ORIGINS. A program names no origin."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from cift.http.proxies import Application, Scope

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def origins_own(application: Application) -> Application:
    """Refuse the handshake of a page of another site with 403."""

    async def checked(scope: Scope, receive: Any, send: Any) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if origin is None or _own(origin, scope.get("scheme", "ws"), headers.get(b"host", "")):
            await application(scope, receive, send)
        else:
            # Closed before it is accepted: the server answers 403. No consumer: a refusal costs no database thread.
            await receive()
            await send({"type": "websocket.close"})

    return checked


def _own(origin: str, scheme: str, host: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        named, ours = urlsplit(origin), urlsplit(f"{scheme}://{host}")
        ports = (named.port or _DEFAULT_PORTS[named.scheme], ours.port or _DEFAULT_PORTS[ours.scheme])
    except (KeyError, ValueError):
        return False
    return bool(named.hostname) and named.hostname == ours.hostname and ports[0] == ports[1]
