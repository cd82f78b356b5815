"""Who really asks, behind a proxy: told by the proxies of the setting, and by nobody else."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from django.conf import settings
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

_FORWARDED = (b"forwarded", b"x-forwarded-", b"x-real-ip")


def is_trusted(address: str) -> bool:
    """Return whether an address is a trusted proxy's, which speaks for many."""
    return address in ProxyHeadersMiddleware(cast("Any", None), trusted_hosts=settings.TRUSTED_PROXIES).trusted_hosts


def proxies_trusted(application: Application) -> Application:
    """Pass an application the client's own address and scheme.

    TRUSTED_PROXIES lists addresses and networks. Their `X-Forwarded-For` is read from its end to the first address
    that is none of theirs; `X-Forwarded-Proto` is the scheme. Nothing behind this sees such a header, forged or not.
    The venue is at the root of its host, whatever a header says: the address that is counted is the one that is routed.
    """
    trusted: list[str] = settings.TRUSTED_PROXIES

    async def told(scope: Scope, receive: Any, send: Any) -> None:
        if "headers" in scope:
            scope["root_path"] = ""
            scope["headers"] = [pair for pair in scope["headers"] if not pair[0].lower().startswith(_FORWARDED)]
        await application(scope, receive, send)

    if not trusted:
        return told
    return cast("Application", ProxyHeadersMiddleware(cast("Any", told), trusted_hosts=trusted))
